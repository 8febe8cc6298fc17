package org.tformer.demo.core

import java.nio.Buffer
import java.nio.ByteBuffer

/**
 * One plane of a camera's YUV_420_888 frame.
 *
 * @property bytes read from index 0 to its limit; its position is where it was afterwards. The last row may end behind its last
 * sample, as Android's do.
 * @property rowStride bytes from one row to the next; [pixelStride] from one sample to the next (2 where U and V alternate).
 */
class YuvPlane(val bytes: ByteBuffer, val rowStride: Int, val pixelStride: Int)

/**
 * YUV_420_888 → RGB in integer BT.601 of limited range: C = Y − 16, D = U − 128, E = V − 128. For frames of one kind it allocates once. One
 * thread at a time uses it.
 */
class YuvConverter {
    private var turn: Turn? = null
    private var luma = Rows(0)
    private var blue = Rows(0)
    private var red = Rows(0)

    /**
     * Converts a frame and turns it upright.
     *
     * @param width of the frame before it is turned, 1 to 65,535, as [height]; odd ones too. [u] and [v] have half of each, rounded up.
     * @param rotationDegrees clockwise: 0, 90, 180 or 270.
     * @param mirror whether left and right are exchanged after the rotation.
     * @param reuse is filled and returned where it has the size of the upright frame.
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
        reuse: RgbImage? = null,
    ): RgbImage {
        val turn = turn?.takeIf { it.turns(width, height, rotationDegrees, mirror) }
            ?: Turn(width, height, rotationDegrees, mirror).also { turn = it }
        val image = reuse?.takeIf { it.width == turn.width && it.height == turn.height }
            ?: RgbImage(turn.width, turn.height, ByteArray(Math.multiplyExact(3, Math.multiplyExact(width, height))))
        val chromaWidth = (width + 1) / 2
        luma = luma.of(y, width, height)
        blue = blue.of(u, chromaWidth, (height + 1) / 2)
        red = red.of(v, chromaWidth, (height + 1) / 2)
        for (row in 0 until height) {
            luma.load(y, row)
            if (row % 2 == 0) {
                blue.load(u, row / 2)
                red.load(v, row / 2)
            }
            convert(luma.samples, y.pixelStride, blue.samples, u.pixelStride, red.samples, v.pixelStride, width, image.pixels, turn, row)
        }
        return image
    }

    private fun convert(
        ys: ByteArray,
        lumaStride: Int,
        us: ByteArray,
        blueStride: Int,
        vs: ByteArray,
        redStride: Int,
        width: Int,
        target: ByteArray,
        turn: Turn,
        row: Int,
    ) {
        val step = turn.step
        var at = turn.start(row)
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

    /** A row of a plane, copied into an array, since single bytes of a direct buffer are slow to read. */
    private class Rows(private val rowBytes: Int) {
        val samples = ByteArray(rowBytes)

        /** These, or others where they are too short for [plane]. */
        fun of(plane: YuvPlane, samplesAcross: Int, rows: Int): Rows {
            val needed = (samplesAcross - 1) * plane.pixelStride + 1
            require(plane.pixelStride >= 1 && plane.rowStride >= needed) {
                "Expected rows of $needed bytes or more, received strides ${plane.rowStride} and ${plane.pixelStride}."
            }
            val least = (rows - 1).toLong() * plane.rowStride + needed
            require(plane.bytes.limit() >= least) { "Expected a plane of $least bytes or more, received ${plane.bytes.limit()}." }
            return if (needed == rowBytes) this else Rows(needed)
        }

        fun load(plane: YuvPlane, row: Int) {
            // As a Buffer: ByteBuffer's own position() is younger than API 26. A copy of the buffer would be an object a frame.
            val position = (plane.bytes as Buffer).position()
            (plane.bytes as Buffer).position(row * plane.rowStride)
            plane.bytes.get(samples, 0, rowBytes)
            (plane.bytes as Buffer).position(position)
        }
    }

    /** Where the pixels of a source row go: from [start] on, [step] bytes apart. */
    private class Turn(private val sourceWidth: Int, private val sourceHeight: Int, private val degrees: Int, private val mirror: Boolean) {
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

        fun turns(width: Int, height: Int, degrees: Int, mirror: Boolean): Boolean =
            width == sourceWidth && height == sourceHeight && degrees == this.degrees && mirror == this.mirror

        fun start(row: Int): Int = origin + row * down
    }

    private companion object {
        val ROTATIONS = setOf(0, 90, 180, 270)
    }
}
