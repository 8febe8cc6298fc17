package org.tformer.demo.engine

import android.os.Binder
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.tformer.demo.core.Engine
import org.tformer.demo.core.EngineException
import org.tformer.demo.core.ModelFile
import org.tformer.demo.harness.DeadBinder
import org.tformer.demo.harness.Demo
import java.io.File
import java.util.concurrent.Callable
import java.util.concurrent.ExecutionException

/** What the app says to the isolated process, and what it makes of the answers. */
@RunWith(RobolectricTestRunner::class)
class RemoteEngineTest {
    private val file by lazy { ModelFile.read(Demo.bundledModel) }

    @Before
    fun interpreter() = Demo.needInterpreter()

    /** On the inference thread, while the main thread delivers the connection. */
    private fun <T> away(work: () -> T): T {
        val result = Demo.app.inference.submit(Callable { work() })
        Demo.settle()
        try {
            return result.get()
        } catch (error: ExecutionException) {
            throw error.cause!!
        }
    }

    private fun open(path: File = Demo.bundledModel, bytes: Int = file.flatbuffer.size): Engine =
        RemoteEngine.open(Demo.app, path, bytes, 1)

    @Test
    fun `it answers what the interpreter answers`() {
        Demo.provideEngineService()
        val here = AppEngines(Demo.app).here(file.flatbuffer, 1)
        val input = file.golden[0].input
        away {
            open().use { remote ->
                assertEquals(here.input.shape, remote.input.shape)
                assertEquals(here.input.scale, remote.input.scale, 0f)
                assertEquals(here.outputs.single().zeroPoint, remote.outputs.single().zeroPoint)
                assertArrayEquals(here.run(input).single(), remote.run(input).single())
            }
        }
        here.close()
    }

    @Test
    fun `a hostile flatbuffer is refused with a sentence`() {
        Demo.provideEngineService()
        val hostile = File(Demo.app.cacheDir, "hostile.tflite").apply {
            writeBytes(ByteArray(4096).also { "TFL3".toByteArray().copyInto(it, 4) })
        }
        val error = assertThrows(EngineException::class.java) { away { open(hostile, 4096) } }
        assertTrue(error.message, error.message!!.startsWith("Expected a model that TensorFlow Lite can run"))
        assertEquals(1, error.message!!.lines().size)
    }

    @Test
    fun `a process that dies at any call is a sentence`() {
        for (calls in 0..3) {
            Demo.provideEngineService(DeadBinder(calls, EngineBinder(Watchdog())))
            val error = assertThrows(EngineException::class.java) { away { open().use { it.run(file.golden[0].input) } } }
            assertTrue(error.message, error.message!!.contains("its process ended"))
        }
    }

    @Test
    fun `an answer out of all reason is a sentence`() {
        val liar = object : Binder() {
            override fun onTransact(code: Int, data: android.os.Parcel, reply: android.os.Parcel?, flags: Int): Boolean {
                reply!!.writeInt(EngineProtocol.DONE)
                reply.writeInt(1)
                reply.writeIntArray(intArrayOf(Int.MAX_VALUE, Int.MAX_VALUE))
                reply.writeInt(0)
                reply.writeFloat(1f)
                reply.writeInt(0)
                reply.writeInt(1_000_000)
                return true
            }
        }
        Demo.provideEngineService(liar)
        assertThrows(EngineException::class.java) { away { open() } }
    }

    @Test
    fun `the service refuses a handle that it never gave`() {
        val data = android.os.Parcel.obtain().apply { writeInt(77) }
        val reply = android.os.Parcel.obtain()
        EngineBinder(Watchdog()).transact(EngineProtocol.RUN, data, reply, 0)
        assertEquals(EngineProtocol.FAILED, reply.readInt())
        assertTrue(reply.readString()!!.contains("handle 77"))
    }
}
