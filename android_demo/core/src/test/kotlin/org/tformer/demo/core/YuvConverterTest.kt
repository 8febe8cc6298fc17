package org.tformer.demo.core

import net.jqwik.api.ForAll
import net.jqwik.api.Property
import net.jqwik.api.constraints.IntRange
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import java.nio.ByteBuffer
import java.util.Random

/** Camera frames: Python's vectors, a reference that goes pixel by pixel, and planes that are too short. */
class YuvConverterTest {
    @Suppress("UNCHECKED_CAST")
    @Test
    fun `every vector comes out to the last bit`() {
        val cases = objects((SharedFiles.json("answers/index.json") as Map<String, Any?>)["camera"])
        for (case in cases) {
            val plane = { name: String ->
                val given = case[name] as Map<String, Any?>
                YuvPlane(ByteBuffer.wrap(bytes(given["bytes"])), (given["row_stride"] as Long).toInt(), (given["pixel_stride"] as Long).toInt())
            }
            for ((turn, expected) in case["rgb"] as Map<String, String>) {
                val image = YuvConverter().toRgb(
                    (case["width"] as Long).toInt(), (case["height"] as Long).toInt(), plane("y"), plane("u"), plane("v"),
                    turn.substringBefore(' ').toInt(), turn.endsWith("mirrored"),
                )
                assertEquals(expected, hex(image.pixels), "${case["width"]}x${case["height"]} turned by $turn")
            }
        }
    }

    @Property(tries = 500)
    fun `conversion equals a reference that goes pixel by pixel`(
        @ForAll @IntRange(min = 1, max = 21) width: Int,
        @ForAll @IntRange(min = 1, max = 21) height: Int,
        @ForAll @IntRange(max = 7) after: Int,
        @ForAll @IntRange(min = 1, max = 3) lumaStride: Int,
        @ForAll @IntRange(min = 1, max = 3) chromaStride: Int,
        @ForAll @IntRange(max = 3) quarter: Int,
        @ForAll mirror: Boolean,
        @ForAll seed: Long,
    ) {
        val random = Random(seed)
        val plane = { across: Int, down: Int, stride: Int ->
            val rowStride = (across - 1) * stride + 1 + after
            // The last row ends with its last sample, and the buffer is direct, as Android's are.
            val data = ByteArray((down - 1) * rowStride + (across - 1) * stride + 1).also(random::nextBytes)
            YuvPlane(ByteBuffer.allocateDirect(data.size).put(data), rowStride, stride)
        }
        val y = plane(width, height, lumaStride)
        val u = plane((width + 1) / 2, (height + 1) / 2, chromaStride)
        val v = plane((width + 1) / 2, (height + 1) / 2, chromaStride)
        val sample = { plane: YuvPlane, column: Int, row: Int ->
            plane.bytes.get(row * plane.rowStride + column * plane.pixelStride).toInt() and 0xff
        }
        val image = YuvConverter().toRgb(width, height, y, u, v, 90 * quarter, mirror)
        assertEquals(if (quarter % 2 == 0) width else height, image.width)
        val expected = ByteArray(image.pixels.size)
        for (row in 0 until image.height) {
            for (column in 0 until image.width) {
                val x = if (mirror) image.width - 1 - column else column
                // Where the pixel of the upright picture lay in the frame.
                val (fromX, fromY) = when (quarter) {
                    0 -> x to row
                    1 -> row to height - 1 - x
                    2 -> width - 1 - x to height - 1 - row
                    else -> width - 1 - row to x
                }
                val c = sample(y, fromX, fromY) - 16
                val d = sample(u, fromX / 2, fromY / 2) - 128
                val e = sample(v, fromX / 2, fromY / 2) - 128
                val at = 3 * (row * image.width + column)
                expected[at] = ((298 * c + 409 * e + 128) shr 8).coerceIn(0, 255).toByte()
                expected[at + 1] = ((298 * c - 100 * d - 208 * e + 128) shr 8).coerceIn(0, 255).toByte()
                expected[at + 2] = ((298 * c + 516 * d + 128) shr 8).coerceIn(0, 255).toByte()
            }
        }
        assertArrayEquals(expected, image.pixels)
        assertEquals(y.bytes.limit(), y.bytes.position(), "a consumed buffer is read and left as it is")
    }

    @Test
    fun `what fits no frame is an argument error`() {
        val plane = { size: Int, rowStride: Int, stride: Int -> YuvPlane(ByteBuffer.allocate(size), rowStride, stride) }
        val good = plane(1, 1, 1)
        val y = plane(4, 2, 1)
        assertEquals(2, YuvConverter().toRgb(2, 2, y, good, good).width)
        assertThrows<IllegalArgumentException> { YuvConverter().toRgb(2, 2, plane(3, 2, 1), good, good) }
        assertThrows<IllegalArgumentException> { YuvConverter().toRgb(2, 2, plane(4, 1, 1), good, good) }
        assertThrows<IllegalArgumentException> { YuvConverter().toRgb(2, 2, plane(4, 2, 0), good, good) }
        assertThrows<IllegalArgumentException> { YuvConverter().toRgb(2, 2, y, plane(0, 1, 1), good) }
        assertThrows<IllegalArgumentException> { YuvConverter().toRgb(2, 2, y, good, good, 45) }
        assertThrows<IllegalArgumentException> { YuvConverter().toRgb(0, 2, y, good, good) }
    }

    @Test
    fun `a camera frame is converted quickly`() {
        val y = YuvPlane(ByteBuffer.allocateDirect(640 * 480), 640, 1)
        val chroma = YuvPlane(ByteBuffer.allocateDirect(640 * 240), 640, 2)
        for (degrees in listOf(0, 90)) {
            val times = DoubleArray(60) {
                val start = System.nanoTime()
                YuvConverter().toRgb(640, 480, y, chroma, chroma, degrees)
                (System.nanoTime() - start) / 1e6
            }
            println("640x480 to RGB, turned by $degrees: median %.2f ms".format(Percentiles.of(times.copyOfRange(20, 60), 50.0)))
        }
    }
}
