package org.tformer.demo.core

/** The values of one output map as they stand in its bytes, without a copy. [bytes] change from frame to frame, this does not. */
internal open class RawValues(type: TensorType) {
    protected val floats = type == TensorType.FLOAT32

    /** Turns a uint8 into the int8 of the same order. */
    private val flip = if (type == TensorType.UINT8) 0x80 else 0
    var bytes: ByteArray = ByteArray(0)

    /** A float32 widened, or an integer from −128 to 127, a uint8 less 128: what orders the values. */
    fun raw(index: Int): Double = if (floats) float(index).toDouble() else (place(index) - 128).toDouble()

    /** Where an integer stands among the 256 of its type, from the least. */
    protected fun place(index: Int): Int = (bytes[index].toInt() xor flip).toByte() + 128

    protected fun float(index: Int): Float {
        val at = 4 * index
        return Float.fromBits(
            (bytes[at].toInt() and 0xff) or ((bytes[at + 1].toInt() and 0xff) shl 8) or
                ((bytes[at + 2].toInt() and 0xff) shl 16) or (bytes[at + 3].toInt() shl 24),
        )
    }
}
