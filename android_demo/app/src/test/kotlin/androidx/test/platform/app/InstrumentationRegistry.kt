package androidx.test.platform.app

import android.app.Instrumentation
import android.os.Bundle

object InstrumentationRegistry {
    private var instrumentation: Instrumentation? = null

    /** Null when a test has ended. */
    @JvmStatic
    @Suppress("UNUSED_PARAMETER")
    fun registerInstance(instance: Instrumentation?, arguments: Bundle?) {
        instrumentation = instance
    }

    @JvmStatic
    fun getInstrumentation(): Instrumentation = checkNotNull(instrumentation)
}
