package org.tformer.demo

import android.app.Application
import android.os.Handler
import android.os.Looper
import org.tformer.demo.camera.Camera2Source
import org.tformer.demo.camera.CameraSource
import org.tformer.demo.engine.AppEngines
import org.tformer.demo.engine.Engines
import org.tformer.demo.models.ModelSession
import org.tformer.demo.models.ModelStore
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors

/**
 * What all screens share. Everything is made when it is first asked for: the process of [engine.EngineService] creates this
 * class too, and must touch no file.
 *
 * The functions are open so that tests can put another camera or another interpreter in their place.
 */
open class DemoApplication : Application() {
    /** The one thread that touches an interpreter, reads models and converts pictures. */
    val inference: ExecutorService by lazy {
        Executors.newSingleThreadExecutor { work -> Thread(work, "inference") }
    }

    private val mainThread by lazy { Handler(Looper.getMainLooper()) }

    val models: ModelStore by lazy { ModelStore(this) }

    val session: ModelSession by lazy { ModelSession(models, engines()) }

    open fun engines(): Engines = AppEngines(this)

    open fun cameraSource(): CameraSource = Camera2Source(this)

    /** Runs [work] on the main thread, soon. */
    fun onMainThread(work: Runnable) {
        mainThread.post(work)
    }
}
