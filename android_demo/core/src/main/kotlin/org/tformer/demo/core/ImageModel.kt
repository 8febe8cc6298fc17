package org.tformer.demo.core

/**
 * What the models for all tasks do with an image: prepare it, run the interpreter, read what it gave, and time all three. One thread
 * at a time uses it. For pictures of one size it allocates once.
 *
 * @throws ModelError for a file without a contract or for another task, and where the interpreter's tensors are not the contract's.
 */
abstract class ImageModel<A : Answer> internal constructor(val file: ModelFile, task: String, private val engine: Engine) {
    val contract: Contract = file.contract ?: throw ModelError(
        "Expected a model file with a contract, received one without; convert it with converters/to_tflite.py, which adds it.",
    )
    private val pixels: InputPixels
    private val tensor: InputTensor

    init {
        if (contract.task != task) throw ModelError("Expected a model for $task, received one for ${contract.task}; choose another model.")
        if (contract.outputs.isEmpty() && task != Contract.CLASSIFICATION) {
            throw ModelError("Expected a contract that says what the model's outputs are, received one without; convert the model again.")
        }
        checkTensors(contract, engine)
        pixels = InputPixels(contract.preprocessing)
        tensor = InputTensor(contract.preprocessing, engine.input)
    }

    /** An answer to be filled. */
    abstract fun blank(): A

    /** Fills [into] with what the [outputs]' bytes say about a picture of [height] × [width]. */
    protected abstract fun read(outputs: List<ByteArray>, height: Int, width: Int, into: A)

    /**
     * What the model says about [image], in [into].
     *
     * @throws EngineException where the interpreter fails.
     * @throws ModelError for outputs of which no answer comes: NaN, or infinite numbers where that says nothing.
     */
    fun answer(image: RgbImage, into: A = blank()): A {
        val start = System.nanoTime()
        val input = prepare(image)
        val prepared = System.nanoTime()
        val given = outputs(input)
        val ran = System.nanoTime()
        read(given, image.height, image.width, into)
        into.preprocessNanos = prepared - start
        into.inferenceNanos = ran - prepared
        into.answerNanos = System.nanoTime() - ran
        return into
    }

    /**
     * The input tensor's bytes, to the last bit as `tformer_edge` makes them; the same image for the whole batch. The next call fills
     * them again.
     */
    fun prepare(image: RgbImage): ByteArray = tensor.of(pixels.of(image))

    /** Reads outputs' bytes as an answer about a picture of the input's size, which nobody gets: what that costs can be timed. */
    fun reader(): (List<ByteArray>) -> Unit {
        val into = blank()
        val image = contract.preprocessing
        return { outputs -> read(outputs, image.height, image.width, into) }
    }

    /**
     * All outputs' bytes for those of an input tensor; the next call may fill them again.
     *
     * @throws EngineException where the interpreter fails.
     */
    fun outputs(input: ByteArray): List<ByteArray> {
        val given = engine.run(input)
        val expected = engine.outputs
        var fits = given.size == expected.size
        for (index in given.indices) fits = fits && given[index].size.toLong() == expected[index].bytes
        if (!fits) {
            throw EngineException(
                "Expected outputs of ${expected.joinToString { "${it.bytes}" }} bytes from the interpreter, received " +
                    "${given.joinToString { "${it.size}" }}; open the model again.",
            )
        }
        return given
    }
}
