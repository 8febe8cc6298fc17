package org.tformer.demo.core

/**
 * From a segmenter's logits to the class of each pixel, to the last bit as `tformer_edge/class_maps.py`: enlarged bilinearly, the
 * highest class wins, of equal ones the lower. One thread at a time uses it; for pictures of one size it allocates once.
 *
 * @param rows of the map, of [columns] cells with [classes] logits each.
 */
internal class ClassMapper(private val rows: Int, private val columns: Int, private val classes: Int, private val type: TensorType) {
    private val values = RawValues(type)
    private var height = 0
    private var width = 0
    private var window: Window? = null
    private var down: CellPositions? = null
    private var across: CellPositions? = null

    /** Two rows of logits, enlarged along the width: classes × pixels; and the best of each pixel. */
    private var upper = DoubleArray(0)
    private var lower = DoubleArray(0)
    private var best = DoubleArray(0)

    /**
     * The classes of [height] × [width] pixels, row by row, that show [window] of the map, or all of it. A class is to be read as 16
     * bits without a sign.
     *
     * @param bytes the output tensor's, of which image [image] of the batch is meant.
     * @param result where they go: [height] · [width].
     * @throws ModelError for logits that are not finite, and for a size at which positions are too long fractions.
     */
    fun map(
        bytes: ByteArray,
        image: Int,
        height: Int,
        width: Int,
        window: Window?,
        result: ShortArray = ShortArray(height * width),
    ): ShortArray {
        require(height > 0 && width > 0) { "Expected a size of at least 1 x 1, received $height x $width." }
        require(result.size == height * width) { "Expected room for $height x $width classes, received ${result.size}." }
        if (down == null || height != this.height || width != this.width || window !== this.window) look(height, width, window)
        values.bytes = bytes
        val start = image * rows * columns * classes
        if (type == TensorType.FLOAT32) checkFinite(start)
        val strip = strip(width)
        var left = 0
        while (left < width) {
            block(checkNotNull(down), checkNotNull(across), start, left, minOf(left + strip, width), result)
            left += strip
        }
        return result
    }

    /** Pixels of a row that are mapped at a time. */
    private fun strip(width: Int): Int = minOf(width, maxOf(1, BLOCK / classes))

    /** Finds where the pixels of another size or window look. */
    private fun look(height: Int, width: Int, window: Window?) {
        val all = window ?: Window(ZERO, ZERO, Fraction.of(rows.toLong()), Fraction.of(columns.toLong()))
        val rowTaps = CellPositions(rows, height, all.top, all.height)
        val columnTaps = CellPositions(columns, width, all.left, all.width)
        // Exact products, as in Python: of integers all are below 53 bits.
        if (type != TensorType.FLOAT32 && 256.0 * rowTaps.denominator * columnTaps.denominator * classes >= CellPositions.EXACT) {
            throw ModelError(
                "Expected positions that are shorter fractions of cells, received ${rowTaps.denominator.toLong()}ths and " +
                    "${columnTaps.denominator.toLong()}ths; use a picture of another size.",
            )
        }
        val pixels = strip(width)
        upper = DoubleArray(classes * pixels)
        lower = DoubleArray(classes * pixels)
        best = DoubleArray(pixels)
        this.height = height
        this.width = width
        this.window = window
        down = rowTaps
        across = columnTaps
    }

    /** The pixels of the columns from [left] to [right], that excluded. */
    private fun block(rowTaps: CellPositions, columnTaps: CellPositions, start: Int, left: Int, right: Int, result: ShortArray) {
        val pixels = right - left
        var seen = -1
        for (y in 0 until height) {
            val first = rowTaps.first[y]
            if (first != seen) {
                if (seen >= 0 && first == seen + 1) {
                    upper = lower.also { lower = upper }
                } else {
                    widen(columnTaps, start, first, left, right, upper)
                }
                widen(columnTaps, start, minOf(first + 1, rows - 1), left, right, lower)
                seen = first
            }
            choose(rowTaps.weight[y], rowTaps.denominator, pixels, result, y * width + left)
        }
    }

    private fun choose(weight: Double, denominator: Double, pixels: Int, result: ShortArray, at: Int) {
        val upper = upper
        val lower = lower
        val best = best
        for (label in 0 until classes) {
            val row = label * pixels
            for (x in 0 until pixels) {
                val above = upper[row + x]
                val value = (lower[row + x] - above) * weight + above * denominator
                if (label == 0 || value > best[x]) {
                    best[x] = value
                    result[at + x] = label.toShort()
                }
            }
        }
    }

    private fun widen(taps: CellPositions, start: Int, row: Int, left: Int, right: Int, wide: DoubleArray) {
        val pixels = right - left
        val line = start + row * columns * classes
        for (x in 0 until pixels) {
            val first = taps.first[left + x]
            val one = line + first * classes
            val next = line + minOf(first + 1, columns - 1) * classes
            val weight = taps.weight[left + x]
            for (label in 0 until classes) {
                val p = values.raw(one + label)
                wide[label * pixels + x] = (values.raw(next + label) - p) * weight + p * taps.denominator
            }
        }
    }

    private fun checkFinite(start: Int) {
        for (index in start until start + rows * columns * classes) {
            if (!values.raw(index).isFinite()) {
                throw ModelError("Expected finite logits, received NaN or infinity; choose another model.")
            }
        }
    }

    private companion object {
        /** Logits that a row of pixels has at most, so that they fit into a cache. */
        const val BLOCK = 1 shl 18
        val ZERO: Fraction = Fraction.of(0)
    }
}
