package org.tformer.demo.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotSame
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import kotlin.concurrent.thread

class TripleBufferTest {
    private class Slot(var first: Int = 0, var second: Int = 0)

    @Test
    fun `the newest is shown once, older ones never`() {
        val buffer = TripleBuffer { Slot() }
        assertNull(buffer.front())
        for (number in 1..3) {
            buffer.back.first = number
            buffer.publish()
        }
        assertEquals(3, buffer.front()!!.first)
        assertNull(buffer.front())
    }

    @Test
    fun `what is shown is never filled`() {
        val buffer = TripleBuffer { Slot() }
        buffer.publish()
        val shown = buffer.front()!!
        repeat(5) {
            assertNotSame(shown, buffer.back)
            buffer.publish()
        }
    }

    @Test
    fun `two threads never share a slot`() {
        val buffer = TripleBuffer { Slot() }
        val writer = thread {
            for (number in 1..200_000) {
                val slot = buffer.back
                slot.first = number
                slot.second = number
                buffer.publish()
            }
        }
        var last = 0
        while (writer.isAlive) {
            val slot = buffer.front() ?: continue
            assertEquals(slot.first, slot.second)
            assertTrue(slot.first > last, "${slot.first} after $last")
            last = slot.first
        }
        writer.join()
        buffer.front()?.let { last = it.first }
        assertEquals(200_000, last)
    }
}
