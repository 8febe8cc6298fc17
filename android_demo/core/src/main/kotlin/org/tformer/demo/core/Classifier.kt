package org.tformer.demo.core

/**
 * One label among the first ones.
 *
 * @property index of the label in `labels.txt`, from 0.
 * @property score dequantized by the file's own scale: a logit or a probability, as the contract says.
 * @property probability 0 to 1: the softmax of logits, or the score itself.
 */
class Ranked(val index: Int, val label: String, val score: Double, val probability: Double)

/**
 * A classifier's answer.
 *
 * @property top the first labels, the best first; equal ones by lower index.
 * @property scores all of them, one a label.
 * @property values an int8 or uint8 output as it is, one a label: what two machines compare. Empty for float32.
 * @property preprocessNanos for resize, crop and input table; [inferenceNanos] for the interpreter.
 */
class Prediction(
    val top: List<Ranked>,
    val scores: DoubleArray,
    val values: IntArray,
    val preprocessNanos: Long,
    val inferenceNanos: Long,
)

/**
 * A model file that classifies images, in an interpreter that the caller opened and closes. One thread at a time uses it.
 *
 * @throws ModelError for a file without a contract or for another task, and where the interpreter's tensors are not the contract's.
 */
class Classifier(val file: ModelFile, private val engine: Engine) {
    private val contract: Contract = file.contract ?: throw ModelError(
        "Expected a model file with a contract, received one without; convert it with converters/to_tflite.py, which adds it.",
    )
    private val tensor: InputTensor
    private val output: TensorInfo

    init {
        if (contract.task != Contract.CLASSIFICATION) {
            throw ModelError(
                "Expected a model for ${Contract.CLASSIFICATION}, received one for ${contract.task}; choose another model.",
            )
        }
        checkTensors(contract, engine)
        tensor = InputTensor(contract.preprocessing, engine.input)
        output = engine.outputs.single()
    }

    /** The input tensor's bytes, to the last bit as `tformer_edge` makes them; the same image for the whole batch. */
    fun prepare(image: RgbImage): ByteArray = tensor.of(contract.preprocessing.pixels(image))

    /**
     * The output tensor's bytes for those of an input tensor.
     *
     * @throws EngineException where the interpreter fails.
     */
    fun run(input: ByteArray): ByteArray {
        val bytes = engine.run(input).singleOrNull()
        if (bytes == null || bytes.size.toLong() != output.bytes) {
            throw EngineException(
                "Expected one output of ${output.bytes} bytes from the interpreter, received ${bytes?.size ?: "another number"}; " +
                    "open the model again.",
            )
        }
        return bytes
    }

    /**
     * Classifies one image.
     *
     * @param top labels in [Prediction.top], at least 1; more than there are means all.
     * @throws EngineException where the interpreter fails.
     * @throws ModelError for float32 scores of which no probabilities come: NaN, or infinite logits.
     */
    fun classify(image: RgbImage, top: Int = 3): Prediction {
        require(top >= 1) { "Expected top of at least 1, received $top." }
        val start = System.nanoTime()
        val input = prepare(image)
        val prepared = System.nanoTime()
        val bytes = run(input)
        val ended = System.nanoTime()
        return answer(bytes, top, prepared - start, ended - prepared)
    }

    private fun answer(bytes: ByteArray, top: Int, preprocessNanos: Long, inferenceNanos: Long): Prediction {
        // The first image of the batch.
        val values = tensorValues(bytes.copyOf(contract.labelCount * output.type.bytes), output.type)
        val scores = dequantize(values, output)
        val probabilities = if (contract.outputMeaning == Meaning.LOGITS) softmax(scores) else scores
        // Also after infinite logits. A screen cannot show it, and its order means nothing.
        if (probabilities.any { it.isNaN() }) {
            throw ModelError("Expected numbers as scores, received some that are none; choose another model.")
        }
        return Prediction(
            // The tensor's own values decide the order: equal ones stay equal.
            ranked(values, top).map { Ranked(it, file.labels[it], scores[it], probabilities[it]) },
            scores,
            if (output.type == TensorType.FLOAT32) IntArray(0) else IntArray(values.size) { values[it].toInt() },
            preprocessNanos,
            inferenceNanos,
        )
    }
}
