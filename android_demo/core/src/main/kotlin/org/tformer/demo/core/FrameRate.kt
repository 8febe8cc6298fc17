package org.tformer.demo.core

import java.util.ArrayDeque

/**
 * Frames a second over a sliding window. One thread at a time uses it.
 *
 * @param windowNanos how far back it looks.
 * @param clock nanoseconds that never go back.
 */
class FrameRate(private val windowNanos: Long = 2_000_000_000, private val clock: () -> Long = System::nanoTime) {
    private val ticks = ArrayDeque<Long>()

    init {
        require(windowNanos > 0) { "Expected a window of at least 1 ns, received $windowNanos." }
    }

    /** Counts a frame that is shown now. @return [perSecond]. */
    fun tick(): Double {
        ticks.addLast(clock())
        return perSecond()
    }

    /** The mean rate between the window's first and last frame; 0 with fewer than two. */
    fun perSecond(): Double {
        val now = clock()
        while (ticks.isNotEmpty() && now - ticks.first > windowNanos) ticks.removeFirst()
        val span = if (ticks.size < 2) 0 else ticks.last - ticks.first
        return if (span <= 0) 0.0 else (ticks.size - 1) * 1e9 / span
    }

    /** Forgets all, as after a pause. */
    fun reset() = ticks.clear()
}
