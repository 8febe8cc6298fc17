package org.tformer.demo.core

import kotlin.math.floor

/** Percentiles by linear interpolation, NumPy's default, to the last bit. */
object Percentiles {
    /**
     * The value that [percent] (0 to 100) of [values] do not exceed.
     *
     * @throws IllegalArgumentException for no values, or another percentage.
     */
    fun of(values: DoubleArray, percent: Double): Double {
        require(values.isNotEmpty()) { "Expected at least one value, received none." }
        require(percent in 0.0..100.0) { "Expected a percentage from 0 to 100, received $percent." }
        val sorted = values.copyOf().apply { sort() }
        val place = (sorted.size - 1) * (percent / 100)
        val below = floor(place).toInt()
        val from = sorted[below]
        val to = sorted[minOf(below + 1, sorted.size - 1)]
        val share = place - below
        // From the nearer end, so that equal ends give themselves.
        return if (share < 0.5) from + (to - from) * share else to - (to - from) * (1 - share)
    }

    /** The same for integers of up to 53 bits. */
    fun of(values: LongArray, percent: Double): Double = of(DoubleArray(values.size) { values[it].toDouble() }, percent)
}
