package org.tformer.demo.engine

import org.tensorflow.lite.DataType
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.Tensor
import org.tformer.demo.core.Engine
import org.tformer.demo.core.EngineException
import org.tformer.demo.core.TensorInfo
import org.tformer.demo.core.TensorType
import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * A flatbuffer in TensorFlow Lite, in this process.
 *
 * @param flatbuffer direct, in native order; read for as long as this is open.
 * @param threads 1 or more.
 * @param xnnpack the fast kernels, which may be some units of the last place beside the reference; without them TensorFlow
 * Lite's own.
 */
class TfliteEngine(flatbuffer: ByteBuffer, threads: Int, xnnpack: Boolean = true) : Engine {
    private val interpreter: Interpreter = interpreter("open the model") {
        Interpreter(flatbuffer, Interpreter.Options().setNumThreads(threads).setUseXNNPACK(xnnpack)).also { it.allocateTensors() }
    }

    override val input: TensorInfo
    override val outputs: List<TensorInfo>
    private val inputBuffer: ByteBuffer
    private val inputs: Array<Any>

    // The interpreter's own memory, which stays where it is: tensors have fixed sizes. Asking it to copy outputs makes objects at each run.
    private val outputBuffers: List<ByteBuffer>
    private val outputBytes: List<ByteArray>

    init {
        try {
            if (interpreter.inputTensorCount != 1) {
                throw EngineException(
                    "Expected a model with one input, received one with ${interpreter.inputTensorCount}; convert it again.",
                )
            }
            input = info(interpreter.getInputTensor(0))
            outputs = List(interpreter.outputTensorCount) { info(interpreter.getOutputTensor(it)) }
            inputBuffer = buffer(interpreter.getInputTensor(0))
            inputs = arrayOf(inputBuffer)
            outputBuffers = List(outputs.size) { interpreter.getOutputTensor(it).asReadOnlyBuffer() }
            outputBytes = outputBuffers.map { ByteArray(it.capacity()) }
        } catch (error: Throwable) {
            interpreter.close()
            throw error
        }
    }

    override fun run(input: ByteArray): List<ByteArray> {
        if (input.size != inputBuffer.capacity()) {
            throw EngineException("Expected an input of ${inputBuffer.capacity()} bytes, received ${input.size}; convert the model again.")
        }
        // As Buffers: ByteBuffer's own clear() and rewind() are younger than API 26.
        (inputBuffer as Buffer).clear()
        inputBuffer.put(input)
        (inputBuffer as Buffer).rewind()
        interpreter("run the model") { interpreter.runForMultipleInputsOutputs(inputs, NO_COPIES) }
        for (index in outputBuffers.indices) {
            (outputBuffers[index] as Buffer).rewind()
            outputBuffers[index].get(outputBytes[index])
        }
        return outputBytes
    }

    override fun close() = interpreter.close()

    private fun buffer(tensor: Tensor) = ByteBuffer.allocateDirect(tensor.numBytes()).order(ByteOrder.nativeOrder())

    private fun info(tensor: Tensor): TensorInfo {
        val type = when (tensor.dataType()) {
            DataType.INT8 -> TensorType.INT8
            DataType.UINT8 -> TensorType.UINT8
            DataType.FLOAT32 -> TensorType.FLOAT32
            else -> throw EngineException(
                "Expected tensors of int8, uint8 or float32, received ${tensor.dataType()}; convert the model again.",
            )
        }
        val quantization = tensor.quantizationParams()
        return TensorInfo(tensor.shape().toList(), type, quantization.scale, quantization.zeroPoint)
    }

    /** The interpreter throws IllegalArgumentException and IllegalStateException with several lines of text. */
    private inline fun <T> interpreter(what: String, work: () -> T): T =
        try {
            work()
        } catch (error: EngineException) {
            throw error
        } catch (error: RuntimeException) {
            val reason = error.message.orEmpty().lineSequence().firstOrNull { it.isNotBlank() } ?: error.javaClass.simpleName
            throw EngineException("Expected a model that TensorFlow Lite can run, it could not $what: ${reason.trim()}; convert the model again.")
        }

    private companion object {
        val NO_COPIES: Map<Int, Any> = emptyMap()
    }
}
