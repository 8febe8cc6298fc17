package org.tformer.demo.models

import android.view.View
import android.widget.FrameLayout
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.tformer.demo.R
import org.tformer.demo.core.Classifier
import org.tformer.demo.core.ModelFile
import org.tformer.demo.core.RgbImage
import org.tformer.demo.harness.Demo
import org.tformer.demo.screens.AboutActivity
import org.tformer.demo.tasks.ClassificationTask

/** Where a classifier's answer is no answer. */
@RunWith(RobolectricTestRunner::class)
class CertaintyTest {
    @Before
    fun interpreter() = Demo.needInterpreter()

    @Test
    fun `the bundled classifier's contract says it, and every answer keeps to it`() {
        val file = ModelFile.read(Demo.bundledModel)
        val certainty = file.contract!!.certainty!!
        assertTrue("$certainty", certainty.notSureBelow in 0.5..0.99 && certainty.temperature in 0.1..10.0)
        assertNull(ModelFile.read(Demo.model("detection")).contract!!.certainty)
        val parent = FrameLayout(Robolectric.buildActivity(AboutActivity::class.java).setup().get())
        Demo.app.engines().here(file.flatbuffer, 1).use { engine ->
            val classifier = Classifier(file, engine)
            val overlay = ClassificationTask.overlay(parent, classifier)
            val seen = HashSet<Boolean>()
            for ((left, top) in listOf(0 to 0, 300 to 100, 100 to 200, 400 to 299, 200 to 50, 500 to 20)) {
                val answer = classifier.answer(crop(Demo.photo("china.jpg", 640, 427), left, top))
                val sure = answer.probabilities[answer.order[0]] >= certainty.notSureBelow
                assertEquals(sure, answer.sure)
                seen += sure
                overlay.show(answer, live = false)
                assertEquals(if (sure) View.GONE else View.VISIBLE, overlay.view.findViewById<View>(R.id.not_sure).visibility)
                assertEquals(if (sure) 1f else 0.6f, overlay.view.findViewById<View>(R.id.first).alpha, 0f)
                val said = overlay.view.findViewById<View>(R.id.panel).contentDescription
                assertEquals((if (sure) "Best answer: " else "Not sure. Nearest: ") + answer.names[answer.order[0]], said)
            }
            assertEquals("both kinds of answers are among them", setOf(true, false), seen)
        }
    }

    /** 128 × 128 of [image]'s pixels. */
    private fun crop(image: RgbImage, left: Int, top: Int): RgbImage {
        val side = 128
        val pixels = ByteArray(side * side * 3)
        for (row in 0 until side) image.pixels.copyInto(pixels, row * side * 3, ((top + row) * image.width + left) * 3, ((top + row) * image.width + left + side) * 3)
        return RgbImage(side, side, pixels)
    }
}
