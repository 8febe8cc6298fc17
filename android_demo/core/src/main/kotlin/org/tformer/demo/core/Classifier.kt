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
 * @property names of all labels.
 * @property order of the first labels, the best first, as many as there is room for; equal ones by lower index.
 * @property scores of all labels, dequantized. @property probabilities of all labels, 0 to 1.
 * @property values an int8 or uint8 output as it is, one a label: what two machines compare. Empty for float32.
 */
class Prediction internal constructor(val names: List<String>, top: Int, quantized: Boolean) : Answer() {
    val order = IntArray(minOf(top, names.size))
    val scores = DoubleArray(names.size)
    val probabilities = DoubleArray(names.size)
    val values = IntArray(if (quantized) names.size else 0)

    /** Whether the best probability is as high as the contract asks of an answer; true where it asks nothing. */
    var sure = true
        internal set

    /** The first labels by themselves. */
    val top: List<Ranked> get() = order.map { Ranked(it, names[it], scores[it], probabilities[it]) }
}

/** A model file that classifies images, in an interpreter that the caller opened and closes. See [ImageModel]. */
class Classifier(file: ModelFile, engine: Engine) : ImageModel<Prediction>(file, Contract.CLASSIFICATION, engine) {
    private val output: TensorInfo = engine.outputs.single()
    private val raw = TensorValues(output)
    private val certainty: Certainty = contract.certainty ?: Certainty.NONE

    override fun blank() = blank(SHOWN)

    /** An answer with room for [top] labels, at least 1; more than there are means all. */
    fun blank(top: Int): Prediction {
        require(top >= 1) { "Expected top of at least 1, received $top." }
        return Prediction(file.labels, top, output.type != TensorType.FLOAT32)
    }

    override fun read(outputs: List<ByteArray>, height: Int, width: Int, into: Prediction) {
        // The first image of the batch.
        raw.bytes = outputs[0]
        val scores = into.scores
        for (index in scores.indices) scores[index] = raw.value(index)
        // The tensor's own values decide the order: equal ones stay equal.
        rank(scores, into.order)
        for (index in into.values.indices) into.values[index] = scores[index].toInt()
        for (index in scores.indices) scores[index] = raw.real(index)
        if (contract.outputMeaning == Meaning.LOGITS) {
            softmax(scores, certainty.temperature, into.probabilities)
        } else {
            scores.copyInto(into.probabilities)
        }
        for (one in into.probabilities) {
            // Also after infinite logits. A screen cannot show it, and its order means nothing.
            if (one.isNaN()) throw ModelError("Expected numbers as scores, received some that are none; choose another model.")
        }
        into.sure = into.probabilities[into.order[0]] >= certainty.notSureBelow
    }

    private companion object {
        const val SHOWN = 3
    }
}
