package org.tformer.demo.core

/**
 * Images resized, and cropped or padded, to a model's input; only what the crop keeps is computed. Of a grey input all three channels
 * are the grey. For pictures of one size it allocates once. One thread at a time uses it.
 */
internal class InputPixels(private val rule: Preprocessing) {
    private var resize: FixedPointResize? = null
    private var grey: RgbImage? = null
    private var padded: RgbImage? = null

    /** [image] as the input sees it; filled again by the next call. */
    fun of(image: RgbImage): RgbImage {
        val resize = resizeOf(image)
        val given = if (rule.channels == 1) grey(image) else image
        val resized = resize.of(given)
        return if (rule.resize == Resize.LETTERBOX) padded(resized) else resized
    }

    private fun resizeOf(image: RgbImage): FixedPointResize {
        resize?.let { if (it.sourceWidth == image.width && it.sourceHeight == image.height) return it }
        val size = rule.resizedSize(image.height, image.width)
        padded = null
        return if (rule.resize == Resize.LETTERBOX) {
            FixedPointResize(image.width, image.height, size, 0, 0, size)
        } else {
            FixedPointResize(
                image.width, image.height, size,
                (size.height - rule.height) / 2, (size.width - rule.width) / 2, Size(rule.height, rule.width),
            )
        }.also { resize = it }
    }

    private fun padded(image: RgbImage): RgbImage {
        // What is beside the image stays as it is from one picture of a size to the next.
        val frame = padded ?: RgbImage(rule.width, rule.height, ByteArray(3 * rule.height * rule.width) { (rule.padValue ?: 0).toByte() })
        padded = frame
        val top = (rule.height - image.height) / 2
        val left = (rule.width - image.width) / 2
        for (row in 0 until image.height) {
            val from = 3 * row * image.width
            image.pixels.copyInto(frame.pixels, 3 * ((top + row) * rule.width + left), from, from + 3 * image.width)
        }
        return frame
    }

    private fun grey(image: RgbImage): RgbImage {
        val target = grey?.takeIf { it.width == image.width && it.height == image.height }
            ?: RgbImage(image.width, image.height, ByteArray(image.pixels.size)).also { grey = it }
        grey(image, target)
        return target
    }
}

/** Pillow's "L" in all three channels of [target] (docs/contract.md, "Grey"): a grey pixel keeps its value. */
internal fun grey(image: RgbImage, target: RgbImage) {
    val from = image.pixels
    val to = target.pixels
    var index = 0
    while (index < from.size) {
        val red = from[index].toInt() and 0xff
        val green = from[index + 1].toInt() and 0xff
        val blue = from[index + 2].toInt() and 0xff
        val value = ((19_595 * red + 38_470 * green + 7_471 * blue + 32_768) shr 16).toByte()
        to[index] = value
        to[index + 1] = value
        to[index + 2] = value
        index += 3
    }
}
