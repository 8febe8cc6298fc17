package org.tformer.demo.core

import java.util.function.LongSupplier

/**
 * Frames a second over a sliding window, of at most the last [MOST] frames. One thread at a time uses it.
 *
 * @param windowNanos how far back it looks.
 * @param clock nanoseconds that never go back.
 */
class FrameRate(private val windowNanos: Long = 2_000_000_000, private val clock: LongSupplier = LongSupplier(System::nanoTime)) {
    // A ring, because a list of numbers would make an object of each.
    private val ticks = LongArray(MOST)
    private var first = 0
    private var count = 0

    init {
        require(windowNanos > 0) { "Expected a window of at least 1 ns, received $windowNanos." }
    }

    /** Counts a frame that is shown now. @return [perSecond]. */
    fun tick(): Double {
        if (count == MOST) drop()
        ticks[(first + count++) % MOST] = clock.asLong
        return perSecond()
    }

    /** The mean rate between the window's first and last frame; 0 with fewer than two. */
    fun perSecond(): Double {
        val now = clock.asLong
        while (count > 0 && now - ticks[first] > windowNanos) drop()
        val span = if (count < 2) 0 else ticks[(first + count - 1) % MOST] - ticks[first]
        return if (span <= 0) 0.0 else (count - 1) * 1e9 / span
    }

    /** Forgets all, as after a pause. */
    fun reset() {
        count = 0
    }

    private fun drop() {
        first = (first + 1) % MOST
        count--
    }

    private companion object {
        const val MOST = 256
    }
}
