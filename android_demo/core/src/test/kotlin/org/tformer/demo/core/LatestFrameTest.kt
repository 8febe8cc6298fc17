package org.tformer.demo.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger

/** Back-pressure: never a queue, nothing left open, and the frame rate. */
class LatestFrameTest {
    private val open = AtomicInteger()
    private val mostOpen = AtomicInteger()
    private val closedTwice = AtomicInteger()

    private inner class Frame(val number: Int = 0) : AutoCloseable {
        private val closed = AtomicInteger()

        init {
            val now = open.incrementAndGet()
            mostOpen.accumulateAndGet(now, ::maxOf)
        }

        override fun close() {
            if (closed.incrementAndGet() > 1) closedTwice.incrementAndGet()
            open.decrementAndGet()
        }
    }

    @Test
    fun `the newest wins and the one before is closed`() {
        val frames = LatestFrame<Frame>()
        assertTrue(frames.offer(Frame(1)))
        val second = Frame(2)
        assertFalse(frames.offer(second))
        assertEquals(1, open.get())
        assertSame(second, frames.take())
        assertFalse(frames.offer(Frame(3)))
        second.close()
        assertTrue(frames.done())
        assertEquals(3, frames.take()!!.also(Frame::close).number)
        assertFalse(frames.done())
        assertEquals(0, open.get())
        assertTrue(frames.offer(Frame(4)))
        frames.clear()
        assertNull(frames.take())
        assertTrue(frames.offer(Frame(5)), "after an empty take the next frame starts the worker")
        frames.close()
        assertFalse(frames.offer(Frame(6)))
        assertEquals(0, open.get())
        assertEquals(0, closedTwice.get())
    }

    @Test
    @Timeout(30)
    fun `a stalled consumer holds one frame and one waits`() {
        val frames = LatestFrame<Frame>()
        assertTrue(frames.offer(Frame(0)))
        val stalled = frames.take()!!
        val producers = Executors.newFixedThreadPool(3)
        repeat(3) { producers.execute { repeat(2000) { number -> assertFalse(frames.offer(Frame(number))) } } }
        producers.shutdown()
        assertTrue(producers.awaitTermination(20, TimeUnit.SECONDS))
        assertEquals(2, open.get(), "one in work, one waiting")
        // Beside those, each producer holds the one it offers, and the one it took the place of.
        assertTrue(mostOpen.get() <= 2 + 2 * 3, "${mostOpen.get()} at a time")
        stalled.close()
        assertTrue(frames.done())
        frames.close()
        assertEquals(0, open.get())
        assertEquals(0, closedTwice.get())
    }

    @Test
    @Timeout(60)
    fun `under threads one frame is in work at a time and all are closed`() {
        val frames = LatestFrame<Frame>()
        val workers = Executors.newFixedThreadPool(2)
        val inWork = AtomicInteger()
        val worked = AtomicInteger()
        val overlaps = AtomicInteger()
        lateinit var work: Runnable
        work = Runnable {
            val frame = frames.take() ?: return@Runnable
            if (inWork.incrementAndGet() > 1) overlaps.incrementAndGet()
            if (worked.incrementAndGet() % 100 == 0) Thread.sleep(1)
            frame.close()
            inWork.decrementAndGet()
            if (frames.done()) workers.execute(work)
        }
        val start = CountDownLatch(1)
        val producers = List(3) { producer ->
            Thread {
                start.await()
                repeat(5000) {
                    if (frames.offer(Frame(it))) workers.execute(work)
                    if (producer == 0 && it % 50 == 0) frames.clear()
                }
            }.apply { start() }
        }
        start.countDown()
        producers.forEach(Thread::join)
        val last = Frame(-1)
        if (frames.offer(last)) workers.execute(work)
        while (open.get() > 0) Thread.sleep(1)
        workers.shutdown()
        assertTrue(workers.awaitTermination(20, TimeUnit.SECONDS))
        assertEquals(0, overlaps.get())
        assertEquals(0, closedTwice.get())
        assertTrue(worked.get() > 0)
    }

    @Test
    fun `the frame rate looks back as far as its window`() {
        var now = -5_000_000_000L
        val rate = FrameRate(1_000_000_000) { now }
        assertEquals(0.0, rate.tick())
        repeat(20) {
            now += 50_000_000
            rate.tick()
        }
        assertEquals(20.0, rate.perSecond(), 1e-9)
        now += 100_000_000
        assertEquals(20.0, rate.perSecond(), 1e-9)
        repeat(20) {
            now += 100_000_000
            rate.tick()
        }
        assertEquals(10.0, rate.perSecond(), 1e-9)
        now += 3_000_000_000
        assertEquals(0.0, rate.perSecond())
        rate.tick()
        rate.reset()
        assertEquals(0.0, rate.perSecond())
    }
}
