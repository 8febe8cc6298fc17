package org.tformer.demo.engine

import android.app.Service
import android.content.Intent
import android.os.Binder
import android.os.Handler
import android.os.HandlerThread
import android.os.IBinder
import android.os.Parcel
import android.os.ParcelFileDescriptor
import android.os.Process
import org.tformer.demo.core.Engine
import org.tformer.demo.core.EngineException
import java.io.FileInputStream
import java.nio.ByteOrder
import java.nio.channels.FileChannel

/**
 * Interpreters for flatbuffers that nothing vouches for. The manifest gives it an isolated process: no permission, no file of
 * the app, no network, and where a hostile flatbuffer crashes it, the app lives on.
 */
class EngineService : Service() {
    override fun onBind(intent: Intent): IBinder = EngineBinder(Watchdog())
}

/** Ends this process where one call takes longer than [seconds]: a hostile graph may compute forever. */
internal class Watchdog(private val seconds: Long = 60) {
    private val handler = Handler(HandlerThread("watchdog").apply { start() }.looper)

    fun <T> watch(work: () -> T): T {
        val bite = Runnable { Process.killProcess(Process.myPid()) }
        handler.postDelayed(bite, seconds * 1000)
        try {
            return work()
        } finally {
            handler.removeCallbacks(bite)
        }
    }
}

/** The service's side of [EngineProtocol]. Binder calls it from several threads; calls wait for each other. */
internal class EngineBinder(private val watchdog: Watchdog) : Binder() {
    private class Opened(val engine: Engine) {
        val input = ByteArray(EngineProtocol.bytes(engine.input))
        var outputs: List<ByteArray> = emptyList()
    }

    private val opened = HashMap<Int, Opened>()
    private var nextHandle = 1

    @Synchronized
    override fun onTransact(code: Int, data: Parcel, reply: Parcel?, flags: Int): Boolean {
        if (reply == null || code !in EngineProtocol.OPEN..EngineProtocol.CLOSE) return super.onTransact(code, data, reply, flags)
        try {
            watchdog.watch { answer(code, data, reply) }
        } catch (error: Exception) {
            reply.setDataSize(0)
            reply.setDataPosition(0)
            reply.writeInt(EngineProtocol.FAILED)
            reply.writeString((error as? EngineException)?.message ?: error.toString())
        }
        return true
    }

    private fun answer(code: Int, data: Parcel, reply: Parcel) {
        reply.writeInt(EngineProtocol.DONE)
        if (code == EngineProtocol.OPEN) return open(data, reply)
        val handle = data.readInt()
        val target = opened[handle] ?: throw EngineException("Expected an open model, received handle $handle; open the model again.")
        when (code) {
            EngineProtocol.INPUT -> {
                val offset = data.readInt()
                val piece = data.createByteArray() ?: ByteArray(0)
                piece.copyInto(target.input, offset)
            }
            EngineProtocol.RUN -> target.outputs = target.engine.run(target.input)
            EngineProtocol.OUTPUT -> {
                val output = target.outputs[data.readInt()]
                val offset = data.readInt()
                reply.writeByteArray(output, offset, data.readInt())
            }
            EngineProtocol.CLOSE -> {
                opened.remove(handle)
                target.engine.close()
            }
        }
    }

    private fun open(data: Parcel, reply: Parcel) {
        val descriptor: ParcelFileDescriptor = data.readFileDescriptor()
        val bytes = data.readLong()
        val threads = data.readInt()
        // The mapping outlives the descriptor.
        val flatbuffer = descriptor.use {
            FileInputStream(it.fileDescriptor).channel.map(FileChannel.MapMode.READ_ONLY, 0, bytes).order(ByteOrder.nativeOrder())
        }
        val engine = TfliteEngine(flatbuffer, threads)
        val handle = nextHandle++
        opened[handle] = Opened(engine)
        reply.writeInt(handle)
        EngineProtocol.write(reply, engine.input)
        reply.writeInt(engine.outputs.size)
        engine.outputs.forEach { EngineProtocol.write(reply, it) }
    }
}
