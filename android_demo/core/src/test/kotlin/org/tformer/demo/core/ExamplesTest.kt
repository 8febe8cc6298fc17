package org.tformer.demo.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.MethodSource
import java.io.File
import java.nio.file.Files

/** Every file of tests/contract/examples, accepted with all fields equal or refused with exactly its rule. */
class ExamplesTest {
    @ParameterizedTest
    @MethodSource("accepted")
    fun `a good file is read with all its fields`(name: String) {
        val entry = SharedFiles.examples.single { it["file"] == name }
        val file = ModelFile.read(SharedFiles.file("examples/$name"))
        assertEquals(entry["flatbuffer_bytes"], file.flatbuffer.size.toLong())
        assertEquals(Canonical.write(entry["contract"]), Canonical.write(Canonical.describe(file)))
        val data = SharedFiles.example(name)
        assertTrue(file.flatbuffer.indices.all { file.flatbuffer[it] == data[it] })
        assertEquals(Canonical.of(file), Canonical.of(ModelFile.read(data)))
    }

    @ParameterizedTest
    @MethodSource("refused")
    fun `a bad file is refused with its rule`(name: String) {
        val entry = SharedFiles.examples.single { it["file"] == name }
        val refusal = assertThrows<Refusal> { ModelFile.read(SharedFiles.file("examples/$name")) }
        assertEquals(entry["rule"], refusal.rule)
        val message = refusal.message!!
        assertTrue(Regex("(?s)Expected .*, received .* in ${Regex.escape(name)}; .*\\.").matches(message), message)
        assertTrue(message.none { it < ' ' || it in '\u007f'..'\u009f' || it == '\u202e' }, message)
        assertEquals(entry["rule"], assertThrows<Refusal> { ModelFile.read(SharedFiles.example(name)) }.rule)
    }

    @Test
    fun `a path that is no file is refused`() {
        val folder = Files.createTempDirectory("models").toFile()
        for (file in listOf(folder, File(folder, "missing.tflite"), File(folder, "null\u0000.tflite"))) {
            assertEquals("file", assertThrows<Refusal> { ModelFile.read(file) }.rule)
        }
        folder.delete()
    }

    @Test
    fun `a file over the limit is refused before it is read`() {
        val file = File.createTempFile("large", ".tflite")
        try {
            java.io.RandomAccessFile(file, "rw").use { it.setLength((576L shl 20) + 1) }
            assertEquals("file-size", assertThrows<Refusal> { ModelFile.read(file) }.rule)
        } finally {
            file.delete()
        }
    }

    @Test
    fun `every rule that the sources name is documented`() {
        val sources = File(SharedFiles.root, "android_demo/core/src/main").walk().filter { it.extension == "kt" }
        val used = sources.flatMap { Regex("\"((?:zip|json|contract|flatbuffer|labels|golden)-[a-z0-9-]+)\"").findAll(it.readText()) }
            .map { it.groupValues[1] }.toSet() - "golden-vectors"
        assertEquals(SharedFiles.rules, used + setOf("file", "file-size", "entries"))
    }

    companion object {
        @JvmStatic
        fun accepted() = SharedFiles.examples.filter { it["accepted"] == true }.map { it["file"] }

        @JvmStatic
        fun refused() = SharedFiles.examples.filter { it["accepted"] == false }.map { it["file"] }
    }
}
