package org.tformer.demo.tasks

import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.tformer.demo.core.DetectedObjects
import org.tformer.demo.core.Detector
import org.tformer.demo.core.ModelFile
import org.tformer.demo.harness.Demo

/** What was found, in words and by a touch. */
@RunWith(RobolectricTestRunner::class)
class FoundDialogTest {
    private val cells by lazy { Demo.image("cells.jpg") }
    private lateinit var found: DetectedObjects

    @Before
    fun find() {
        Demo.needInterpreter()
        val file = ModelFile.read(Demo.model("detection"))
        found = Demo.app.engines().here(file.flatbuffer, 1).use { Detector(file, it).answer(cells) }
        assertTrue(found.count > 2)
    }

    @Test
    fun `a touch means the smallest box around it, and none far from all`() {
        val dialog = FoundDialog(Demo.app)
        val all = List(found.count, found::get)
        for (one in all) {
            val x = (one.left + one.right) / 2
            val y = (one.top + one.bottom) / 2
            val touched = dialog.boxAt(found, x, y, 0.0)!!
            assertTrue(x in touched.left..touched.right && y in touched.top..touched.bottom)
            val area = { box: org.tformer.demo.core.DetectedObject -> (box.right - box.left) * (box.bottom - box.top) }
            assertTrue(area(touched) <= area(one))
        }
        assertNull(dialog.boxAt(found, -100.0, -100.0, 16.0))
        assertEquals(all.size, all.count { dialog.boxAt(found, it.left - 1, it.top - 1, 2.0) != null })
    }

    @Test
    fun `numbers of things are words`() {
        val words = FoundThings(Demo.app, listOf("Platelets", "RBC", "WBC", "fly"))
        assertTrue(words.changed(null))
        assertEquals("Nothing found", words.text())
        assertFalse(words.changed(null))
        assertTrue(words.changed(found))
        val counts = (0 until found.count).groupingBy { found.names[found.indices[it]] }.eachCount()
        val red = counts.getValue("RBC")
        assertTrue(words.text(), words.text().contains(if (red == 1) "1 red cell" else "$red red cells"))
        assertFalse(words.changed(found))
    }
}
