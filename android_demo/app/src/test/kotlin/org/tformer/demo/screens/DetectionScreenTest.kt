package org.tformer.demo.screens

import android.Manifest
import android.app.AlertDialog
import android.content.Intent
import android.graphics.BitmapFactory
import android.net.Uri
import android.view.MotionEvent
import android.view.View
import android.widget.Button
import android.widget.SeekBar
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.ShadowDialog
import org.tformer.demo.R
import org.tformer.demo.core.RgbImage
import org.tformer.demo.harness.Demo
import java.io.FileNotFoundException

@RunWith(RobolectricTestRunner::class)
class DetectionScreenTest {
    private val camera get() = Demo.app.camera
    private val cells by lazy { Demo.image("cells.jpg") }

    /** One colour for each 2 × 2 pixels: what chroma can say exactly, however the sensor is turned. */
    private val blocks by lazy {
        RgbImage(cells.width, cells.height, ByteArray(cells.pixels.size) { at ->
            val (x, y) = at / 3 % cells.width to at / 3 / cells.width
            cells.pixels[3 * ((y and -2) * cells.width + (x and -2)) + at % 3]
        })
    }

    @Before
    fun choose() {
        Demo.needInterpreter()
        shadowOf(Demo.app).grantPermissions(Manifest.permission.CAMERA)
        Demo.use("detection")
    }

    private fun open(): CameraActivity = Robolectric.buildActivity(CameraActivity::class.java).setup().get().also { Demo.settle() }

    private fun send(image: RgbImage, degrees: Int = 90, mirror: Boolean = false) {
        camera.send(image, degrees, mirror)
        Demo.settle()
    }

    private fun found(activity: android.app.Activity) = Demo.text(activity, R.id.found)

    private fun count(activity: android.app.Activity) = Regex("[0-9]+").findAll(found(activity)).sumOf { it.value.toInt() }

    @Test
    fun `cells are counted in words, which a screen reader reads`() {
        val activity = open()
        send(cells)
        assertTrue(found(activity), Regex("[0-9]+ red cells?.*").matches(found(activity)))
        assertEquals(found(activity), activity.findViewById<View>(R.id.panel).contentDescription)
        assertEquals(View.ACCESSIBILITY_LIVE_REGION_POLITE, activity.findViewById<View>(R.id.panel).accessibilityLiveRegion)
    }

    @Test
    fun `what the model knows is said before the first frame, and more at a touch`() {
        val activity = open()
        assertEquals("Knows Platelets, RBC, WBC", Demo.text(activity, R.id.knows))
        activity.findViewById<View>(R.id.knows).performClick()
        val dialog = shadowOf(ShadowDialog.getLatestDialog() as AlertDialog)
        assertEquals("This model knows 3 things", dialog.title)
        assertTrue("${dialog.message}", dialog.message.contains("tformer train"))
    }

    @Test
    fun `every rotation of the sensor finds the same, mirrored or not`() {
        val activity = open()
        val area = activity.findViewById<PictureArea>(R.id.area)
        val answers = listOf(0, 90, 180, 270).flatMap { degrees -> listOf(degrees to false, degrees to true) }.map { (degrees, mirror) ->
            send(blocks, degrees, mirror)
            Demo.objects(area).map { "${it.label} ${it.score} ${it.left} ${it.top} ${it.right} ${it.bottom}" }
        }
        assertTrue(answers[0].isNotEmpty())
        for (answer in answers) assertEquals(answers[0], answer)
    }

    @Test
    fun `a mirrored scene has mirrored boxes`() {
        val activity = open()
        val area = activity.findViewById<PictureArea>(R.id.area)
        send(blocks)
        val before = Demo.objects(area)
        send(mirrored(blocks))
        val after = Demo.objects(area)
        // Kernels are not symmetric to the last bit, and neither is a resize: the best box is the same thing.
        val best = before.filter { it.score > 0.8 }
        assertTrue(best.isNotEmpty())
        for (one in best) {
            val left = cells.width - one.right
            assertTrue("${one.label} at $left", after.any { it.index == one.index && Math.abs(it.left - left) < 8 && Math.abs(it.top - one.top) < 8 })
        }
    }

    private fun mirrored(image: RgbImage) = RgbImage(image.width, image.height, ByteArray(image.pixels.size) { at ->
        val (x, y) = at / 3 % image.width to at / 3 / image.width
        image.pixels[3 * (y * image.width + image.width - 1 - x) + at % 3]
    })

    @Test
    fun `the slider sets the threshold of the next frame, and of a frozen picture at once`() {
        val activity = open()
        val slider = activity.findViewById<SeekBar>(R.id.slider)
        send(cells)
        val all = count(activity)
        slider.progress = 90
        send(cells)
        val sure = count(activity)
        assertTrue("$sure of $all", sure < all)
        assertEquals("From 90% on", Demo.text(activity, R.id.threshold))
        activity.findViewById<Button>(R.id.freeze).performClick()
        for (progress in listOf(50, 10, 90)) slider.progress = progress
        Demo.settle()
        assertEquals(sure, count(activity))
        slider.progress = 10
        Demo.settle()
        assertTrue("${count(activity)} of $all", count(activity) >= all)
    }

    @Test
    fun `a touched box tells its details, a list all of them`() {
        val activity = open()
        repeat(2) { send(cells) }
        val area = activity.findViewById<PictureArea>(R.id.area)
        val one = Demo.objects(area).first()
        val view = activity.findViewById<View>(R.id.boxes)
        val picture = area.picture
        val x = picture.left + ((one.left + one.right) / 2 * picture.width() / cells.width).toFloat()
        val y = picture.top + ((one.top + one.bottom) / 2 * picture.height() / cells.height).toFloat()
        for (action in listOf(MotionEvent.ACTION_DOWN, MotionEvent.ACTION_UP)) {
            view.dispatchTouchEvent(MotionEvent.obtain(0, 0, action, x, y, 0))
        }
        val details = shadowOf(ShadowDialog.getLatestDialog() as AlertDialog)
        assertTrue("${details.title}", details.title in listOf("RBC", "WBC", "Platelets"))
        assertTrue("${details.message}", details.message.startsWith("Score ") && details.message.contains("pixels"))
        activity.findViewById<View>(R.id.found).performClick()
        val list = shadowOf(ShadowDialog.getLatestDialog() as AlertDialog)
        assertEquals(count(activity), list.items.size)
        list.clickOnItem(0)
        assertTrue(shadowOf(ShadowDialog.getLatestDialog() as AlertDialog).message.startsWith("Score "))
    }

    @Test
    fun `a touch beside all boxes and beside the picture says nothing`() {
        val activity = open()
        activity.findViewById<SeekBar>(R.id.slider).progress = 99
        repeat(2) { send(cells) }
        ShadowDialog.reset()
        val view = activity.findViewById<View>(R.id.boxes)
        for ((x, y) in listOf(1f to 1f, view.width - 1f to view.height - 1f)) {
            for (action in listOf(MotionEvent.ACTION_DOWN, MotionEvent.ACTION_UP)) view.dispatchTouchEvent(MotionEvent.obtain(0, 0, action, x, y, 0))
        }
        assertEquals(null, ShadowDialog.getLatestDialog())
    }

    @Test
    fun `a frozen picture is shared with its boxes drawn, and readable by its address alone`() {
        val activity = open()
        assertEquals(View.GONE, activity.findViewById<View>(R.id.share).visibility)
        send(cells)
        activity.findViewById<Button>(R.id.freeze).performClick()
        assertEquals(View.GONE, activity.findViewById<View>(R.id.switch_camera).visibility)
        activity.findViewById<Button>(R.id.share).performClick()
        Demo.settle()
        val chooser = shadowOf(activity).nextStartedActivity
        assertEquals(Intent.ACTION_CHOOSER, chooser.action)
        @Suppress("DEPRECATION")
        val shared = chooser.getParcelableExtra<Intent>(Intent.EXTRA_INTENT)!!
        assertEquals("image/jpeg", shared.type)
        assertTrue(shared.flags and Intent.FLAG_GRANT_READ_URI_PERMISSION != 0)
        @Suppress("DEPRECATION")
        val uri = shared.getParcelableExtra<Uri>(Intent.EXTRA_STREAM)!!
        val drawn = Demo.app.contentResolver.openInputStream(uri)!!.use(BitmapFactory::decodeStream)
        assertEquals(cells.width to cells.height, drawn.width to drawn.height)
        // Lines in the red cells' colour, which no cell has.
        var coloured = 0
        for (y in 0 until drawn.height) for (x in 0 until drawn.width) {
            val before = 3 * (y * cells.width + x)
            val pixel = drawn.getPixel(x, y)
            val difference = (0..2).sumOf { Math.abs((pixel shr (16 - 8 * it) and 0xff) - (cells.pixels[before + it].toInt() and 0xff)) }
            if (difference > 120) coloured++
        }
        assertTrue("$coloured", coloured > 1000)
        assertNotEquals(drawn.width * drawn.height, coloured)
        assertThrows(FileNotFoundException::class.java) { Demo.app.contentResolver.openInputStream(uri.buildUpon().path("/../models.xml").build()) }
    }
}
