package org.tformer.demo.screens

import android.Manifest
import android.content.Intent
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.tformer.demo.R
import org.tformer.demo.core.ModelFile
import org.tformer.demo.harness.Demo
import org.tformer.demo.models.ModelEntry

@RunWith(RobolectricTestRunner::class)
class SegmentationScreenTest {
    private val labels by lazy { ModelFile.read(Demo.model("segmentation")).labels }

    @Before
    fun choose() {
        Demo.needInterpreter()
        shadowOf(Demo.app).grantPermissions(Manifest.permission.CAMERA)
        Demo.use("segmentation")
    }

    private fun legend(activity: android.app.Activity): List<List<String>> {
        val rows = activity.findViewById<ViewGroup>(R.id.legend)
        return List(rows.childCount, rows::getChildAt).map(Demo::visibleText).filter { it.isNotEmpty() }
    }

    private fun photo(): PhotoActivity {
        val uri = Demo.document("china.jpg", Demo.photoFile("china.jpg").readBytes())
        return Robolectric.buildActivity(PhotoActivity::class.java, Intent(Intent.ACTION_SEND).putExtra(Intent.EXTRA_STREAM, uri)).setup().get()
            .also { Demo.settle() }
    }

    @Test
    fun `the largest classes stand in the legend with their shares`() {
        val rows = legend(photo())
        assertTrue("$rows", rows.size in 2..5 && rows.all { it[0] in labels })
        val shares = rows.map { it[1].removeSuffix("%").toDouble() }
        assertEquals(shares.sortedDescending(), shares)
        assertTrue("$shares", shares.sum() in 20.0..100.3)
    }

    @Test
    fun `a screen reader is told the classes, and of each its share`() {
        val activity = photo()
        val rows = legend(activity)
        assertEquals(rows.joinToString(", ") { it[0] }, activity.findViewById<View>(R.id.panel).contentDescription)
        val first = activity.findViewById<ViewGroup>(R.id.legend).getChildAt(0)
        assertEquals("${rows[0][0]} ${rows[0][1]}", first.contentDescription)
    }

    @Test
    fun `live frames are answered, a frozen one stays, and another model answers it anew`() {
        val controller = Robolectric.buildActivity(CameraActivity::class.java).setup()
        val activity = controller.get()
        Demo.settle()
        repeat(2) {
            Demo.app.camera.send(Demo.photo("china.jpg", 640, 480))
            Demo.settle()
        }
        assertTrue(legend(activity).size >= 2)
        activity.findViewById<Button>(R.id.freeze).performClick()
        controller.pause().stop()
        val other = ModelEntry.BUNDLED + Demo.bundledModel.name
        Demo.app.inference.submit { Demo.app.session.select(other) }
        controller.restart().start().resume()
        Demo.settle()
        val rows = Demo.labels(activity)
        assertTrue("$rows", rows.isNotEmpty() && rows[0] in Labels.cifar10)
    }
}
