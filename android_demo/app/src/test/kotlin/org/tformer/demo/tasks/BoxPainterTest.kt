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
import org.tformer.demo.agreement.split
import org.tformer.demo.core.DetectedObjects
import org.tformer.demo.core.Detector
import org.tformer.demo.core.Engine
import org.tformer.demo.core.ModelFile
import org.tformer.demo.core.Palette
import org.tformer.demo.harness.Demo
import java.io.File

@RunWith(RobolectricTestRunner::class)
class BoxPainterTest {
    private val file by lazy { ModelFile.read(Demo.model("detection")) }
    private lateinit var engine: Engine
    private lateinit var detector: Detector
    private val picture get() = drawnCells
    private lateinit var found: DetectedObjects

    @Before
    fun find() {
        Demo.needInterpreter()
        engine = Demo.app.engines().here(file.flatbuffer, 1)
        detector = Detector(file, engine)
        detector.scoreThreshold = 0.05
        found = detector.blank()
        detector.read(split(picture.output, engine.outputs.map { it.bytes }), picture.image.height, picture.image.width, found)
        engine.close()
        assertTrue("${found.count}", found.count > 10)
    }

    private val colours get() = Palette.of(file.contract!!)

    private fun drawn(ground: Int, place: RectF, painter: BoxPainter = BoxPainter(file.labels, colours, 4f, 30f)): Bitmap {
        val bitmap = Bitmap.createBitmap(700, 600, Bitmap.Config.ARGB_8888)
        bitmap.eraseColor(ground)
        painter.take(found)
        painter.paint(Canvas(bitmap), place, picture.image.width, picture.image.height)
        return bitmap
    }

    @Test
    fun `nothing is drawn beside the picture`() {
        val place = RectF(100f, 80f, 420f, 320f)
        val bitmap = drawn(Color.MAGENTA, place)
        var inside = 0
        for (y in 0 until bitmap.height) {
            for (x in 0 until bitmap.width) {
                val changed = bitmap.getPixel(x, y) != Color.MAGENTA
                if (changed) inside++
                if (changed) assertTrue("$x, $y", x in 100..419 && y in 80..319)
            }
        }
        assertTrue(inside > 2000)
    }

    @Test
    fun `lines are seen on black, white and their own colour`() {
        val place = RectF(0f, 0f, 640f, 480f)
        val best = found[0]
        val own = Color.BLACK or colours[best.index]
        val contrast = if (Palette.wantsBlack(colours[best.index])) Color.BLACK else Color.WHITE
        for (ground in listOf(Color.BLACK, Color.WHITE, own)) {
            val bitmap = drawn(ground, place)
            // Across the left side of the best box, which lies on top, at half its height.
            val y = ((best.top + best.bottom) / 2).toInt()
            val across = (best.left.toInt() - 2..best.left.toInt() + 12).filter { it in 0 until 640 }.map { bitmap.getPixel(it, y) }
            assertTrue("on ${Integer.toHexString(ground)}", own in across && contrast in across)
        }
    }

    @Test
    fun `the second frame costs no memory`() {
        val painter = BoxPainter(file.labels, colours, 4f, 30f)
        val bitmap = Bitmap.createBitmap(640, 480, Bitmap.Config.ARGB_8888)
        val canvas = Canvas(bitmap)
        val place = RectF(0f, 0f, 640f, 480f)
        val frames = {
            repeat(FRAMES) {
                painter.take(found)
                painter.paint(canvas, place, 640, 480)
            }
        }
        repeat(3) { frames() }
        val used = Allocated.least(frames)
        println("drawing ${found.count} boxes: ${used / FRAMES} bytes a frame")
        assertEquals(0L, used / FRAMES)
    }

    private companion object {
        const val FRAMES = 50

        // Read once: there are many of them.
        val drawnCells by lazy { Answered.read(File(Demo.agreement, "detection.bin")).last() }
    }
}
