package org.tformer.demo.tasks

import java.lang.management.ManagementFactory

/** Counts what this thread allocates on the heap, by the machine itself. */
internal object Allocated {
    private val threads = ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean

    fun bytes(work: () -> Unit): Long {
        val thread = Thread.currentThread().id
        // What the question itself costs.
        val nothing = threads.getThreadAllocatedBytes(thread).let { threads.getThreadAllocatedBytes(thread) - it }
        val before = threads.getThreadAllocatedBytes(thread)
        work()
        return threads.getThreadAllocatedBytes(thread) - before - nothing
    }
}
