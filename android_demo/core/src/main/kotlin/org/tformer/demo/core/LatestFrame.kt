package org.tformer.demo.core

/**
 * Back-pressure between a camera and one worker: at most one frame waits while one is in work, the newest wins, and a frame that
 * nobody will see is closed at once. All functions may be called on any thread; closing happens outside the lock.
 *
 *     if (frames.offer(frame)) executor.execute(work)
 *     // work:
 *     val frame = frames.take() ?: return
 *     try { … } finally { frame.close(); if (frames.done()) executor.execute(work) }
 */
class LatestFrame<T : AutoCloseable> : AutoCloseable {
    private val lock = Any()
    private var waiting: T? = null
    private var busy = false
    private var closed = false

    /**
     * Takes [frame] over; the one that waited is closed, and after [close] this one is.
     *
     * @return whether the caller must start the worker, which then calls [take] once.
     */
    fun offer(frame: T): Boolean {
        val dropped: T?
        val start: Boolean
        synchronized(lock) {
            if (closed) {
                dropped = frame
                start = false
            } else {
                dropped = waiting
                waiting = frame
                start = !busy
                busy = true
            }
        }
        dropped?.close()
        return start
    }

    /** The frame that waited, which the worker now closes, calling [done] afterwards; null, and nothing to be done, where none does. */
    fun take(): T? = synchronized(lock) {
        waiting.also {
            waiting = null
            if (it == null) busy = false
        }
    }

    /** After each frame taken. @return whether another waits, for which the worker must be started again. */
    fun done(): Boolean = synchronized(lock) {
        busy = waiting != null
        busy
    }

    /** Closes the frame that waits, if any; later ones are welcome. */
    fun clear() {
        synchronized(lock) { waiting.also { waiting = null } }?.close()
    }

    /** Closes the frame that waits and every one that is offered from now on. */
    override fun close() {
        synchronized(lock) { closed = true }
        clear()
    }
}
