package org.tformer.demo.models

import android.view.View
import android.widget.FrameLayout
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotNull
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
import org.tformer.demo.harness.Demo
import org.tformer.demo.screens.AboutActivity
import org.tformer.demo.tasks.ClassificationTask

/** Where a classifier's answer is no answer. */
@RunWith(RobolectricTestRunner::class)
class CalibrationTest {
    @Before
    fun interpreter() = Demo.needInterpreter()

    @Test
    fun `the bundled classifier has one, an added copy of it has none`() {
        val store = Demo.app.models
        val bundled = store.calibration(ModelEntry.BUNDLED + Demo.bundledModel.name)
        assertNotNull(bundled)
        assertTrue(bundled!!.notSureBelow in 0.5..0.99 && bundled.temperature in 0.1..10.0)
        assertNull(store.calibration(ModelEntry.ADDED + Demo.bundledModel.name))
        assertNull(store.calibration(ModelEntry.BUNDLED + Demo.model("detection").name))
    }

    @Test
    fun `what is no calibration is none`() {
        val wrong = listOf("", "{}", "[1]", "{\"temperature\": 0, \"not_sure_below\": 0.5}", "{\"temperature\": 1, \"not_sure_below\": 2}")
        for (text in wrong) assertNull(text, Calibration.parse(text))
        assertEquals(0.5, Calibration.parse("{\"temperature\": 1, \"not_sure_below\": 0.5}")!!.notSureBelow, 0.0)
    }

    @Test
    fun `below the threshold the screen says not sure, and keeps the guesses`() {
        val file = ModelFile.read(Demo.bundledModel)
        val parent = FrameLayout(Robolectric.buildActivity(AboutActivity::class.java).setup().get())
        val image = Demo.photo("china.jpg", 64, 64)
        Demo.app.engines().here(file.flatbuffer, 1).use { engine ->
            val classifier = Classifier(file, engine)
            val answer = classifier.answer(image)
            val best = answer.probabilities[answer.order[0]]
            for ((threshold, sure) in listOf(best - 1e-6 to true, best + 1e-6 to false)) {
                val overlay = ClassificationTask.overlay(parent, classifier, Calibration(1.0, threshold))
                overlay.show(answer, live = false)
                assertEquals(if (sure) View.GONE else View.VISIBLE, overlay.view.findViewById<View>(R.id.not_sure).visibility)
                assertEquals(if (sure) 1f else 0.6f, overlay.view.findViewById<View>(R.id.first).alpha, 0f)
                val said = overlay.view.findViewById<View>(R.id.panel).contentDescription
                assertEquals((if (sure) "Best answer: " else "Not sure. Nearest: ") + answer.names[answer.order[0]], said)
            }
        }
    }
}
