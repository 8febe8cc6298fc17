package org.tformer.demo.engine

import android.content.Context
import org.tformer.demo.core.Engine
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Opens interpreters. */
interface Engines {
    /**
     * An interpreter of this process, for flatbuffers that come with the app.
     *
     * @throws org.tformer.demo.core.EngineException where the interpreter refuses the flatbuffer.
     */
    fun here(flatbuffer: ByteArray, threads: Int): Engine

    /**
     * An interpreter in a process of its own, for everyone else's: a hostile flatbuffer can crash an interpreter, and then
     * takes only that process down. Not to be called on the main thread.
     *
     * @throws org.tformer.demo.core.EngineException where the interpreter refuses the flatbuffer, or died of it.
     */
    fun apart(file: java.io.File, flatbufferBytes: Int, threads: Int): Engine
}

/** The app's own: TensorFlow Lite, here and in [EngineService]. */
class AppEngines(private val context: Context) : Engines {
    override fun here(flatbuffer: ByteArray, threads: Int): Engine {
        val direct = ByteBuffer.allocateDirect(flatbuffer.size).order(ByteOrder.nativeOrder())
        direct.put(flatbuffer).rewind()
        return TfliteEngine(direct, threads)
    }

    override fun apart(file: java.io.File, flatbufferBytes: Int, threads: Int): Engine =
        RemoteEngine.open(context, file, flatbufferBytes, threads)
}
