package org.tformer.demo.screens

import android.Manifest
import android.app.AlertDialog
import android.content.Intent
import android.content.res.Configuration
import android.view.View
import android.widget.Button
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.shadows.ShadowDialog
import org.tformer.demo.R
import org.tformer.demo.camera.CameraProblem
import org.tformer.demo.camera.Facing
import org.tformer.demo.core.ModelFile
import org.tformer.demo.core.RgbImage
import org.tformer.demo.harness.Demo
import java.util.concurrent.CountDownLatch

@RunWith(RobolectricTestRunner::class)
class CameraScreenTest {
    private val camera get() = Demo.app.camera
    private val flower by lazy { Demo.photo("flower.jpg", 480, 640) }
    private val china by lazy { Demo.photo("china.jpg", 480, 640) }

    @Before
    fun allow() {
        Demo.needInterpreter()
        shadowOf(Demo.app).grantPermissions(Manifest.permission.CAMERA)
    }

    private fun open(): ActivityController<CameraActivity> =
        Robolectric.buildActivity(CameraActivity::class.java).setup().also { Demo.settle() }

    private fun button(activity: CameraActivity, id: Int) = activity.findViewById<Button>(id)

    @Test
    fun `a frame is answered with three labels, their shares, times and the rate`() {
        val activity = open().get()
        repeat(3) {
            camera.send(flower)
            Demo.settle()
        }
        val rows = listOf(R.id.first, R.id.second, R.id.third).map { activity.findViewById<View>(it) }
        val shares = rows.map { row ->
            assertTrue(Demo.visibleText(row).first() in Labels.cifar10)
            Demo.visibleText(row).last().removeSuffix("%").toDouble()
        }
        assertEquals(shares.sortedDescending(), shares)
        assertTrue(shares.sum() in 30.0..100.2)
        assertTrue(Demo.text(activity, R.id.numbers).matches(Regex("Preparing [0-9.]+ ms · model [0-9.]+ ms · answer [0-9.]+ ms · [0-9.]+ frames/s")))
        assertEquals("1: ${Demo.visibleText(rows[0]).first()}, ${Demo.visibleText(rows[0]).last()}", rows[0].contentDescription)
        assertEquals(camera.released.get(), 3)
    }

    @Test
    fun `what the model knows is said before the first frame, all of it and how to make another one at a touch`() {
        val activity = open().get()
        assertEquals(emptyList<String>(), Demo.labels(activity))
        assertEquals("Knows " + ModelFile.read(Demo.bundledModel).labels.joinToString(), Demo.text(activity, R.id.knows))
        activity.findViewById<View>(R.id.knows).performClick()
        val dialog = shadowOf(ShadowDialog.getLatestDialog() as AlertDialog)
        assertEquals("This model knows 10 things", dialog.title)
        assertTrue(Labels.cifar10.all { it in dialog.message } && "tformer train" in dialog.message && "tformer convert" in dialog.message)
    }

    @Test
    fun `every rotation of the sensor gives the same answer, mirrored or not`() {
        val activity = open().get()
        // One colour for each 2 × 2 pixels: what chroma can say exactly, however the sensor is turned.
        val blocks = RgbImage(flower.width, flower.height, ByteArray(flower.pixels.size) { at ->
            val (x, y) = at / 3 % flower.width to at / 3 / flower.width
            flower.pixels[3 * ((y and -2) * flower.width + (x and -2)) + at % 3]
        })
        val answers = listOf(0, 90, 180, 270).flatMap { degrees -> listOf(degrees to false, degrees to true) }.map { (degrees, mirror) ->
            camera.send(blocks, degrees, mirror)
            Demo.settle()
            Demo.labels(activity)
        }
        assertEquals(List(8) { answers[0] }, answers)
    }

    @Test
    fun `a stalled consumer leaves one frame in work and one waiting, the newest`() {
        val activity = open().get()
        val gate = CountDownLatch(1)
        Demo.app.inference.execute { gate.await() }
        repeat(20) { camera.send(if (it == 19) china else flower) }
        assertTrue("${camera.mostHeld} frames were held", camera.mostHeld.get() <= 2)
        assertTrue(camera.released.get() >= 18)
        gate.countDown()
        Demo.settle()
        assertEquals(20, camera.released.get())
        val last = Demo.labels(activity)
        camera.send(china)
        Demo.settle()
        assertEquals("the newest frame is the one that was answered", last, Demo.labels(activity))
    }

    @Test
    fun `freeze keeps the answered frame and closes the camera, go on opens it`() {
        val activity = open().get()
        camera.send(flower)
        Demo.settle()
        val answer = Demo.labels(activity)
        button(activity, R.id.freeze).performClick()
        assertFalse(camera.open)
        camera.sendLate(china)
        Demo.settle()
        assertEquals(answer, Demo.labels(activity))
        assertEquals("Go on", button(activity, R.id.freeze).text)
        assertEquals(0, camera.held.get())
        button(activity, R.id.freeze).performClick()
        assertTrue(camera.open)
        assertEquals("Freeze", button(activity, R.id.freeze).text)
    }

    @Test
    fun `a frozen picture survives a turn of the screen`() {
        val controller = open()
        camera.send(flower)
        Demo.settle()
        val answer = Demo.labels(controller.get())
        button(controller.get(), R.id.freeze).performClick()
        turn(controller)
        assertEquals(answer, Demo.labels(controller.get()))
        assertFalse(camera.open)
    }

    @Test
    fun `a live picture goes on after a turn of the screen`() {
        val controller = open()
        camera.send(flower)
        turn(controller)
        assertTrue(camera.open)
        camera.send(china)
        Demo.settle()
        assertEquals(6, Demo.labels(controller.get()).size)
        assertEquals(0, camera.held.get())
    }

    @Test
    fun `switch opens the other camera and there is no button without one`() {
        val activity = open().get()
        assertEquals(Facing.BACK, camera.facing)
        button(activity, R.id.switch_camera).performClick()
        assertEquals(Facing.FRONT, camera.facing)
        button(activity, R.id.switch_camera).performClick()
        assertEquals(Facing.BACK, camera.facing)
        camera.available = listOf(Facing.FRONT)
        val single = open().get()
        assertEquals(View.GONE, button(single, R.id.switch_camera).visibility)
        assertEquals(Facing.FRONT, camera.facing)
    }

    @Test
    fun `in the background the camera is closed, back in the foreground it goes on`() {
        val controller = open()
        controller.pause().stop()
        assertFalse(camera.open)
        controller.restart().start().resume()
        Demo.settle()
        assertTrue(camera.open)
    }

    @Test
    fun `without the permission there is a sentence, and it asks once`() {
        shadowOf(Demo.app).denyPermissions(Manifest.permission.CAMERA)
        val activity = open().get()
        assertEquals(listOf(Manifest.permission.CAMERA), shadowOf(activity).lastRequestedPermission.requestedPermissions.toList())
        activity.onRequestPermissionsResult(0, arrayOf(Manifest.permission.CAMERA), intArrayOf(-1))
        assertEquals(activity.getString(R.string.permission_denied), Demo.text(activity, R.id.message_text))
        assertFalse(camera.open)
        button(activity, R.id.message_button).performClick()
        val next: Intent = shadowOf(activity).nextStartedActivityForResult?.intent ?: shadowOf(activity).nextStartedActivity
        assertNotEquals("", next.action)
        // Allowed in the settings, back in the app.
        shadowOf(Demo.app).grantPermissions(Manifest.permission.CAMERA)
        activity.onRequestPermissionsResult(0, arrayOf(Manifest.permission.CAMERA), intArrayOf(0))
        assertTrue(camera.open)
        assertEquals(View.GONE, activity.findViewById<View>(R.id.message).visibility)
    }

    @Test
    fun `each trouble of a camera has its sentence and a way on`() {
        val activity = open().get()
        val sentences = CameraProblem.entries.map { problem ->
            camera.send(flower)
            Demo.settle()
            camera.fail(problem)
            val sentence = Demo.text(activity, R.id.message_text)
            assertEquals(View.VISIBLE, activity.findViewById<View>(R.id.message).visibility)
            button(activity, R.id.message_button).performClick()
            assertTrue("$problem: try again opens the camera", camera.open)
            sentence
        }
        assertEquals(CameraProblem.entries.size, sentences.toSet().size)
    }

    @Test
    fun `a camera that vanished and comes back goes on by itself`() {
        val activity = open().get()
        camera.send(flower)
        Demo.settle()
        camera.fail(CameraProblem.TAKEN_AWAY)
        assertEquals(emptyList<String>(), Demo.labels(activity))
        camera.becomeFree()
        assertTrue(camera.open)
        assertEquals(View.GONE, activity.findViewById<View>(R.id.message).visibility)
        assertEquals(0, camera.held.get())
    }

    @Test
    fun `a device without a camera says so`() {
        camera.available = emptyList()
        val activity = open().get()
        assertEquals(activity.getString(R.string.no_camera), Demo.text(activity, R.id.message_text))
    }

    @Test
    fun `the menu leads to all screens`() {
        val activity = open().get()
        val targets = listOf(R.id.models, R.id.benchmark, R.id.self_test, R.id.about).map { item ->
            shadowOf(activity).clickMenuItem(item)
            shadowOf(activity).nextStartedActivity.component?.className
        }
        assertEquals(
            listOf(ModelsActivity::class, BenchmarkActivity::class, SelfTestActivity::class, AboutActivity::class).map { it.java.name },
            targets,
        )
    }

    private fun turn(controller: ActivityController<CameraActivity>) {
        val turned = Configuration(controller.get().resources.configuration)
        turned.orientation = Configuration.ORIENTATION_LANDSCAPE
        RuntimeEnvironment.setQualifiers("+land")
        controller.configurationChange(turned)
        Demo.settle()
    }
}
