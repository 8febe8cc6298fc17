package org.tformer.demo.screens

import android.view.ViewGroup
import android.widget.Button
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.tformer.demo.R
import org.tformer.demo.core.Engine
import org.tformer.demo.core.ModelFile
import org.tformer.demo.core.TensorInfo
import org.tformer.demo.core.TensorType
import org.tformer.demo.engine.Engines
import org.tformer.demo.harness.Demo
import java.io.File

@RunWith(RobolectricTestRunner::class)
class SelfTestScreenTest {
    private fun run(): SelfTestActivity {
        val activity = Robolectric.buildActivity(SelfTestActivity::class.java).setup().get()
        activity.findViewById<Button>(R.id.start).performClick()
        Demo.settle()
        return activity
    }

    @Test
    fun `the archive's interpreter passes for each task`() {
        Demo.needInterpreter()
        for (task in listOf("classification", "detection", "segmentation")) {
            Demo.use(task)
            val activity = run()
            assertEquals(task, activity.getString(R.string.self_test_passed), Demo.text(activity, R.id.verdict))
            val list = activity.findViewById<ViewGroup>(R.id.list)
            assertEquals(ModelFile.read(Demo.model(task)).golden.size, list.childCount)
            assertTrue(list.childCount > 0)
            assertTrue(Demo.visibleText(list).filterIndexed { index, _ -> index % 2 == 1 }.all { it.startsWith("passed") })
        }
    }

    @Test
    fun `an interpreter that computes something else fails`() {
        Demo.app.testEngines = object : Engines {
            override fun here(flatbuffer: ByteArray, threads: Int): Engine = Wrong

            override fun apart(file: File, flatbufferBytes: Int, threads: Int): Engine = Wrong
        }
        val activity = run()
        assertEquals(activity.getString(R.string.self_test_failed), Demo.text(activity, R.id.verdict))
        val details = Demo.visibleText(activity.findViewById(R.id.list)).filterIndexed { index, _ -> index % 2 == 1 }
        assertTrue("$details", details.any { it.startsWith("FAILED") })
    }

    private object Wrong : Engine {
        override val input = TensorInfo(listOf(1, 32, 32, 3), TensorType.INT8, 0.01614103f, 0)
        override val outputs = listOf(TensorInfo(listOf(1, 10), TensorType.INT8, 0.1f, 0))

        override fun run(input: ByteArray): List<ByteArray> = listOf(ByteArray(10) { (it * 20 - 100).toByte() })

        override fun close() = Unit
    }
}
