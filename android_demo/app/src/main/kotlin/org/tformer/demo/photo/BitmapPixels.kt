package org.tformer.demo.photo

import android.graphics.Bitmap
import org.tformer.demo.core.RgbImage

/** Between Android's bitmaps and the core's pixels. */
object BitmapPixels {
    private const val ROWS = 64

    /** The pixels of [bitmap], transparent ones over white. */
    fun rgb(bitmap: Bitmap): RgbImage {
        val width = bitmap.width
        val height = bitmap.height
        val pixels = ByteArray(3 * width * height)
        val stripe = IntArray(width * minOf(ROWS, height))
        var target = 0
        for (top in 0 until height step ROWS) {
            val rows = minOf(ROWS, height - top)
            bitmap.getPixels(stripe, 0, width, 0, top, width, rows)
            for (index in 0 until width * rows) {
                val color = stripe[index]
                val alpha = color ushr 24
                pixels[target++] = overWhite(color ushr 16 and 0xff, alpha)
                pixels[target++] = overWhite(color ushr 8 and 0xff, alpha)
                pixels[target++] = overWhite(color and 0xff, alpha)
            }
        }
        return RgbImage(width, height, pixels)
    }

    /** An opaque bitmap of [image]. */
    fun bitmap(image: RgbImage): Bitmap {
        val bitmap = Bitmap.createBitmap(image.width, image.height, Bitmap.Config.ARGB_8888)
        val stripe = IntArray(image.width * minOf(ROWS, image.height))
        var source = 0
        for (top in 0 until image.height step ROWS) {
            val rows = minOf(ROWS, image.height - top)
            for (index in 0 until image.width * rows) {
                val red = image.pixels[source++].toInt() and 0xff
                val green = image.pixels[source++].toInt() and 0xff
                val blue = image.pixels[source++].toInt() and 0xff
                stripe[index] = 0xff shl 24 or (red shl 16) or (green shl 8) or blue
            }
            bitmap.setPixels(stripe, 0, image.width, 0, top, image.width, rows)
        }
        return bitmap
    }

    private fun overWhite(value: Int, alpha: Int): Byte =
        if (alpha == 255) value.toByte() else ((value * alpha + 255 * (255 - alpha) + 127) / 255).toByte()
}
