package org.tformer.demo.core

import java.io.Closeable

/** The types that a tensor at a model's border has, by their names in the contract. @property bytes of one value. */
enum class TensorType(val bytes: Int) {
    INT8(1),
    UINT8(1),
    FLOAT32(4),
    ;

    /** As the contract writes it. */
    val text: String = name.lowercase()

    /** The least and the greatest value of an integer type. */
    val limits: IntRange
        get() = when (this) {
            INT8 -> -128..127
            UINT8 -> 0..255
            FLOAT32 -> throw IllegalStateException("float32 has no integer limits")
        }
}

/**
 * An input or output tensor.
 *
 * @property shape fixed sizes.
 * @property scale with [zeroPoint] of a quantized tensor: real = (value − zeroPoint) · scale; 0 where the file says none.
 */
class TensorInfo(val shape: List<Int>, val type: TensorType, val scale: Float, val zeroPoint: Int) {
    /** The tensor's bytes; 64 bits, because a hostile file's shape may be anything. */
    val bytes: Long = shape.fold(type.bytes.toLong()) { product, side -> product * side }

    override fun toString(): String = "${type.text} $shape"
}

/** An interpreter that has a model open: one input tensor in, its outputs out. One thread at a time uses it. */
interface Engine : Closeable {
    val input: TensorInfo
    val outputs: List<TensorInfo>

    /**
     * Runs the model.
     *
     * @param input the tensor's bytes, row-major, float32 as little-endian.
     * @return each output's bytes, in the same form. The next run may fill the same arrays again.
     * @throws EngineException where the model cannot run.
     */
    fun run(input: ByteArray): List<ByteArray>
}
