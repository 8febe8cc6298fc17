package org.tformer.demo.core

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** A model file of a given interface, made without a file: labels L0, L1, …; an input of 2 × 2 pixels. */
object FakeModels {
    fun file(
        inputType: TensorType = TensorType.INT8,
        outputType: TensorType = TensorType.INT8,
        labels: Int = 3,
        meaning: Meaning = Meaning.LOGITS,
        golden: List<Golden> = emptyList(),
        task: String = Contract.CLASSIFICATION,
    ): ModelFile {
        val image = Preprocessing(2, 2, Resize.STRETCH, 1.0, List(3) { 0.0 }, List(3) { 1.0 })
        val records = golden.map { GoldenRecord(it.name, "", "", it.xnnpackDifference) }
        val contract = Contract(
            "fake", task, 1, image, inputType, outputType, meaning, labels, "", 8, "", records, emptyMap(), null, emptyMap(),
        )
        return ModelFile(ByteArray(8), contract, List(labels) { "L$it" }, golden)
    }

    fun tensor(type: TensorType, vararg shape: Int, scale: Float = 0.5f, zeroPoint: Int = 0) =
        if (type == TensorType.FLOAT32) TensorInfo(shape.toList(), type, 0f, 0) else TensorInfo(shape.toList(), type, scale, zeroPoint)

    fun input(type: TensorType = TensorType.INT8) = tensor(type, 1, 2, 2, 3, scale = 1 / 255f)

    fun floats(vararg values: Float): ByteArray =
        ByteBuffer.allocate(4 * values.size).order(ByteOrder.LITTLE_ENDIAN).apply { values.forEach { putFloat(it) } }.array()

    fun bytes(vararg values: Int) = ByteArray(values.size) { values[it].toByte() }
}

/** An interpreter that gives [answer]s and remembers what it was asked. */
class FakeEngine(
    override val input: TensorInfo,
    override val outputs: List<TensorInfo>,
    private val answer: (ByteArray) -> List<ByteArray>,
) : Engine {
    val inputs = ArrayList<ByteArray>()
    var closes = 0

    override fun run(input: ByteArray): List<ByteArray> {
        check(closes == 0) { "run after close" }
        inputs += input
        return answer(input)
    }

    override fun close() {
        closes++
    }
}
