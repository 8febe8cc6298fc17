package org.tformer.demo.screens

import android.app.Activity
import android.content.Intent
import android.content.res.Configuration
import android.net.Uri
import android.view.View
import android.widget.Button
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.tformer.demo.R
import org.tformer.demo.harness.Demo

@RunWith(RobolectricTestRunner::class)
class PhotoScreenTest {
    @Before
    fun interpreter() = Demo.needInterpreter()

    private val flower get() = Demo.document("flower.jpg", Demo.photoFile("flower.jpg").readBytes())

    private fun share(uri: Uri): ActivityController<PhotoActivity> {
        val intent = Intent(Intent.ACTION_SEND).setType("image/jpeg").putExtra(Intent.EXTRA_STREAM, uri)
        return Robolectric.buildActivity(PhotoActivity::class.java, intent).setup().also { Demo.settle() }
    }

    private fun answer(activity: Activity) = Demo.labels(activity)

    @Test
    fun `a photo that another app shares is answered with label and score`() {
        val activity = share(flower).get()
        assertEquals(6, answer(activity).size)
        assertTrue(answer(activity)[0] in Labels.cifar10)
        assertTrue(answer(activity)[1].endsWith("%"))
        assertTrue(Demo.text(activity, R.id.numbers).startsWith("Preparing"))
    }

    @Test
    fun `a photo from the document picker is answered the same`() {
        val activity = Robolectric.buildActivity(PhotoActivity::class.java).setup().get()
        val asked = shadowOf(activity).nextStartedActivityForResult
        assertEquals(Intent.ACTION_OPEN_DOCUMENT, asked.intent.action)
        assertEquals("image/*", asked.intent.type)
        shadowOf(activity).receiveResult(asked.intent, Activity.RESULT_OK, Intent().setData(flower))
        Demo.settle()
        assertEquals(answer(share(flower).get()), answer(activity))
    }

    @Test
    fun `without a choice the screen says what to do`() {
        val activity = Robolectric.buildActivity(PhotoActivity::class.java).setup().get()
        val asked = shadowOf(activity).nextStartedActivityForResult
        shadowOf(activity).receiveResult(asked.intent, Activity.RESULT_CANCELED, null)
        Demo.settle()
        assertEquals(activity.getString(R.string.no_photo_yet), Demo.text(activity, R.id.message_text))
        activity.findViewById<Button>(R.id.message_button).performClick()
        assertEquals(Intent.ACTION_OPEN_DOCUMENT, shadowOf(activity).nextStartedActivityForResult.intent.action)
    }

    @Test
    fun `what cannot be shown has its sentence`() {
        val cases = mapOf(
            Demo.document("text.jpg", "no picture".toByteArray()) to R.string.photo_no_image,
            Demo.document("empty.jpg", ByteArray(0)) to R.string.photo_no_image,
            Uri.parse("file:///data/data/org.tformer.demo/shared_prefs/models.xml") to R.string.photo_not_shared,
        )
        for ((uri, sentence) in cases) {
            val activity = share(uri).get()
            assertEquals(activity.getString(sentence), Demo.text(activity, R.id.message_text))
            assertEquals(View.GONE, activity.findViewById<View>(R.id.loading).visibility)
        }
    }

    @Test
    fun `a document that throws has its sentence`() {
        val gone = Uri.parse("content://org.example.documents/gone.jpg")
        shadowOf(Demo.app.contentResolver).registerInputStreamSupplier(gone) { throw SecurityException("not yours") }
        val activity = share(gone).get()
        assertEquals(activity.getString(R.string.photo_not_shared), Demo.text(activity, R.id.message_text))
    }

    @Test
    fun `a bad photo after a good one does not show the old answer`() {
        val controller = share(flower)
        val bad = Intent(Intent.ACTION_SEND).putExtra(Intent.EXTRA_STREAM, Demo.document("bad.jpg", ByteArray(9)))
        controller.newIntent(bad)
        Demo.settle()
        assertEquals(View.INVISIBLE, controller.get().findViewById<View>(R.id.area).visibility)
    }

    @Test
    fun `the answer survives a turn of the screen`() {
        val controller = share(flower)
        val before = answer(controller.get())
        RuntimeEnvironment.setQualifiers("+land")
        controller.configurationChange(Configuration(RuntimeEnvironment.getApplication().resources.configuration))
        Demo.settle()
        assertEquals(before, answer(controller.get()))
    }
}
