package org.tformer.demo.core

import java.security.MessageDigest

/**
 * A sound file in parts, with the place of each: for tests that damage a chosen part, or vouch anew for a damaged one as a stranger
 * would.
 *
 * @property entries (name, content) in the file's order, `model.json` first.
 */
class SealedFile(val flatbuffer: ByteArray, val entries: List<Pair<String, ByteArray>>) {
    val bytes: ByteArray = RawZip.seal(flatbuffer, entries)
    val end: IntRange = bytes.size - 22 until bytes.size
    val directory: IntRange = end.first - entries.sumOf { (name, _) -> 46 + name.length } until end.first

    operator fun get(name: String): ByteArray = entries.first { it.first == name }.second

    /** Where the content of entry [name] stands. */
    fun place(name: String): IntRange {
        var at = flatbuffer.size
        for ((other, content) in entries) {
            at += 30 + other.length
            if (other == name) return at until at + content.size
            at += content.size
        }
        throw IllegalArgumentException(name)
    }

    /** Where the local header of entry [name] stands, its name included. */
    fun header(name: String): IntRange = place(name).first.let { it - 30 - name.length until it }

    /** With another content of entry [name], for which nothing in `model.json` vouches. */
    fun with(name: String, content: ByteArray) =
        SealedFile(flatbuffer, entries.map { (other, old) -> other to if (other == name) content else old })

    /** With another content of entry [name], whose SHA-256 is in `model.json`. */
    fun vouchingFor(name: String, content: ByteArray): SealedFile {
        val json = String(this["model.json"], Charsets.UTF_8).replace(sha256(this[name]), sha256(content))
        return with(name, content).with("model.json", json.toByteArray())
    }

    /** The same entries behind another flatbuffer, whose length and SHA-256 are in `model.json`. */
    fun behind(other: ByteArray): SealedFile {
        val json = String(this["model.json"], Charsets.UTF_8)
            .replace(sha256(flatbuffer), sha256(other))
            .replace(Regex("\"bytes\":\\s*${flatbuffer.size}\\b"), "\"bytes\": ${other.size}")
        return SealedFile(other, entries).with("model.json", json.toByteArray())
    }

    companion object {
        fun sha256(data: ByteArray): String = hex(MessageDigest.getInstance("SHA-256").digest(data))

        /** The parts of an example, found by its central directory. */
        fun example(name: String): SealedFile {
            val data = SharedFiles.example(name)
            fun little(at: Int, bytes: Int) = (bytes - 1 downTo 0).fold(0) { sum, index -> sum * 256 + (data[at + index].toInt() and 0xff) }
            var at = little(data.size - 6, 4)
            val start = little(at + 42, 4)
            val entries = List(little(data.size - 12, 2)) {
                val nameBytes = little(at + 28, 2)
                val content = little(at + 42, 4) + 30 + nameBytes
                val entry = String(data, at + 46, nameBytes) to data.copyOfRange(content, content + little(at + 24, 4))
                at += 46 + nameBytes
                entry
            }
            val file = SealedFile(data.copyOf(start), entries)
            check(file.bytes.contentEquals(data)) { "$name is not in the one form" }
            return file
        }
    }
}
