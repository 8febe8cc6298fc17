package org.tformer.demo.harness

import android.os.Binder
import android.os.DeadObjectException
import android.os.Parcel

/** A binder whose process ended, from its call number [after] on; before it, [alive] answers. */
class DeadBinder(private val after: Int = 0, private val alive: Binder? = null) : Binder() {
    private var calls = 0

    override fun onTransact(code: Int, data: Parcel, reply: Parcel?, flags: Int): Boolean {
        if (alive == null || calls++ >= after) throw DeadObjectException()
        data.setDataPosition(0)
        return alive.transact(code, data, reply, flags)
    }
}
