package org.tformer.demo.core

import kotlin.math.exp

/**
 * The indices of the [top] greatest of [values], the greatest first; among equals the smaller index first, a NaN behind all
 * numbers.
 */
internal fun ranked(values: DoubleArray, top: Int): IntArray {
    val best = IntArray(minOf(top, values.size))
    var filled = 0
    for (index in values.indices) {
        val value = values[index]
        if (filled == best.size && !precedes(value, values[best[filled - 1]])) continue
        // From the end up to the first one that stays in front of it.
        var place = if (filled < best.size) filled++ else filled - 1
        while (place > 0 && precedes(value, values[best[place - 1]])) {
            best[place] = best[place - 1]
            place--
        }
        best[place] = index
    }
    return best
}

/** For a later index than [other]'s. Plain comparison, in which 0 and −0 are equal, as in NumPy. */
private fun precedes(value: Double, other: Double): Boolean = value > other || (other.isNaN() && !value.isNaN())

/** exp(scores) / sum(exp(scores)), without overflow. For display: its last bits are not part of the contract. */
internal fun softmax(scores: DoubleArray): DoubleArray {
    var greatest = Double.NEGATIVE_INFINITY
    for (score in scores) greatest = maxOf(greatest, score)
    val powers = DoubleArray(scores.size) { exp(scores[it] - greatest) }
    val sum = powers.sum()
    return DoubleArray(scores.size) { powers[it] / sum }
}
