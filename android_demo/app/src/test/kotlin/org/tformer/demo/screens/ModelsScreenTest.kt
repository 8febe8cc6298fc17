package org.tformer.demo.screens

import android.app.Activity
import android.content.Intent
import android.view.View
import android.view.ViewGroup
import android.widget.RadioButton
import android.widget.TextView
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.tformer.demo.R
import org.tformer.demo.core.ModelFile
import org.tformer.demo.harness.DeadBinder
import org.tformer.demo.harness.Demo
import java.io.File

@RunWith(RobolectricTestRunner::class)
class ModelsScreenTest {
    private lateinit var activity: ModelsActivity
    private val good by lazy { Demo.bundledModel.readBytes() }

    @Before
    fun open() {
        Demo.needInterpreter()
        Demo.provideEngineService()
        activity = Robolectric.buildActivity(ModelsActivity::class.java).setup().get()
        Demo.settle()
    }

    private val rows: List<View> get() = activity.findViewById<ViewGroup>(R.id.list).let { list -> List(list.childCount, list::getChildAt) }
    private val titles get() = rows.map { it.findViewById<RadioButton>(R.id.choose) }
    private val said get() = Demo.text(activity, R.id.message_text)
    private val stored get() = File(Demo.app.filesDir, "models").list().orEmpty().toList()

    private fun add(name: String, bytes: ByteArray) {
        activity.findViewById<View>(R.id.add).performClick()
        val asked = shadowOf(activity).nextStartedActivityForResult
        assertEquals(Intent.ACTION_OPEN_DOCUMENT, asked.intent.action)
        shadowOf(activity).receiveResult(asked.intent, Activity.RESULT_OK, Intent().setData(Demo.document(name, bytes)))
        Demo.settle()
    }

    private val bundled = Demo.bundled.size

    @Test
    fun `the bundled models are there with task and size, the first one chosen, and not removable`() {
        assertEquals(bundled, rows.size)
        assertEquals(listOf(true) + List(bundled - 1) { false }, titles.map { it.isChecked })
        assertTrue(titles[0].text.contains("cifar10"))
        val tasks = mapOf("classification" to "names pictures", "detection" to "finds things", "segmentation" to "colours areas")
        for ((row, file) in rows.zip(Demo.bundled)) {
            val contract = ModelFile.read(file).contract!!
            val detail = row.findViewById<TextView>(R.id.detail).text
            assertTrue("$detail", detail.startsWith("${tasks[contract.task]} · ${contract.preprocessing.width} × ${contract.preprocessing.height} pixels"))
            assertEquals(View.GONE, row.findViewById<View>(R.id.remove).visibility)
        }
    }

    @Test
    fun `each bundled model can be chosen`() {
        for (place in rows.indices) {
            titles[place].performClick()
            Demo.settle()
            assertTrue(titles[place].isChecked)
            assertEquals("bundled:${Demo.bundled[place].name}", Demo.app.models.selected)
        }
    }

    @Test
    fun `a good file is copied, tried in the other process, chosen, and can be removed`() {
        add("mine.tflite", good)
        assertEquals(activity.getString(R.string.model_added), said)
        assertEquals(List(bundled) { false } + true, titles.map { it.isChecked })
        assertEquals(listOf("mine.tflite"), stored)
        assertEquals("added:mine.tflite", Demo.app.models.selected)
        add("mine.tflite", good)
        assertEquals(listOf("mine-2.tflite", "mine.tflite"), stored.sorted())
        titles[0].performClick()
        Demo.settle()
        assertTrue(titles[0].isChecked)
        for (rest in listOf(1, 0)) {
            rows.last().findViewById<View>(R.id.remove).performClick()
            Demo.settle()
            assertEquals(rest, stored.size)
        }
        assertEquals(bundled, rows.size)
        assertTrue(titles[0].isChecked)
    }

    @Test
    fun `removing the model in use brings the bundled one back`() {
        add("mine.tflite", good)
        rows.last().findViewById<View>(R.id.remove).performClick()
        Demo.settle()
        assertTrue(titles[0].isChecked)
        assertEquals(bundled, rows.size)
    }

    @Test
    fun `broken files are refused with one sentence, and the model stays`() {
        val flipped = good.copyOf().also { it[100_000] = (it[100_000] + 1).toByte() }
        val cases = mapOf(
            "text" to "This is no model.".toByteArray(),
            "empty" to ByteArray(0),
            "cut" to good.copyOf(good.size - 30),
            "flipped" to flipped,
            "without a contract" to good.copyOf(421_200),
            "hostile" to ByteArray(4096) { 0xff.toByte() }.also { "TFL3".toByteArray().copyInto(it, 4) },
        )
        for ((name, bytes) in cases) {
            add("$name.tflite", bytes)
            assertTrue("$name: $said", said.startsWith("Expected ") && !said.contains("Exception") && said.lines().size == 1)
            assertFalse(said, said.contains("incoming"))
            assertEquals(name, emptyList<String>(), stored)
            assertTrue(name, titles[0].isChecked && rows.size == bundled)
        }
    }

    @Test
    fun `a model that takes its process down is refused`() {
        Demo.provideEngineService(DeadBinder())
        add("killer.tflite", good)
        assertTrue(said, said.contains("its process ended"))
        assertEquals(emptyList<String>(), stored)
        assertTrue(titles[0].isChecked && rows.size == bundled)
    }

    @Test
    fun `a file name cannot leave the folder`() {
        add("..%2F..%2Fshared_prefs%2Fevil.tflite", good)
        assertEquals(1, stored.size)
        assertFalse(stored.single().contains("/"))
    }

    @Test
    fun `an added model that rotted on the disk is listed with its trouble and the bundled one is used`() {
        add("mine.tflite", good)
        File(Demo.app.filesDir, "models/mine.tflite").writeBytes(ByteArray(10))
        activity = Robolectric.buildActivity(ModelsActivity::class.java).setup().get()
        Demo.settle()
        assertFalse(titles[bundled].isEnabled)
        assertTrue(rows[bundled].findViewById<TextView>(R.id.detail).text.startsWith("Expected "))
    }
}
