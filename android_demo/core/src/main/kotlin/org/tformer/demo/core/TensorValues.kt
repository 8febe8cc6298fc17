package org.tformer.demo.core

/** The values of one output tensor as they stand in its bytes, without a copy. [bytes] change from frame to frame, this does not. */
internal class TensorValues(private val info: TensorInfo) : RawValues(info.type) {
    private val least = if (floats) 0 else info.type.limits.first
    private val scale = info.scale.toDouble()

    /** A float32 widened, which loses nothing, or an integer of the tensor's type. */
    fun value(index: Int): Double = if (floats) float(index).toDouble() else (place(index) + least).toDouble()

    /** The real number: (value − zero point) · scale in float64, the scale widened; a float32 stays. */
    fun real(index: Int): Double = if (floats) value(index) else (value(index) - info.zeroPoint) * scale
}
