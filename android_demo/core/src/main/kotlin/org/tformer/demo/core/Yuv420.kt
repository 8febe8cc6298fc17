package org.tformer.demo.core

import java.nio.Buffer
import java.nio.ByteBuffer

/**
 * One plane of a camera's YUV_420_888 frame.
 *
 * @property bytes read from index 0 to its limit; its position is neither read nor moved. The last row may end behind its last
 * sample, as Android's do.
 * @property rowStride bytes from one row to the next; [pixelStride] from one sample to the next (2 where U and V alternate).
 */
class YuvPlane(val bytes: ByteBuffer, val rowStride: Int, val pixelStride: Int)

/** YUV_420_888 → RGB in integer BT.601 of limited range: C = Y − 16, D = U − 128, E = V − 128. */
object Yuv420 {
    /**
     * Converts a frame and turns it upright.
     *
     * @param width of the frame before it is turned, 1 to 65,535, as [height]; odd ones too. [u] and [v] have half of each, rounded up.
     * @param rotationDegrees clockwise: 0, 90, 180 or 270.
     * @param mirror whether left and right are exchanged after the rotation.
     * @throws IllegalArgumentException for another rotation, and for planes that are too short for the size.
     */
    fun toRgb(
        width: Int,
        height: Int,
        y: YuvPlane,
        u: YuvPlane,
        v: YuvPlane,
        rotationDegrees: Int = 0,
        mirror: Boolean = false,
    ): RgbImage {
        val turn = Turn(width, height, rotationDegrees, mirror)
        val image = RgbImage(turn.width, turn.height, ByteArray(Math.multiplyExact(3, Math.multiplyExact(width, height))))
        val chromaWidth = (width + 1) / 2
        val luma = Rows(y, width, height)
        val blue = Rows(u, chromaWidth, (height + 1) / 2)
        val red = Rows(v, chromaWidth, (height + 1) / 2)
        for (row in 0 until height) {
            luma.load(row)
            if (row % 2 == 0) {
                blue.load(row / 2)
                red.load(row / 2)
            }
            convert(luma, blue, red, width, image.pixels, turn.start(row), turn.step)
        }
        return image
    }

    private fun convert(luma: Rows, blue: Rows, red: Rows, width: Int, target: ByteArray, start: Int, step: Int) {
        val ys = luma.samples
        val us = blue.samples
        val vs = red.samples
        val lumaStride = luma.stride
        val blueStride = blue.stride
        val redStride = red.stride
        var at = start
        for (pair in 0 until (width + 1) / 2) {
            val d = (us[pair * blueStride].toInt() and 0xff) - 128
            val e = (vs[pair * redStride].toInt() and 0xff) - 128
            // What the two pixels have in common, the rounding of the shift with it.
            val r = 409 * e + 128
            val g = -100 * d - 208 * e + 128
            val b = 516 * d + 128
            val x = 2 * pair
            var c = 298 * ((ys[x * lumaStride].toInt() and 0xff) - 16)
            target[at] = clipped(c + r)
            target[at + 1] = clipped(c + g)
            target[at + 2] = clipped(c + b)
            at += step
            if (x + 1 == width) break
            c = 298 * ((ys[(x + 1) * lumaStride].toInt() and 0xff) - 16)
            target[at] = clipped(c + r)
            target[at + 1] = clipped(c + g)
            target[at + 2] = clipped(c + b)
            at += step
        }
    }

    private fun clipped(value: Int): Byte = maxOf(0, minOf(255, value shr 8)).toByte()

    /** A plane, copied a row at a time into an array, since single bytes of a direct buffer are slow to read. */
    private class Rows(plane: YuvPlane, samplesAcross: Int, rows: Int) {
        val stride = plane.pixelStride
        private val rowStride = plane.rowStride
        private val rowBytes = (samplesAcross - 1) * stride + 1
        private val bytes: ByteBuffer = plane.bytes.duplicate()
        val samples = ByteArray(rowBytes)

        init {
            require(stride >= 1 && rowStride >= rowBytes) { "Expected rows of $rowBytes bytes or more, received strides $rowStride and $stride." }
            val least = (rows - 1).toLong() * rowStride + rowBytes
            require(bytes.limit() >= least) { "Expected a plane of $least bytes or more, received ${bytes.limit()}." }
        }

        fun load(row: Int) {
            // As a Buffer: ByteBuffer's own position() is younger than API 26.
            (bytes as Buffer).position(row * rowStride)
            bytes.get(samples, 0, rowBytes)
        }
    }

    /** Where the pixels of a source row go: from [start] on, [step] bytes apart. */
    private class Turn(private val sourceWidth: Int, private val sourceHeight: Int, degrees: Int, mirror: Boolean) {
        val width: Int
        val height: Int
        val step: Int
        private val down: Int
        private val origin: Int

        init {
            require(degrees in ROTATIONS) { "Expected a rotation of 0, 90, 180 or 270 degrees, received $degrees." }
            val upright = degrees % 180 == 0
            width = if (upright) sourceWidth else sourceHeight
            height = if (upright) sourceHeight else sourceWidth
            // Of source pixel (0, 0): its place in the target, and where one pixel to the right and one down lie.
            var x = if (degrees == 90 || degrees == 180) width - 1 else 0
            val y = if (degrees == 180 || degrees == 270) height - 1 else 0
            var across = if (upright) 1 else 0
            var along = if (upright) 0 else 1
            if (degrees == 180) across = -1
            if (degrees == 90) along = -1
            if (mirror) {
                x = width - 1 - x
                across = -across
                along = -along
            }
            val vertical = if (degrees == 180 || degrees == 270) -1 else 1
            step = 3 * (across + if (upright) 0 else vertical * width)
            down = 3 * (along + if (upright) vertical * width else 0)
            origin = 3 * (y * width + x)
        }

        fun start(row: Int): Int = origin + row * down
    }

    private val ROTATIONS = setOf(0, 90, 180, 270)
}
