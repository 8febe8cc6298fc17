package org.tformer.demo.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.random.Random

/** Files on a disk: what is no file, what is too long, and what is long. */
class ModelFileReadTest {
    @TempDir
    lateinit var folder: File

    @Test
    @Timeout(20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    fun `a pipe is refused without waiting for a writer`() {
        val pipe = File(folder, "pipe")
        assertEquals(0, ProcessBuilder("mkfifo", pipe.path).start().waitFor())
        assertEquals("file", assertThrows<Refusal> { ModelFile.read(pipe) }.rule)
    }

    @Test
    fun `a refusal of a path names the file and says what to do`() {
        val message = assertThrows<Refusal> { ModelFile.read(File(folder, "gone.tflite")) }.message.orEmpty()
        assertTrue("in gone.tflite; give the path" in message, message)
    }

    @Test
    fun `a flatbuffer of 20 MB is read, and copied once`() {
        val flatbuffer = Random(7).nextBytes(20 shl 20)
        "TFL3".toByteArray().copyInto(flatbuffer, 4)
        val sealed = SealedFile.example("good.tflite").behind(flatbuffer)
        val path = File(folder, "large.tflite").apply { writeBytes(sealed.bytes) }
        val before = allocated()
        val file = ModelFile.read(path)
        val copies = (allocated() - before).toDouble() / flatbuffer.size
        assertTrue(file.flatbuffer.contentEquals(flatbuffer))
        assertEquals(listOf("cat", "dog"), file.labels)
        // The file, and the flatbuffer out of it.
        assertTrue(copies < 2.2, "$copies times the flatbuffer was allocated")
    }

    @Test
    fun `a file without a contract is not copied`() {
        val data = Random(7).nextBytes(1 shl 20)
        "TFL3".toByteArray().copyInto(data, 4)
        assertTrue(ModelFile.read(data).flatbuffer === data)
    }

    /** Bytes that this thread has allocated so far. */
    private fun allocated(): Long =
        (java.lang.management.ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean).getThreadAllocatedBytes(Thread.currentThread().id)
}
