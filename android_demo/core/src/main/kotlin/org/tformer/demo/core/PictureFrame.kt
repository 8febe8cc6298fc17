package org.tformer.demo.core

/** A part of a map in its cells, inside it. */
internal class Window(val top: Fraction, val left: Fraction, val height: Fraction, val width: Fraction)

/**
 * Where a picture of [height] × [width] pixels lies in a model's input: exact fractions, from which boxes and class maps find their
 * way back (docs/contract.md, "The frame").
 */
class PictureFrame(preprocessing: Preprocessing, val height: Int, val width: Int) {
    private val down: Fraction
    private val across: Fraction
    private val top: Fraction
    private val left: Fraction
    private val tall: Fraction
    private val wide: Fraction

    /** From the input to the picture: x · [stepX] + [offsetX]. */
    val stepX: Double
    val stepY: Double
    val offsetX: Double
    val offsetY: Double

    /** The picture's pixels that the input shows whole; perhaps none. */
    val seenTop: Int
    val seenLeft: Int
    val seenHeight: Int
    val seenWidth: Int

    init {
        val resized = preprocessing.resizedSize(height, width)
        // Pixels of the picture a resized one.
        down = Fraction.of(height.toLong(), resized.height.toLong())
        across = Fraction.of(width.toLong(), resized.width.toLong())
        top = Fraction.of(margin(resized.height, preprocessing.height)) * down
        left = Fraction.of(margin(resized.width, preprocessing.width)) * across
        tall = Fraction.of(preprocessing.height.toLong()) * down
        wide = Fraction.of(preprocessing.width.toLong()) * across
        stepX = across.toDouble()
        stepY = down.toDouble()
        offsetX = left.toDouble()
        offsetY = top.toDouble()
        seenTop = maxOf(0, top.ceil())
        seenLeft = maxOf(0, left.ceil())
        seenHeight = maxOf(0, minOf(height, (top + tall).floor()) - seenTop)
        seenWidth = maxOf(0, minOf(width, (left + wide).floor()) - seenLeft)
    }

    /** What the input leaves out on one side, in resized pixels; below 0 what it adds: ⌊padding / 2⌋. */
    private fun margin(resized: Int, input: Int): Long = (if (resized >= input) (resized - input) / 2 else -((input - resized) / 2)).toLong()

    /** [x] of the input in the picture's pixels, inside the picture. */
    fun pictureX(x: Double): Double = minOf(maxOf(x * stepX + offsetX, 0.0), width.toDouble())

    /** [y] of the input in the picture's pixels, inside the picture. */
    fun pictureY(y: Double): Double = minOf(maxOf(y * stepY + offsetY, 0.0), height.toDouble())

    /** The pixels that the input shows whole, in cells of a map of [rows] × [columns] that covers the whole input. */
    internal fun window(rows: Int, columns: Int): Window {
        val row = Fraction.of(rows.toLong()) / tall
        val column = Fraction.of(columns.toLong()) / wide
        return Window(
            (Fraction.of(seenTop.toLong()) - top) * row, (Fraction.of(seenLeft.toLong()) - left) * column,
            Fraction.of(seenHeight.toLong()) * row, Fraction.of(seenWidth.toLong()) * column,
        )
    }
}
