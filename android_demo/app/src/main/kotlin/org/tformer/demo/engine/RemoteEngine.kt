package org.tformer.demo.engine

import android.content.ComponentName
import android.content.Context
import android.content.Intent
import android.content.ServiceConnection
import android.os.IBinder
import android.os.Parcel
import android.os.ParcelFileDescriptor
import android.os.RemoteException
import org.tformer.demo.core.Engine
import org.tformer.demo.core.EngineException
import org.tformer.demo.core.TensorInfo
import java.io.File
import java.io.IOException
import java.util.concurrent.ArrayBlockingQueue
import java.util.concurrent.TimeUnit

/** A flatbuffer in [EngineService]'s process. Each call waits for the answer, so none belongs on the main thread. */
class RemoteEngine private constructor(private val context: Context) : Engine {
    // Holds the binder, or the one that stands for "the service is not to be had".
    private val answers = ArrayBlockingQueue<Any>(4)
    private val connection = object : ServiceConnection {
        override fun onServiceConnected(name: ComponentName, service: IBinder) {
            answers.offer(service)
        }

        override fun onServiceDisconnected(name: ComponentName) = Unit

        override fun onNullBinding(name: ComponentName) {
            answers.offer(NOT_THERE)
        }
    }
    private lateinit var service: IBinder
    private var handle = 0
    private var closed = false
    override lateinit var input: TensorInfo
        private set
    override lateinit var outputs: List<TensorInfo>
        private set

    companion object {
        private const val WAIT_SECONDS = 20L
        private val NOT_THERE = Any()

        /** @throws EngineException where the flatbuffer is refused, or the process died of it. */
        fun open(context: Context, file: File, flatbufferBytes: Int, threads: Int): RemoteEngine {
            val engine = RemoteEngine(context.applicationContext)
            try {
                engine.connect()
                engine.load(file, flatbufferBytes, threads)
            } catch (error: Exception) {
                engine.unbind()
                throw error
            }
            return engine
        }
    }

    override fun run(input: ByteArray): List<ByteArray> {
        for (offset in input.indices step EngineProtocol.PIECE_BYTES) {
            val length = minOf(EngineProtocol.PIECE_BYTES, input.size - offset)
            call(EngineProtocol.INPUT, { writeInt(handle); writeInt(offset); writeByteArray(input, offset, length) }) { }
        }
        call(EngineProtocol.RUN, { writeInt(handle) }) { }
        return outputs.mapIndexed { index, info -> output(index, EngineProtocol.bytes(info)) }
    }

    override fun close() {
        if (closed) return
        closed = true
        try {
            call(EngineProtocol.CLOSE, { writeInt(handle) }) { }
        } catch (_: EngineException) {
            // The process is gone, and the model with it.
        }
        unbind()
    }

    private fun output(index: Int, bytes: Int): ByteArray {
        val whole = ByteArray(bytes)
        for (offset in whole.indices step EngineProtocol.PIECE_BYTES) {
            val length = minOf(EngineProtocol.PIECE_BYTES, bytes - offset)
            call(EngineProtocol.OUTPUT, { writeInt(handle); writeInt(index); writeInt(offset); writeInt(length) }) {
                val piece = createByteArray()
                if (piece?.size != length) throw gone("an answer of another size")
                piece.copyInto(whole, offset)
            }
        }
        return whole
    }

    private fun connect() {
        val bound = context.bindService(Intent(context, EngineService::class.java), connection, Context.BIND_AUTO_CREATE)
        if (!bound) throw gone("no service")
        service = answers.poll(WAIT_SECONDS, TimeUnit.SECONDS) as? IBinder ?: throw gone("none after $WAIT_SECONDS seconds")
    }

    private fun load(file: File, flatbufferBytes: Int, threads: Int) {
        val descriptor = try {
            ParcelFileDescriptor.open(file, ParcelFileDescriptor.MODE_READ_ONLY)
        } catch (error: IOException) {
            throw EngineException("Expected to read ${file.name}, received: ${error.message}; add the model again.")
        }
        descriptor.use {
            call(
                EngineProtocol.OPEN,
                { writeFileDescriptor(it.fileDescriptor); writeLong(flatbufferBytes.toLong()); writeInt(threads) },
            ) {
                handle = readInt()
                input = EngineProtocol.readInfo(this)
                outputs = List(readInt().also { count -> require(count in 1..64) }) { EngineProtocol.readInfo(this) }
                (outputs + input).forEach(EngineProtocol::bytes)
            }
        }
    }

    private fun call(code: Int, question: Parcel.() -> Unit, answer: Parcel.() -> Unit) {
        val data = Parcel.obtain()
        val reply = Parcel.obtain()
        try {
            data.question()
            service.transact(code, data, reply, 0)
            if (reply.dataSize() == 0) throw gone("no answer")
            if (reply.readInt() != EngineProtocol.DONE) throw EngineException(reply.readString().orEmpty())
            reply.answer()
        } catch (_: RemoteException) {
            // DeadObjectException: the interpreter crashed, or the watchdog ended it.
            throw gone("its process ended")
        } catch (error: IllegalArgumentException) {
            throw gone(error.message.orEmpty())
        } finally {
            data.recycle()
            reply.recycle()
        }
    }

    private fun unbind() {
        try {
            context.unbindService(connection)
        } catch (_: IllegalArgumentException) {
            // It was never bound.
        }
    }

    private fun gone(received: String) = EngineException(
        "Expected an answer from the model's own process, received: $received; the model may be broken, use another one.",
    )
}
