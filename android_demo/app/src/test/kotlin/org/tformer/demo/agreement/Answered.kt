package org.tformer.demo.agreement

import org.tformer.demo.core.RgbImage
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * An image with what `tformer_edge` makes of it; tests/android/make_agreement.py writes them.
 *
 * @property input the int8 input tensor. @property output of LiteRT's reference kernels. @property fast of its XNNPACK.
 */
class Answered(val image: RgbImage, val input: ByteArray, val output: ByteArray, val fast: ByteArray) {
    companion object {
        fun read(file: File): List<Answered> {
            val data = ByteBuffer.wrap(file.readBytes()).order(ByteOrder.LITTLE_ENDIAN)
            val count = data.int
            val labels = data.int
            val values = data.int
            return List(count) {
                val width = data.int
                val height = data.int
                val pixels = ByteArray(3 * width * height).also(data::get)
                val (input, output, fast) = listOf(values, labels, labels).map { size -> ByteArray(size).also(data::get) }
                Answered(RgbImage(width, height, pixels), input, output, fast)
            }.also { check(!data.hasRemaining()) { "more than $count images in $file" } }
        }
    }
}
