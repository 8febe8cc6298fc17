package org.tformer.demo.core

/**
 * From which probability on a classifier's answer is one (docs/contract.md, "Not sure").
 *
 * @property temperature 0.01 to 100: what logits are divided by before the softmax. @property notSureBelow 0 to 1: an answer of a
 * smaller probability is none.
 */
data class Certainty(val temperature: Double, val notSureBelow: Double) {
    internal companion object {
        /** Of a model whose contract says nothing: every answer is one. */
        val NONE = Certainty(1.0, 0.0)

        /** `certainty` of a `model.json` of [task] whose scores are [meaning]; null where it is missing. */
        fun parse(document: Fields, task: String, meaning: Meaning): Certainty? {
            if (!document.has("certainty")) return null
            val fields = document.fields("certainty")
            val temperature = fields.number("temperature")
            if (!(temperature in 0.01..100.0)) throw wrong(fields.name("temperature"), "a number from 0.01 to 100", temperature)
            val least = fields.number("not_sure_below")
            if (!(least in 0.0..1.0)) throw wrong(fields.name("not_sure_below"), "a number from 0 to 1", least)
            if (task != Contract.CLASSIFICATION) throw wrong("certainty", "of a classifier, and of nothing else", task)
            if (meaning == Meaning.PROBABILITIES && temperature != 1.0) {
                throw wrong(fields.name("temperature"), "1 of probabilities", temperature)
            }
            return Certainty(temperature, least)
        }
    }
}
