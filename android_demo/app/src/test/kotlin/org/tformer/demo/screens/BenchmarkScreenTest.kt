package org.tformer.demo.screens

import android.content.Intent
import android.view.ViewGroup
import android.widget.Button
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
import org.tformer.demo.harness.Demo
import org.json.JSONObject

@RunWith(RobolectricTestRunner::class)
class BenchmarkScreenTest {
    @Before
    fun interpreter() = Demo.needInterpreter()

    @Test
    fun `three rows of times, and JSON to share`() {
        val activity = Robolectric.buildActivity(BenchmarkActivity::class.java).setup().get()
        assertFalse(activity.findViewById<Button>(R.id.share).isEnabled)
        activity.findViewById<Button>(R.id.start).performClick()
        assertFalse(activity.findViewById<Button>(R.id.start).isEnabled)
        Demo.settle()
        val table = activity.findViewById<ViewGroup>(R.id.table)
        val rows = List(table.childCount) { Demo.visibleText(table.getChildAt(it)) }
        assertEquals(4, rows.size)
        assertEquals(listOf("1", "2", "4"), rows.drop(1).map { it[0] })
        for (row in rows.drop(1)) {
            val (median, ninety) = row.drop(1).map { it.toDouble() }
            assertTrue("$row", median > 0 && ninety >= median)
        }
        activity.findViewById<Button>(R.id.share).performClick()
        val chooser = shadowOf(activity).nextStartedActivity
        assertEquals(Intent.ACTION_CHOOSER, chooser.action)
        @Suppress("DEPRECATION")
        val shared = chooser.getParcelableExtra<Intent>(Intent.EXTRA_INTENT)!!
        assertEquals(Intent.ACTION_SEND, shared.action)
        // Android's own parser.
        val json = JSONObject(shared.getStringExtra(Intent.EXTRA_TEXT)!!)
        assertEquals("tformer_micro_cifar10_large", json.getString("model"))
        assertEquals(listOf(1, 2, 4), List(3) { json.getJSONArray("results").getJSONObject(it).getInt("threads") })
        assertEquals(50, json.getJSONArray("results").getJSONObject(0).getInt("runs"))
        val answer = json.getDouble("answer_p50_ms")
        assertTrue("$answer", answer > 0)
        val status = activity.findViewById<TextView>(R.id.status).text.toString()
        assertTrue(status, (if (answer < 0.01) "< 0.01 ms" else String.format("%.2f ms", answer)) in status)
        assertEquals("2.16.1", json.getJSONObject("device").getString("tensorflow_lite"))
    }
}
