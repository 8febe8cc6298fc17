package org.tformer.demo.core

import net.jqwik.api.ForAll
import net.jqwik.api.Property
import net.jqwik.api.constraints.IntRange
import net.jqwik.api.constraints.Size
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assertions.fail
import org.junit.jupiter.api.Test
import java.security.MessageDigest

/** Damaged and hostile files: each is read to the right parts or refused by a documented rule, in no time. */
class MutationsTest {
    private val originals = SharedFiles.examples.filter { it["accepted"] == true && it["contract"] != null }
        .associate { it["file"] as String to SharedFiles.example(it["file"] as String) }

    @Test
    fun `Python and Kotlin judge every mutation alike`() {
        val lines = SharedFiles.json("mutations/index.json") as List<*>
        assertTrue(lines.size >= 2000, "${lines.size} mutations")
        val wrong = ArrayList<String>()
        for ((number, line) in lines.withIndex()) {
            val (name, edits, expected) = line as List<*>
            val received = verdict(mutated(originals.getValue(name as String), edits as List<*>))
            if (received != expected) wrong += "line ${number + 2}, $name: Python says $expected, Kotlin $received"
        }
        assertTrue(wrong.isEmpty(), wrong.joinToString("\n"))
    }

    @Test
    fun `every flipped byte is refused`() {
        for (name in listOf("good.tflite", "good_no_golden.tflite", "good_source.tflite")) {
            val data = originals.getValue(name)
            for (position in data.indices) {
                val changed = data.copyOf()
                changed[position] = (data[position].toInt() xor (1 + position * 37 % 255)).toByte()
                assertTrue(verdict(changed) in SharedFiles.rules, "$name, byte $position")
            }
        }
    }

    @Test
    fun `every truncation is refused or leaves no trace of a contract`() {
        for ((name, data) in originals) {
            val start = ModelFile.read(data).flatbuffer.size
            for (length in data.indices) {
                val verdict = verdict(data.copyOf(length))
                assertTrue(verdict in SharedFiles.rules || (verdict == "plain" && length < start + 40), "$name cut at $length: $verdict")
            }
        }
    }

    @Property(tries = 2000)
    fun `random damage is refused or changes nothing`(
        @ForAll @IntRange(max = 1_000_000) file: Int,
        @ForAll @IntRange(max = 1_000_000) first: Int,
        @ForAll @IntRange(max = 60) removed: Int,
        @ForAll @Size(max = 30) inserted: ByteArray,
    ) {
        val (name, data) = originals.entries.toList()[file % originals.size]
        val at = first % (data.size + 1)
        val changed = splice(data, at, minOf(removed, data.size - at), inserted)
        val verdict = verdict(changed)
        if (verdict in SharedFiles.rules || verdict == "plain") return
        assertEquals(digest(ModelFile.read(data)), verdict, name)
    }

    @Property(tries = 2000)
    fun `any bytes behind an identifier are refused or plain`(@ForAll @Size(max = 300) tail: ByteArray) {
        val data = byteArrayOf(0, 0, 0, 0) + "TFL3".toByteArray() + tail
        assertTrue(verdict(data).let { it == "plain" || it in SharedFiles.rules })
    }

    /** A rule, `plain`, or the beginning of the SHA-256 of all that was read; fails for other exceptions and beyond a second. */
    private fun verdict(data: ByteArray): String {
        val start = System.nanoTime()
        val verdict = try {
            ModelFile.read(data).let { if (it.contract == null) "plain" else digest(it) }
        } catch (refusal: Refusal) {
            if (refusal.rule !in SharedFiles.rules) fail<Unit>("${refusal.rule} is no rule")
            refusal.rule
        }
        val seconds = (System.nanoTime() - start) / 1e9
        assertTrue(seconds < 1, "$seconds s for ${data.size} bytes: $verdict")
        return verdict
    }

    private fun digest(file: ModelFile): String =
        hex(MessageDigest.getInstance("SHA-256").digest(Canonical.of(file).toByteArray())).take(20)

    private fun mutated(data: ByteArray, edits: List<*>): ByteArray {
        val parsed = edits.map { edit -> (edit as List<*>).dropLast(1).map { (it as Long).toInt() } to bytes(edit.last()) }
        if (parsed.first().first.size == 2) {
            return parsed.fold(data) { bytes, (where, inserted) -> splice(bytes, where[0], where[1], inserted) }
        }
        val (start, entries) = StrictZip.read(data, "model.json")!!.let { it.start to it.entries.toList().toMutableList() }
        for ((where, inserted) in parsed) {
            val (name, content) = entries[where[0]]
            entries[where[0]] = name to splice(content, where[1], where[2], inserted)
        }
        return RawZip.seal(data.copyOf(start), entries)
    }

    private fun splice(data: ByteArray, at: Int, remove: Int, inserted: ByteArray): ByteArray =
        data.copyOf(minOf(at, data.size)) + inserted + data.drop(at + remove).toByteArray()
}
