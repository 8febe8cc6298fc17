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
import org.tformer.demo.R
import org.tformer.demo.camera.CameraProblem
import org.tformer.demo.harness.Demo

/**
 * Draws every screen with the framework's own Skia, by day, by night and in landscape, into target/screens; those in docs/android
 * are copies that were looked at. What can be checked without eyes is checked here: everything has a size and a name.
 */
@RunWith(ParameterizedRobolectricTestRunner::class)
class ScreenPicturesTest(private val look: String, private val qualifiers: String) {
    companion object {
        @JvmStatic
        @ParameterizedRobolectricTestRunner.Parameters(name = "{0}")
        fun looks() = listOf(arrayOf("light", "+port-notnight"), arrayOf("dark", "+port-night"), arrayOf("landscape", "+land-notnight"))
    }

    @Before
    fun prepare() {
        Demo.needInterpreter()
        RuntimeEnvironment.setQualifiers(qualifiers)
        shadowOf(Demo.app).grantPermissions(Manifest.permission.CAMERA)
        Demo.provideEngineService()
    }

    private fun <T : Activity> show(kind: Class<T>, intent: Intent? = null): T =
        Robolectric.buildActivity(kind, intent).setup().get().also { Demo.settle() }

    private fun draw(activity: Activity, name: String) {
        val file = Demo.picture(activity, "$name-$look")
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

    @Test
    fun camera() {
        val activity = show(CameraActivity::class.java)
        val (width, height) = if (look == "landscape") 640 to 480 else 480 to 640
        val camera = Demo.app.camera
        // The second time the preview knows its place.
        repeat(3) {
            camera.send(Demo.photo("flower.jpg", width, height))
            Demo.settle()
        }
        draw(activity, "camera")
        activity.findViewById<Button>(R.id.freeze).performClick()
        draw(activity, "frozen")
        activity.findViewById<Button>(R.id.freeze).performClick()
        camera.fail(CameraProblem.IN_USE)
        draw(activity, "camera-in-use")
    }

    @Test
    fun permission() {
        shadowOf(Demo.app).denyPermissions(Manifest.permission.CAMERA)
        draw(show(CameraActivity::class.java), "permission")
    }

    @Test
    fun photo() {
        val uri = Demo.document("china.jpg", Demo.photoFile("china.jpg").readBytes())
        draw(show(PhotoActivity::class.java, Intent(Intent.ACTION_SEND).putExtra(Intent.EXTRA_STREAM, uri)), "photo")
        draw(show(PhotoActivity::class.java, Intent(Intent.ACTION_SEND).putExtra(Intent.EXTRA_STREAM, Demo.document("x", ByteArray(3)))), "photo-bad")
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

    /** Measured once: the other looks are turns of the same screen, which keeps its result. */
    @Test
    fun benchmark() {
        assumeTrue("drawn with the light one", look == "light")
        val controller = Robolectric.buildActivity(BenchmarkActivity::class.java).setup()
        controller.get().findViewById<Button>(R.id.start).performClick()
        draw(controller.get(), "benchmark")
        for (parameters in looks().drop(1)) {
            RuntimeEnvironment.setQualifiers(parameters[1])
            controller.recreate()
            assertEquals(4, controller.get().findViewById<ViewGroup>(R.id.table).childCount)
            val landscape = parameters[0] == "landscape"
            assertEquals(landscape, controller.get().window.decorView.run { width > height })
            Demo.picture(controller.get(), "benchmark-${parameters[0]}")
        }
    }

    @Test
    fun selfTest() {
        val activity = show(SelfTestActivity::class.java)
        activity.findViewById<Button>(R.id.start).performClick()
        draw(activity, "self-test")
    }

    @Test
    fun about() = draw(show(AboutActivity::class.java), "about")
}
