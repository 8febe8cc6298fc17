package org.tformer.demo.screens

import android.Manifest
import android.app.Activity
import android.content.Intent
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.ParameterizedRobolectricTestRunner
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.ShadowDialog
import org.tformer.demo.R
import org.tformer.demo.camera.CameraProblem
import org.tformer.demo.harness.Demo

/**
 * Draws the screens with the framework's own Skia, by day, by night, in landscape, on a small screen from right to left with letters of twice
 * the size, and on a tablet, into target/screens; those in docs/android are copies that were looked at (tests/android/keep_pictures.py). What
 * can be checked without eyes is checked here: everything has a size and a name.
 */
@RunWith(ParameterizedRobolectricTestRunner::class)
class ScreenPicturesTest(private val look: String, private val qualifiers: String, private val fontScale: Float) {
    companion object {
        private const val PHONE = "w411dp-h891dp"

        @JvmStatic
        @ParameterizedRobolectricTestRunner.Parameters(name = "{0}")
        fun looks() = listOf(
            arrayOf<Any>("light", "+$PHONE-port-notnight", 1f),
            arrayOf<Any>("dark", "+$PHONE-port-night", 1f),
            arrayOf<Any>("landscape", "+w891dp-h411dp-land-notnight", 1f),
            arrayOf<Any>("large-letters", "+ldrtl-w360dp-h640dp-port-notnight-xhdpi", 2f),
            arrayOf<Any>("tablet", "+w800dp-h1280dp-port-night-hdpi", 1f),
        )
    }

    @Before
    fun prepare() {
        Demo.needInterpreter()
        RuntimeEnvironment.setQualifiers(qualifiers)
        RuntimeEnvironment.setFontScale(fontScale)
        shadowOf(Demo.app).grantPermissions(Manifest.permission.CAMERA)
        Demo.provideEngineService()
    }

    private fun onlyIn(vararg looks: String) = assumeTrue("drawn in $looks", look in looks)

    private fun <T : Activity> show(kind: Class<T>, intent: Intent? = null): T =
        Robolectric.buildActivity(kind, intent).setup().get().also { Demo.settle() }

    private fun draw(activity: Activity, name: String) {
        val file = Demo.picture(activity.window.decorView, "$name-$look")
        assertTrue("$file is empty", file.length() > 5000)
        checkNames(activity.findViewById(android.R.id.content))
    }

    /** What can be touched has a name for a screen reader and, if it is a button, at least 48 points of height. */
    private fun checkNames(view: View) {
        if (view.visibility != View.VISIBLE) return
        val density = view.resources.displayMetrics.density
        if (view.isClickable && view is Button || view is android.widget.ImageButton) {
            val name = view.contentDescription ?: (view as? Button)?.text
            assertTrue("$view has no name", !name.isNullOrBlank())
            assertTrue("$name is ${view.height / density} points high", view.height >= 47.5 * density)
        }
        if (view is ViewGroup) for (index in 0 until view.childCount) checkNames(view.getChildAt(index))
    }

    /** The camera's screen with a picture of its proportions. The second time the preview knows its place. */
    private fun live(photo: String): CameraActivity {
        val activity = show(CameraActivity::class.java)
        val (width, height) = if (look == "landscape") 640 to 480 else 480 to 640
        repeat(2) {
            Demo.app.camera.send(Demo.photo(photo, width, height))
            Demo.settle()
        }
        return activity
    }

    @Test
    fun camera() {
        val activity = live("flower.jpg")
        draw(activity, "camera")
        if (look != "light") return
        activity.findViewById<View>(R.id.knows).performClick()
        Demo.picture(ShadowDialog.getLatestDialog().window!!.decorView, "knows-$look")
        ShadowDialog.getLatestDialog().dismiss()
        Demo.app.camera.fail(CameraProblem.IN_USE)
        draw(activity, "camera-in-use")
    }

    @Test
    fun cells() {
        Demo.use("detection")
        if (look != "landscape") return draw(photo("cells.jpg"), "cells")
        val activity = live("cells.jpg")
        activity.findViewById<Button>(R.id.freeze).performClick()
        draw(activity, "cells")
    }

    @Test
    fun areas() {
        Demo.use("segmentation")
        draw(live("china.jpg"), "areas")
    }

    @Test
    fun permission() {
        onlyIn("light")
        shadowOf(Demo.app).denyPermissions(Manifest.permission.CAMERA)
        draw(show(CameraActivity::class.java), "permission")
    }

    @Test
    fun photo() {
        onlyIn("light", "dark")
        Demo.use("segmentation")
        draw(photo("china.jpg"), "photo")
        if (look != "light") return
        draw(show(PhotoActivity::class.java, Intent(Intent.ACTION_SEND).putExtra(Intent.EXTRA_STREAM, Demo.document("x", ByteArray(3)))), "photo-bad")
    }

    private fun photo(name: String): PhotoActivity {
        val uri = Demo.document(name, Demo.photoFile(name).readBytes())
        return show(PhotoActivity::class.java, Intent(Intent.ACTION_SEND).putExtra(Intent.EXTRA_STREAM, uri))
    }

    @Test
    fun models() {
        val activity = show(ModelsActivity::class.java)
        for ((name, bytes) in listOf("mine.tflite" to Demo.bundledModel.readBytes(), "broken.tflite" to ByteArray(2000))) {
            activity.findViewById<View>(R.id.add).performClick()
            val asked = shadowOf(activity).nextStartedActivityForResult
            shadowOf(activity).receiveResult(asked.intent, Activity.RESULT_OK, Intent().setData(Demo.document(name, bytes)))
            Demo.settle()
        }
        draw(activity, "models")
    }

    /** Measured once: the other look is a turn of the same screen, which keeps its result. */
    @Test
    fun benchmark() {
        onlyIn("light")
        val controller = Robolectric.buildActivity(BenchmarkActivity::class.java).setup()
        controller.get().findViewById<Button>(R.id.start).performClick()
        draw(controller.get(), "benchmark")
        RuntimeEnvironment.setQualifiers("+w891dp-h411dp-land-notnight")
        controller.recreate()
        assertEquals(4, controller.get().findViewById<ViewGroup>(R.id.table).childCount)
        assertTrue(controller.get().window.decorView.run { width > height })
        Demo.picture(controller.get().window.decorView, "benchmark-landscape")
    }

    @Test
    fun selfTest() {
        onlyIn("light", "dark")
        Demo.use("detection")
        val activity = show(SelfTestActivity::class.java)
        activity.findViewById<Button>(R.id.start).performClick()
        draw(activity, "self-test")
    }

    @Test
    fun about() {
        onlyIn("light", "landscape")
        draw(show(AboutActivity::class.java), "about")
    }
}
