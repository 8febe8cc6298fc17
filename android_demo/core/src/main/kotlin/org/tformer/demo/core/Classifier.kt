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

/** A model file that classifies images, in an interpreter that the caller opened and closes. See [ImageModel]. */
class Classifier(file: ModelFile, engine: Engine) : ImageModel(file, Contract.CLASSIFICATION, engine) {
    private val output: TensorInfo = engine.outputs.single()

    /**
     * The output tensor's bytes for those of an input tensor.
     *
     * @throws EngineException where the interpreter fails.
     */
    fun run(input: ByteArray): ByteArray = outputs(input).single()

    /**
     * Classifies one image.
     *
     * @param top labels in [Prediction.top], at least 1; more than there are means all.
     * @throws EngineException where the interpreter fails.
     * @throws ModelError for float32 scores of which no probabilities come: NaN, or infinite logits.
     */
    fun classify(image: RgbImage, top: Int = 3): Prediction {
        require(top >= 1) { "Expected top of at least 1, received $top." }
        val made = timed(image) { it.single() }
        return answer(made.answer, top, made.preprocessNanos, made.inferenceNanos)
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
