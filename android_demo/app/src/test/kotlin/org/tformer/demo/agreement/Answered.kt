package org.tformer.demo.agreement

import org.tformer.demo.core.RgbImage
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * An image with what `tformer_edge` makes of it; tests/android/make_agreement.py writes them.
 *
 * @property input the int8 input tensor. @property output of LiteRT's reference kernels, all outputs one behind the other.
 * @property fast of its XNNPACK. @property answer what is read in [output].
 */
class Answered(val image: RgbImage, val input: ByteArray, val output: ByteArray, val fast: ByteArray, private val said: ByteArray) {
    val answer: ByteBuffer get() = ByteBuffer.wrap(said).order(ByteOrder.LITTLE_ENDIAN)

    companion object {
        fun read(file: File): List<Answered> {
            val data = ByteBuffer.wrap(file.readBytes()).order(ByteOrder.LITTLE_ENDIAN)
            val count = data.int
            val inputBytes = data.int
            val outputBytes = data.int
            return List(count) {
                val width = data.int
                val height = data.int
                val pixels = ByteArray(3 * width * height).also(data::get)
                val (input, output, fast) = listOf(inputBytes, outputBytes, outputBytes).map { size -> ByteArray(size).also(data::get) }
                Answered(RgbImage(width, height, pixels), input, output, fast, ByteArray(data.int).also(data::get))
            }.also { check(!data.hasRemaining()) { "more than $count images in $file" } }
        }
    }
}
