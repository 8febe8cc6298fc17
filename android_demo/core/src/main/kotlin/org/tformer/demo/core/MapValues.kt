package org.tformer.demo.core

/**
 * The values of one of a detector's maps, as real numbers and as keys that order them.
 *
 * @param info type, scale and zero point of the map.
 * @throws ModelError for integers without a scale.
 */
internal class MapValues(private val info: TensorInfo) : RawValues(info.type) {
    init {
        if (!floats && !(info.scale > 0 && info.scale.isFinite())) {
            throw ModelError("Expected a scale for the ${info.type.text} output, received none; ${Refusal.ADVICE}.")
        }
    }

    /** The real numbers of integers in their order: (q − zero point) · scale. */
    private val reals = DoubleArray(if (floats) 0 else 256) {
        ((info.type.limits.first + it).toDouble() - info.zeroPoint) * info.scale.toDouble()
    }

    /** Of integers: what [factor] is of each. */
    private val factors = DoubleArray(reals.size) { sizeFactor(reals[it]) }

    /** The real number of value [index]. */
    fun real(index: Int): Double = if (floats) float(index).toDouble() else reals[place(index)]

    /** What an anchor's width or height is multiplied by, for value [index], which is finite. */
    fun factor(index: Int): Double = if (floats) sizeFactor(float(index).toDouble()) else factors[place(index)]

    /**
     * An integer of the same order as the values: equal ones have equal keys, 0 and −0 among them.
     *
     * @throws ModelError for a NaN, which has none.
     */
    fun key(index: Int): Int {
        if (!floats) return place(index) - 128
        val value = float(index)
        if (value.isNaN()) throw ModelError("Expected numbers as logits, received some that are none; choose another model.")
        return key(value)
    }

    /** The least key whose real number exceeds [threshold]; [Int.MAX_VALUE], which is nobody's, where no value's does. */
    fun leastKey(threshold: Double): Int {
        if (!floats) {
            val place = reals.indexOfFirst { it > threshold }
            return if (place < 0) Int.MAX_VALUE else place - 128
        }
        val nearest = threshold.toFloat()
        return key(if (nearest.toDouble() > threshold) nearest else Math.nextUp(nearest))
    }

    private fun key(value: Float): Int {
        // Adding 0 makes −0 a 0. The bits of negative numbers ascend the other way.
        val bits = (value + 0.0f).toRawBits()
        return if (bits >= 0) bits else bits xor Int.MAX_VALUE
    }
}

/** log(1000 / 16) to three digits: the largest change of an anchor's width and height, 62.5 times, either way. */
private const val CLIP = 4.135

private fun sizeFactor(delta: Double): Double = Exponential.exponential(minOf(maxOf(delta, -CLIP), CLIP))
