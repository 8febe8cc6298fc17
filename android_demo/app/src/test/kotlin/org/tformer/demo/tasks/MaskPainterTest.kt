package org.tformer.demo.tasks

import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.RectF
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.tformer.demo.agreement.Answered
import org.tformer.demo.core.ClassMap
import org.tformer.demo.core.ModelFile
import org.tformer.demo.core.Palette
import org.tformer.demo.core.Segmenter
import org.tformer.demo.harness.Demo
import org.tformer.demo.photo.BitmapPixels
import java.io.File
import kotlin.math.abs

@RunWith(RobolectricTestRunner::class)
class MaskPainterTest {
    private val file by lazy { ModelFile.read(Demo.model("segmentation")) }
    private val colours by lazy { Palette.of(file.contract!!) }
    private val picture by lazy { Answered.read(File(Demo.agreement, "segmentation.bin")).maxByOrNull { it.image.width * it.image.height }!! }
    private lateinit var map: ClassMap

    @Before
    fun read() {
        Demo.needInterpreter()
        Demo.app.engines().here(file.flatbuffer, 1).use { engine ->
            val segmenter = Segmenter(file, engine)
            map = segmenter.blank().also { segmenter.read(listOf(picture.output), picture.image.height, picture.image.width, it) }
        }
        assertTrue(map.areaCount > 1)
    }

    @Test
    fun `classes are blended over what the model sees as tformer_edge blends them, and nothing beside it`() {
        val image = picture.image
        val bitmap = BitmapPixels.bitmap(image)
        MaskPainter(colours).apply { take(map) }
            .paint(Canvas(bitmap), RectF(0f, 0f, image.width.toFloat(), image.height.toFloat()), image.width, image.height)
        for (y in 0 until image.height) {
            for (x in 0 until image.width) {
                val before = List(3) { image.pixels[3 * (y * image.width + x) + it].toInt() and 0xff }
                val after = bitmap.getPixel(x, y).let { listOf(Color.red(it), Color.green(it), Color.blue(it)) }
                val seen = x - map.left in 0 until map.width && y - map.top in 0 until map.height
                if (!seen) {
                    assertEquals("$x, $y", before, after)
                    continue
                }
                val colour = colours[map.classes[(y - map.top) * map.width + x - map.left].toInt()]
                for (part in 0 until 3) {
                    val expected = before[part] + MaskPainter.BLEND * ((colour shr (16 - 8 * part) and 0xff) - before[part])
                    assertTrue("$x, $y: $expected, ${after[part]}", abs(expected - after[part]) <= 2.0)
                }
            }
        }
    }

    @Test
    fun `a second frame of the same size costs no memory`() {
        val painter = MaskPainter(colours)
        val canvas = Canvas(Bitmap.createBitmap(400, 300, Bitmap.Config.ARGB_8888))
        val place = RectF(0f, 0f, 400f, 300f)
        val frames = {
            repeat(FRAMES) {
                painter.take(map)
                painter.paint(canvas, place, picture.image.width, picture.image.height)
            }
        }
        repeat(3) { frames() }
        val used = Allocated.least(frames)
        println("drawing a class map: ${used / FRAMES} bytes a frame")
        assertEquals(0L, used / FRAMES)
    }

    private companion object {
        const val FRAMES = 50
    }
}
