package org.tformer.demo.core

/**
 * Hands what one thread makes to another one without copies and without new objects: one slot is being filled, one is being looked at, and
 * one lies between. The newest wins. One thread calls [back] and [publish], another one [front].
 *
 * @param make makes one of the three slots.
 */
class TripleBuffer<T>(make: () -> T) {
    private var shown: T = make()
    private var between: T = make()
    private var filled: T = make()
    private var fresh = false

    /** The slot to be filled next. */
    val back: T @Synchronized get() = filled

    /** What was filled is the newest from now on. */
    @Synchronized
    fun publish() {
        between = filled.also { filled = between }
        fresh = true
    }

    /** The newest slot, which stays as it is until the next call; null where nothing is newer than the one before. */
    @Synchronized
    fun front(): T? {
        if (!fresh) return null
        shown = between.also { between = shown }
        fresh = false
        return shown
    }
}
