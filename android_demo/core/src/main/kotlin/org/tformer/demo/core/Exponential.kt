package org.tformer.demo.core

import kotlin.math.abs

/**
 * exp to the last bit, as `tformer_edge/exponential.py`: + − * / alone, each rounded on its own. No two libraries' exp agree in their
 * last bits, so results rest on none.
 */
internal object Exponential {
    /** exp(±[LIMIT]) are normal numbers, so that the last step is exact. */
    const val LIMIT = 708.0
    private const val LOG2_E = 1.4426950408889634
    private const val LN2_HIGH = 0.6931471803691238
    private const val LN2_LOW = 1.9082149292705877e-10
    private const val TERMS = 13
    private const val HALVINGS = 64

    /** exp([x]) for x from −708 to 708. */
    fun exponential(x: Double): Double {
        require(abs(x) <= LIMIT) { "Expected an exponent from -$LIMIT to $LIMIT, received $x." }
        val k = Math.rint(x * LOG2_E)
        val r = (x - k * LN2_HIGH) - k * LN2_LOW
        var y = 1.0
        for (i in TERMS downTo 1) y = 1.0 + y * r / i
        return Math.scalb(y, k.toInt())
    }

    /** 1 / (1 + exp(−[x])), of any number. */
    fun sigmoid(x: Double): Double {
        val e = exponential(-minOf(abs(x), LIMIT))
        return (if (x >= 0) 1.0 else e) / (1.0 + e)
    }

    /** The logit that a score must exceed for its [sigmoid] to exceed [probability], over 0 and under 1. */
    fun logit(probability: Double): Double {
        require(probability > 0 && probability < 1) { "Expected a probability between 0 and 1, received $probability." }
        var low = -LIMIT
        var high = LIMIT
        repeat(HALVINGS) {
            val middle = (low + high) * 0.5
            if (sigmoid(middle) > probability) high = middle else low = middle
        }
        return low
    }
}
