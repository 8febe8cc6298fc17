package org.tformer.demo.tasks

import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.shadows.ShadowSystemClock
import java.time.Duration

@RunWith(RobolectricTestRunner::class)
class PaceTest {
    @Test
    fun `of a live picture's texts one is due in each interval, of a still one's all`() {
        val pace = Pace(250)
        val due = List(10) {
            ShadowSystemClock.advanceBy(Duration.ofMillis(100))
            pace.due(live = true)
        }
        assertEquals(listOf(true, false, false, true, false, false, true, false, false, true), due)
        assertEquals(listOf(true, true), List(2) { pace.due(live = false) })
    }
}
