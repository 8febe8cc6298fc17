package org.tformer.demo.core

import kotlin.math.floor

/** "shorter" keeps the aspect ratio and crops the centre; "stretch" resizes the whole image. */
enum class Resize {
    SHORTER,
    STRETCH,
    ;

    /** As the contract writes it. */
    val text: String = name.lowercase()
}

/**
 * How an RGB image becomes a model's input (docs/contract.md, "From an image to the input tensor"), to the last bit as
 * `tformer_edge/preprocessing.py`.
 *
 * @property height of the input in pixels, as [width] 1 to 8192.
 * @property cropFraction the part of the covered size that the crop keeps, over 0 to 1; 1 for `stretch`.
 * @property mean a channel each, 0 to 1, white being 1.
 * @property std a channel each, 1e-6 to 1e6.
 * @throws Refusal of the rule `contract-field` for a value outside these ranges.
 */
data class Preprocessing(
    val height: Int,
    val width: Int,
    val resize: Resize,
    val cropFraction: Double,
    val mean: List<Double>,
    val std: List<Double>,
) {
    init {
        for ((name, side) in listOf("height" to height, "width" to width)) {
            if (side !in 1..MAX_SIDE) throw wrong("input.$name", "an integer from 1 to $MAX_SIDE", side)
        }
        if (!(cropFraction > 0 && cropFraction <= 1)) throw wrong("input.crop_fraction", "over 0 and up to 1", cropFraction)
        if (resize == Resize.STRETCH && cropFraction != 1.0) {
            throw wrong("input.crop_fraction", "1 with a resize of stretch, which never crops", cropFraction)
        }
        // Compared as float64: a quotient by a number near 0 is infinite.
        if (floor(maxOf(height, width) / cropFraction + 0.5) > MAX_COVERED) {
            throw wrong("input.crop_fraction", "so great that height and width divided by it are at most $MAX_COVERED", cropFraction)
        }
        if (mean.size != 3 || !mean.all { it in 0.0..1.0 }) throw wrong("input.mean", "three numbers from 0 to 1", mean)
        if (std.size != 3 || !std.all { it in 1e-6..1e6 }) throw wrong("input.std", "three numbers from 1e-6 to 1e6", std)
    }

    /** To which an image of [height] × [width] pixels (1 to 65,535 each) is resized before the crop. */
    fun resizedSize(height: Int, width: Int): Size {
        if (resize == Resize.STRETCH) return Size(this.height, this.width)
        val coverHeight = covered(this.height)
        val coverWidth = covered(this.width)
        // The larger of the two scales covers; compared and applied in integers, so that all languages agree.
        return if (coverHeight * width >= coverWidth * height) {
            Size(coverHeight.toInt(), (width * coverHeight / height).toInt())
        } else {
            Size((height * coverWidth / width).toInt(), coverWidth.toInt())
        }
    }

    /** [image] resized and cropped to [height] × [width]; only what the crop keeps is computed. */
    fun pixels(image: RgbImage): RgbImage {
        val size = resizedSize(image.height, image.width)
        return resize(image, size, (size.height - height) / 2, (size.width - width) / 2, Size(height, width))
    }

    /** ((p / 255) − mean) / std of pixel value [p], 0 to 255, in [channel], 0 to 2. */
    fun real(p: Int, channel: Int): Double = ((p / 255.0) - mean[channel]) / std[channel]

    private fun covered(side: Int): Long = floor(side / cropFraction + 0.5).toLong()

    companion object {
        const val MAX_SIDE = 8192
        private const val MAX_COVERED = 4 * MAX_SIDE
    }
}
