package org.tformer.demo.tasks

import java.lang.management.ManagementFactory

/** Counts what this thread allocates on the heap, by the machine itself. */
internal object Allocated {
    private const val ROUNDS = 4
    private val threads = ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean

    /** The least of a few rounds of [work]: the compiler and the class loader allocate once, a frame in each round. */
    fun least(work: () -> Unit): Long = (1..ROUNDS).minOf { bytes(work) }

    fun bytes(work: () -> Unit): Long {
        val thread = Thread.currentThread().id
        // What the question itself costs.
        val nothing = threads.getThreadAllocatedBytes(thread).let { threads.getThreadAllocatedBytes(thread) - it }
        val before = threads.getThreadAllocatedBytes(thread)
        work()
        return threads.getThreadAllocatedBytes(thread) - before - nothing
    }
}
