package org.tformer.demo.agreement

import org.tformer.demo.core.RgbImage
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** An image with the int8 outputs that `tformer_edge` gives with reference kernels; tests/android/make_agreement.py writes them. */
class Answered(val image: RgbImage, val output: ByteArray) {
    companion object {
        fun read(file: File): List<Answered> {
            val data = ByteBuffer.wrap(file.readBytes()).order(ByteOrder.LITTLE_ENDIAN)
            val count = data.int
            val labels = data.int
            return List(count) {
                val width = data.int
                val height = data.int
                val pixels = ByteArray(3 * width * height).also(data::get)
                Answered(RgbImage(width, height, pixels), ByteArray(labels).also(data::get))
            }.also { check(!data.hasRemaining()) { "more than $count images in $file" } }
        }
    }
}
