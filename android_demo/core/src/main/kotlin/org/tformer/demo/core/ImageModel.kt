package org.tformer.demo.core

/**
 * What the models for all tasks do with an image: prepare it, run the interpreter, and time both. One thread at a time uses it.
 *
 * @throws ModelError for a file without a contract or for another task, and where the interpreter's tensors are not the contract's.
 */
abstract class ImageModel internal constructor(val file: ModelFile, task: String, private val engine: Engine) {
    protected val contract: Contract = file.contract ?: throw ModelError(
        "Expected a model file with a contract, received one without; convert it with converters/to_tflite.py, which adds it.",
    )
    private val tensor: InputTensor

    init {
        if (contract.task != task) throw ModelError("Expected a model for $task, received one for ${contract.task}; choose another model.")
        if (contract.outputs.isEmpty() && task != Contract.CLASSIFICATION) {
            throw ModelError("Expected a contract that says what the model's outputs are, received one without; convert the model again.")
        }
        checkTensors(contract, engine)
        tensor = InputTensor(contract.preprocessing, engine.input)
    }

    /** The input tensor's bytes, to the last bit as `tformer_edge` makes them; the same image for the whole batch. */
    fun prepare(image: RgbImage): ByteArray = tensor.of(contract.preprocessing.pixels(image))

    /**
     * All outputs' bytes for those of an input tensor.
     *
     * @throws EngineException where the interpreter fails.
     */
    protected fun outputs(input: ByteArray): List<ByteArray> {
        val given = engine.run(input)
        if (given.map { it.size.toLong() } != engine.outputs.map { it.bytes }) {
            throw EngineException(
                "Expected outputs of ${engine.outputs.joinToString { "${it.bytes}" }} bytes from the interpreter, received " +
                    "${given.joinToString { "${it.size}" }}; open the model again.",
            )
        }
        return given
    }

    /** Prepares [image], runs the model, and hands its outputs to [answer]. */
    protected fun <T> timed(image: RgbImage, answer: (outputs: List<ByteArray>) -> T): Timed<T> {
        val start = System.nanoTime()
        val input = prepare(image)
        val prepared = System.nanoTime()
        val given = outputs(input)
        val ran = System.nanoTime()
        val answered = answer(given)
        return Timed(answered, prepared - start, ran - prepared, System.nanoTime() - ran)
    }
}

/** An answer and what it took: [preprocessNanos] for the input, [inferenceNanos] for the interpreter, [answerNanos] for what follows. */
class Timed<out T>(val answer: T, val preprocessNanos: Long, val inferenceNanos: Long, val answerNanos: Long)
