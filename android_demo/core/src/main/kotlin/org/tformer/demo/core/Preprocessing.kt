package org.tformer.demo.core

import kotlin.math.floor

/**
 * "shorter" keeps the aspect ratio and crops the centre; "stretch" resizes the whole image; "letterbox" keeps the aspect ratio and
 * pads.
 */
enum class Resize {
    SHORTER,
    STRETCH,
    LETTERBOX,
    ;

    /** As the contract writes it. */
    val text: String = name.lowercase()
}

/**
 * How an RGB image becomes a model's input (docs/contract.md, "From an image to the input tensor"), to the last bit as
 * `tformer_edge/preprocessing.py`.
 *
 * @property height of the input in pixels, as [width] 1 to 8192.
 * @property cropFraction the part of the covered size that the crop keeps, over 0 to 1; 1 but for `shorter`.
 * @property mean a channel each, 0 to 1, white being 1.
 * @property std a channel each, 1e-6 to 1e6.
 * @property channels 3, or 1 of grey.
 * @property rawPixels whether the model takes pixels as they are; [mean] is 0 and [std] 1 / 255 then.
 * @property padValue of `letterbox`, 0 to 255, and of it alone.
 * @throws Refusal of the rule `contract-field` for a value outside these ranges.
 */
data class Preprocessing(
    val height: Int,
    val width: Int,
    val resize: Resize,
    val cropFraction: Double,
    val mean: List<Double>,
    val std: List<Double>,
    val channels: Int = 3,
    val rawPixels: Boolean = false,
    val padValue: Int? = null,
) {
    init {
        for ((name, side) in listOf("height" to height, "width" to width)) {
            if (side !in 1..MAX_SIDE) throw wrong("input.$name", "an integer from 1 to $MAX_SIDE", side)
        }
        if (!(cropFraction > 0 && cropFraction <= 1)) throw wrong("input.crop_fraction", "over 0 and up to 1", cropFraction)
        if (resize != Resize.SHORTER && cropFraction != 1.0) {
            throw wrong("input.crop_fraction", "1 with a resize of ${resize.text}, which never crops", cropFraction)
        }
        if ((resize == Resize.LETTERBOX) != (padValue != null) || padValue !in 0..255 && padValue != null) {
            throw wrong("input.pad_value", "an integer from 0 to 255 with letterbox alone", padValue)
        }
        // Compared as float64: a quotient by a number near 0 is infinite.
        if (floor(maxOf(height, width) / cropFraction + 0.5) > MAX_COVERED) {
            throw wrong("input.crop_fraction", "so great that height and width divided by it are at most $MAX_COVERED", cropFraction)
        }
        if (mean.size != channels || !mean.all { it in 0.0..1.0 }) throw wrong("input.mean", "$channels numbers from 0 to 1", mean)
        if (std.size != channels || !std.all { it in 1e-6..1e6 }) throw wrong("input.std", "$channels numbers from 1e-6 to 1e6", std)
    }

    /** To which an image of [height] × [width] pixels (1 to 65,535 each) is resized before the crop or the padding. */
    fun resizedSize(height: Int, width: Int): Size {
        if (resize == Resize.STRETCH) return Size(this.height, this.width)
        val coverHeight = covered(this.height)
        val coverWidth = covered(this.width)
        // Compared and applied in integers, so that all languages agree. The larger of the two scales covers, the smaller fits.
        val tall = coverHeight * width
        val wide = coverWidth * height
        return if (if (resize == Resize.SHORTER) tall >= wide else tall <= wide) {
            Size(coverHeight.toInt(), maxOf(1, width * coverHeight / height).toInt())
        } else {
            Size(maxOf(1, height * coverWidth / width).toInt(), coverWidth.toInt())
        }
    }

    /** [image] as the input sees it: see [InputPixels], which does the same for one picture after another without new memory. */
    fun pixels(image: RgbImage): RgbImage = InputPixels(this).of(image)

    /** ((p / 255) − mean) / std of pixel value [p], 0 to 255, in [channel], 0 to 2. */
    fun real(p: Int, channel: Int): Double = ((p / 255.0) - mean[channel]) / std[channel]

    private fun covered(side: Int): Long = floor(side / cropFraction + 0.5).toLong()

    companion object {
        const val MAX_SIDE = 8192
        private const val MAX_COVERED = 4 * MAX_SIDE
        private val FIRST_RESIZES = listOf(Resize.SHORTER, Resize.STRETCH)

        /** `input` of a `model.json`; [later]: of format 2. */
        internal fun parse(input: Fields, later: Boolean): Preprocessing {
            val order = input.oneOf("channel_order", if (later) listOf("rgb", "grey") else listOf("rgb")) { it }
            val channels = if (order == "grey") 1 else 3
            input.integer("channels", channels..channels)
            val resize = input.oneOf("resize", if (later) Resize.entries else FIRST_RESIZES, Resize::text)
            val raw = later && input.oneOf("encoding", listOf("normalised", "pixels")) { it } == "pixels"
            return Preprocessing(
                height = input.integer("height", 1..MAX_SIDE),
                width = input.integer("width", 1..MAX_SIDE),
                resize = resize,
                cropFraction = input.number("crop_fraction"),
                mean = if (raw) List(channels) { 0.0 } else input.numbers("mean"),
                std = if (raw) List(channels) { 1.0 / 255 } else input.numbers("std"),
                channels = channels,
                rawPixels = raw,
                padValue = if (resize == Resize.LETTERBOX) input.integer("pad_value", 0..255) else null,
            )
        }
    }
}
