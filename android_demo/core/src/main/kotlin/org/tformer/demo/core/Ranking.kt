package org.tformer.demo.core

import kotlin.math.exp

/**
 * Fills [best] with the indices of the greatest of [values], the greatest first; among equals the smaller index first, a NaN behind
 * all numbers.
 *
 * @param best at most as many as there are values.
 */
internal fun rank(values: DoubleArray, best: IntArray) {
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
}

/** For a later index than [other]'s. Plain comparison, in which 0 and −0 are equal, as in NumPy. */
private fun precedes(value: Double, other: Double): Boolean = value > other || (other.isNaN() && !value.isNaN())

/**
 * Fills [shares] with exp(scores / temperature) / sum(exp(scores / temperature)), without overflow. For display: its last bits are
 * not part of the contract.
 */
internal fun softmax(scores: DoubleArray, temperature: Double, shares: DoubleArray) {
    var greatest = Double.NEGATIVE_INFINITY
    for (score in scores) greatest = maxOf(greatest, score)
    var sum = 0.0
    for (index in scores.indices) {
        shares[index] = exp((scores[index] - greatest) / temperature)
        sum += shares[index]
    }
    for (index in shares.indices) shares[index] /= sum
}
