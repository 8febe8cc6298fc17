package org.tformer.demo.core

import java.math.BigInteger

/**
 * Where the pixels of an axis look in a map: at [first] + [weight] / [denominator], both one a pixel (`tformer_edge/class_maps.py`).
 *
 * @param source cells of the map, of which those from [start] with [length] are shown by [target] pixels.
 * @throws ModelError for fractions that are too long to be exact.
 */
internal class CellPositions(source: Int, target: Int, start: Fraction, length: Fraction) {
    val first = IntArray(target)
    val weight = DoubleArray(target)
    val denominator: Double

    init {
        require(start >= ZERO && length > ZERO && start + length <= Fraction.of(source.toLong())) {
            "Expected a window inside $source cells, received $length from $start."
        }
        val step = length / Fraction.of(target.toLong())
        val begin = start + step / Fraction.of(2) - Fraction.of(1, 2)
        val common = begin.denominator * step.denominator / begin.denominator.gcd(step.denominator)
        if (common * BigInteger.valueOf(source.toLong()) >= BigInteger.valueOf(EXACT)) {
            throw ModelError("Expected positions that are shorter fractions of cells, received ${common}ths; use a picture of another size.")
        }
        val parts = common.toLong()
        val most = (source - 1) * parts
        var position = (begin.numerator * (common / begin.denominator)).toLong()
        val increase = (step.numerator * (common / step.denominator)).toLong()
        for (pixel in 0 until target) {
            val bounded = minOf(maxOf(position, 0), most)
            first[pixel] = (bounded / parts).toInt()
            weight[pixel] = (bounded % parts).toDouble()
            position += increase
        }
        denominator = parts.toDouble()
    }

    companion object {
        /** Whole numbers up to here are exact in float64. */
        const val EXACT = 1L shl 53
        private val ZERO = Fraction.of(0)
    }
}
