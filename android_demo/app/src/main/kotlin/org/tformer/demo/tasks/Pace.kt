package org.tformer.demo.tasks

import android.os.SystemClock

/** Holds texts that follow a live picture to a pace at which they can be read, or heard. @param interval milliseconds. */
class Pace(private val interval: Long) {
    private var last = Long.MIN_VALUE

    /** Whether it is time for the next text; asked only where there is one. */
    fun due(live: Boolean): Boolean {
        val now = SystemClock.uptimeMillis()
        if (live && last != Long.MIN_VALUE && now - last < interval) return false
        last = now
        return true
    }

    companion object {
        /** Of what is read. */
        const val READ = 250L

        /** Of what a screen reader says. */
        const val SPOKEN = 2000L
    }
}
