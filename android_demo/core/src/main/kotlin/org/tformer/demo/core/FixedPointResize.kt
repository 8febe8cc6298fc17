package org.tformer.demo.core

import kotlin.math.abs
import kotlin.math.ceil

/**
 * The resize rule of docs/contract.md: Pillow's antialiased bilinear filter in 22-bit fixed point, rows first, uint8 between.
 *
 * Computes only the [window] at row [top], column [left] of the resized image, and reads only what that needs. It allocates when it is
 * made and no more. One thread at a time uses it.
 *
 * @property sourceWidth of the images, as [sourceHeight].
 */
internal class FixedPointResize(val sourceWidth: Int, val sourceHeight: Int, size: Size, top: Int, left: Int, window: Size) {
    private val columns = Taps(sourceWidth, size.width, left, window.width)
    private val rows = Taps(sourceHeight, size.height, top, window.height)
    private val above = rows.first.first()
    private val narrow = ByteArray(Math.multiplyExact(3 * window.width, rows.first.indices.maxOf { rows.first[it] + rows.count[it] } - above))
    private val sums = IntArray(3 * window.width)
    private val result = RgbImage(window.width, window.height, ByteArray(3 * window.width * window.height))

    /** The window of [image], which is filled again by the next call. */
    fun of(image: RgbImage): RgbImage {
        require(image.width == sourceWidth && image.height == sourceHeight) {
            "Expected an image of $sourceWidth x $sourceHeight, received ${image.width} x ${image.height}."
        }
        alongWidth(image, above, columns, narrow)
        alongHeight(narrow, above, rows, sums, result.pixels)
        return result
    }
}

/** One image by itself. */
internal fun resize(image: RgbImage, size: Size, top: Int, left: Int, window: Size): RgbImage =
    FixedPointResize(image.width, image.height, size, top, left, window).of(image)

private const val PRECISION_BITS = 22
private const val HALF = 1 shl (PRECISION_BITS - 1)

/**
 * What output pixels [start] to [start] + [length] − 1 of an axis of [source] to [target] pixels look at.
 *
 * Output x weighs inputs `first[x]` to `first[x] + count[x] − 1` with the coefficients from `x · most` on.
 */
private class Taps(source: Int, target: Int, start: Int, length: Int) {
    val first = IntArray(length)
    val count = IntArray(length)
    val most: Int
    val coefficients: IntArray

    init {
        // One float64 operation after the other, as written in docs/contract.md; neither JVM nor ART fuses them.
        val scale = source.toDouble() / target
        val stretch = maxOf(scale, 1.0)
        val inverse = 1.0 / stretch
        most = ceil(stretch).toInt() * 2 + 1
        coefficients = IntArray(length * most)
        val weights = DoubleArray(most)
        for (x in 0 until length) {
            val centre = (start + x + 0.5) * scale
            val from = maxOf(0, (centre - stretch + 0.5).toInt())
            val last = minOf(source, (centre + stretch + 0.5).toInt())
            var sum = 0.0
            for (j in from until last) {
                val weight = maxOf(0.0, 1.0 - abs((j - centre + 0.5) * inverse))
                weights[j - from] = weight
                sum += weight
            }
            for (j in from until last) {
                coefficients[x * most + j - from] = (0.5 + weights[j - from] / sum * (1 shl PRECISION_BITS)).toInt()
            }
            trim(x, from, last - from)
        }
    }

    /** Leaves out the taps at both ends that weigh nothing. */
    private fun trim(x: Int, from: Int, taps: Int) {
        val base = x * most
        var begin = 0
        var end = taps
        while (end - begin > 1 && coefficients[base + end - 1] == 0) end--
        while (end - begin > 1 && coefficients[base + begin] == 0) begin++
        coefficients.copyInto(coefficients, base, base + begin, base + end)
        first[x] = from + begin
        count[x] = end - begin
    }
}

/** Rows of [image] from [above] on, as many as [result] has room for, each at the columns that [taps] say. */
private fun alongWidth(image: RgbImage, above: Int, taps: Taps, result: ByteArray) {
    val source = image.pixels
    val coefficients = taps.coefficients
    val width = taps.first.size
    var target = 0
    for (row in above until above + result.size / (3 * width)) {
        val line = 3 * row * image.width
        for (x in 0 until width) {
            var from = line + 3 * taps.first[x]
            val begin = x * taps.most
            var red = HALF
            var green = HALF
            var blue = HALF
            for (tap in begin until begin + taps.count[x]) {
                val coefficient = coefficients[tap]
                red += coefficient * (source[from].toInt() and 0xff)
                green += coefficient * (source[from + 1].toInt() and 0xff)
                blue += coefficient * (source[from + 2].toInt() and 0xff)
                from += 3
            }
            result[target] = clipped(red)
            result[target + 1] = clipped(green)
            result[target + 2] = clipped(blue)
            target += 3
        }
    }
}

/** Columns of [source], whose rows have as many bytes as there are [sums] and begin at row [above] of the image. */
private fun alongHeight(source: ByteArray, above: Int, taps: Taps, sums: IntArray, result: ByteArray) {
    val stride = sums.size
    for (y in taps.first.indices) {
        sums.fill(HALF)
        for (tap in 0 until taps.count[y]) {
            val coefficient = taps.coefficients[y * taps.most + tap]
            val line = (taps.first[y] - above + tap) * stride
            for (index in 0 until stride) sums[index] += coefficient * (source[line + index].toInt() and 0xff)
        }
        val target = y * stride
        for (index in 0 until stride) result[target + index] = clipped(sums[index])
    }
}

/** Coefficients add up to about 2²², so that sums stay under 2³¹ and above 0, and only their rounding can exceed 255. */
private fun clipped(sum: Int): Byte = minOf(255, sum shr PRECISION_BITS).toByte()
