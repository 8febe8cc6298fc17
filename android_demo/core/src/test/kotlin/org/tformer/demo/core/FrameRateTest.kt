package org.tformer.demo.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

/** The frame rate at the border of its window, and with a clock that stands still. */
class FrameRateTest {
    private var now = 0L
    private val rate = FrameRate(windowNanos = 1000) { now }

    private fun tickAt(time: Long): Double {
        now = time
        return rate.tick()
    }

    @Test
    fun `a frame counts as long as the window, to the nanosecond`() {
        tickAt(0)
        assertEquals(1e9 / 600, tickAt(600))
        assertEquals(2e9 / 1000, tickAt(1000))
        now = 1001
        assertEquals(1e9 / 400, rate.perSecond())
        now = 1601
        assertEquals(0.0, rate.perSecond())
    }

    @Test
    fun `frames of one moment have no rate`() {
        repeat(3) { assertEquals(0.0, tickAt(7)) }
        assertEquals(3e9 / 10, tickAt(17))
    }

    @Test
    fun `no window is an argument error`() {
        assertThrows<IllegalArgumentException> { FrameRate(0) }
    }
}
