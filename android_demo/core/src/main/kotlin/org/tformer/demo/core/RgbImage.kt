package org.tformer.demo.core

/** [height] and [width] in pixels. */
data class Size(val height: Int, val width: Int)

/**
 * An image of 8 bits a channel.
 *
 * @property pixels R, G, B of each pixel, row by row: 3 · [width] · [height] bytes, not copied.
 * @throws IllegalArgumentException for a side that is not 1 to 65,535, and for another number of bytes.
 */
class RgbImage(val width: Int, val height: Int, val pixels: ByteArray) {
    init {
        // JPEG's own limit; with it every size that the resize rule computes stays within 31 bits.
        require(width in 1..MAX_SIDE && height in 1..MAX_SIDE) { "Expected sides of 1 to $MAX_SIDE, received $width x $height." }
        require(pixels.size.toLong() == 3L * width * height) {
            "Expected ${3L * width * height} bytes for $width x $height pixels, received ${pixels.size}."
        }
    }

    companion object {
        const val MAX_SIDE = 65_535
    }
}
