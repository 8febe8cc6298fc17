package org.tformer.demo.core

import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * From 8-bit pixels to the bytes of an input tensor, to the last bit (docs/contract.md, "Into the tensor"): a table of
 * channels × 256 values, in float64 until the last step; or, where each pixel is its own value, its bytes.
 *
 * @throws ModelError for a scale or zero point that no such tensor has.
 */
internal class InputTensor(preprocessing: Preprocessing, private val info: TensorInfo) {
    /** Bytes of channel c's pixel value p from ((c · 256) + p) · itemBytes on. */
    private val table: ByteArray

    /** What each byte is turned by, where the table would give p or p − 128 of every channel: 0, or the highest bit; else null. */
    private val turn: Int?

    private var tensor = ByteArray(0)
    private val itemBytes = info.type.bytes
    private val channels = preprocessing.channels

    init {
        val buffer = ByteBuffer.allocate(channels * 256 * itemBytes).order(ByteOrder.LITTLE_ENDIAN)
        if (info.type == TensorType.FLOAT32) {
            for (channel in 0 until channels) {
                for (p in 0..255) {
                    buffer.putFloat(if (preprocessing.rawPixels) p.toFloat() else preprocessing.real(p, channel).toFloat())
                }
            }
        } else if (preprocessing.rawPixels) {
            val limits = info.type.limits
            repeat(channels) { for (p in 0..255) buffer.put((p + limits.first).toByte()) }
        } else {
            val limits = info.type.limits
            if (!(info.scale > 0 && info.scale < Float.POSITIVE_INFINITY) || info.zeroPoint !in limits) {
                throw ModelError(
                    "Expected a positive scale and a zero point from ${limits.first} to ${limits.last} for the " +
                        "${info.type.text} input, received ${info.scale} and ${info.zeroPoint}; ${Refusal.ADVICE}.",
                )
            }
            val scale = info.scale.toDouble()
            for (channel in 0 until channels) {
                for (p in 0..255) {
                    val value = Math.rint(preprocessing.real(p, channel) / scale) + info.zeroPoint
                    // Clipped before it is converted: it may exceed every integer type.
                    buffer.put(value.coerceIn(limits.first.toDouble(), limits.last.toDouble()).toInt().toByte())
                }
            }
        }
        table = buffer.array()
        val least = if (info.type == TensorType.INT8) 0x80 else 0
        turn = least.takeIf { itemBytes == 1 && table.indices.all { table[it] == (it xor least).toByte() } }
    }

    /** The tensor of [image], which has the input's height and width, as many times as the batch is long; filled again by the next call. */
    fun of(image: RgbImage): ByteArray {
        val batch = info.shape[0]
        val pixels = image.pixels
        // Of a grey input the three channels of a pixel are equal, and one is taken.
        val one = pixels.size / 3 * channels * itemBytes
        val bytes = Math.multiplyExact(one, batch)
        if (tensor.size != bytes) tensor = ByteArray(bytes)
        val tensor = tensor
        if (turn != null && channels == 3) {
            copy(pixels, turn, tensor)
        } else if (channels == 1) {
            for (index in 0 until pixels.size / 3) {
                val from = (pixels[3 * index].toInt() and 0xff) * itemBytes
                table.copyInto(tensor, index * itemBytes, from, from + itemBytes)
            }
        } else if (itemBytes == 1) {
            // Not `step 3`: a range and its steps are objects, until the compiler has seen enough of them.
            var index = 0
            while (index < pixels.size) {
                tensor[index] = table[pixels[index].toInt() and 0xff]
                tensor[index + 1] = table[256 + (pixels[index + 1].toInt() and 0xff)]
                tensor[index + 2] = table[512 + (pixels[index + 2].toInt() and 0xff)]
                index += 3
            }
        } else {
            for (index in pixels.indices) {
                val from = (index % 3 * 256 + (pixels[index].toInt() and 0xff)) * itemBytes
                table.copyInto(tensor, index * itemBytes, from, from + itemBytes)
            }
        }
        for (image2 in 1 until batch) tensor.copyInto(tensor, image2 * one, 0, one)
        return tensor
    }

    private fun copy(pixels: ByteArray, turn: Int, tensor: ByteArray) {
        if (turn == 0) {
            pixels.copyInto(tensor)
        } else {
            for (index in pixels.indices) tensor[index] = (pixels[index].toInt() xor turn).toByte()
        }
    }
}
