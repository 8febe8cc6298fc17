package org.tformer.demo.harness

import org.tformer.demo.camera.CameraFrame
import org.tformer.demo.core.RgbImage
import org.tformer.demo.core.YuvPlane
import java.nio.ByteBuffer
import kotlin.math.roundToInt

/** Pictures as a phone's sensor delivers them: turned, rows padded, chroma interleaved, the last row cut short. */
object YuvFrames {
    private const val PADDING = 48

    /** A frame that, turned by [rotationDegrees] clockwise and then mirrored, is [upright] as far as 4:2:0 can say it. Even sides. */
    fun frame(upright: RgbImage, rotationDegrees: Int, mirror: Boolean, release: () -> Unit): CameraFrame {
        val turned = rotationDegrees % 180 != 0
        val width = if (turned) upright.height else upright.width
        val height = if (turned) upright.width else upright.height
        val stride = width + PADDING
        val luma = ByteArray(stride * (height - 1) + width)
        // U and V share a buffer, as on nearly every phone: V one byte behind U, pixel stride 2.
        val chroma = ByteArray(stride * (height / 2 - 1) + width)
        for (y in 0 until height) {
            for (x in 0 until width) {
                val (red, green, blue) = pixel(upright, rotationDegrees, mirror, x, y, width, height)
                luma[y * stride + x] = (16 + (65.738 * red + 129.057 * green + 25.064 * blue) / 256).roundToInt().toByte()
                if (x % 2 == 0 && y % 2 == 0) {
                    val at = y / 2 * stride + x
                    chroma[at] = (128 + (-37.945 * red - 74.494 * green + 112.439 * blue) / 256).roundToInt().toByte()
                    chroma[at + 1] = (128 + (112.439 * red - 94.154 * green - 18.285 * blue) / 256).roundToInt().toByte()
                }
            }
        }
        val u = ByteBuffer.wrap(chroma, 0, chroma.size - 1).slice()
        val v = ByteBuffer.wrap(chroma, 1, chroma.size - 1).slice()
        return CameraFrame(
            width, height, YuvPlane(ByteBuffer.wrap(luma), stride, 1), YuvPlane(u, stride, 2), YuvPlane(v, stride, 2),
            rotationDegrees, mirror, release,
        )
    }

    /** The upright picture's pixel that the sensor's (x, y) becomes. */
    private fun pixel(upright: RgbImage, degrees: Int, mirror: Boolean, x: Int, y: Int, width: Int, height: Int): Triple<Int, Int, Int> {
        val (turnedX, row) = when (degrees) {
            0 -> x to y
            90 -> height - 1 - y to x
            180 -> width - 1 - x to height - 1 - y
            else -> y to width - 1 - x
        }
        val column = if (mirror) upright.width - 1 - turnedX else turnedX
        val at = 3 * (row * upright.width + column)
        return Triple(upright.pixels[at].toInt() and 0xff, upright.pixels[at + 1].toInt() and 0xff, upright.pixels[at + 2].toInt() and 0xff)
    }
}
