package org.tformer.demo.photo

import org.tformer.demo.core.RgbImage

/** EXIF's orientations, 1 to 8: which corner of the stored picture is the upper left one of the scene. */
object Orientation {
    /** [image] turned and mirrored so that it stands upright; a number that EXIF does not know changes nothing. */
    fun upright(image: RgbImage, exif: Int): RgbImage {
        val width = image.width
        val height = image.height
        // Where the target's pixel (x, y) is read.
        val source: (Int, Int) -> Int = when (exif) {
            2 -> { x, y -> y * width + (width - 1 - x) }
            3 -> { x, y -> (height - 1 - y) * width + (width - 1 - x) }
            4 -> { x, y -> (height - 1 - y) * width + x }
            5 -> { x, y -> x * width + y }
            6 -> { x, y -> (height - 1 - x) * width + y }
            7 -> { x, y -> (height - 1 - x) * width + (width - 1 - y) }
            8 -> { x, y -> x * width + (width - 1 - y) }
            else -> return image
        }
        val turned = exif >= 5
        val target = RgbImage(if (turned) height else width, if (turned) width else height, ByteArray(image.pixels.size))
        var offset = 0
        for (y in 0 until target.height) {
            for (x in 0 until target.width) {
                val from = 3 * source(x, y)
                target.pixels[offset++] = image.pixels[from]
                target.pixels[offset++] = image.pixels[from + 1]
                target.pixels[offset++] = image.pixels[from + 2]
            }
        }
        return target
    }
}
