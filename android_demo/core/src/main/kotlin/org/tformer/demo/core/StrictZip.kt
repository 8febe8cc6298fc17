package org.tformer.demo.core

import java.util.zip.CRC32

/**
 * The zip behind a flatbuffer: one strict form (docs/contract.md, "The zip").
 *
 * Zip libraries, those of phones among them, disagree about hostile files and about a zip behind a prefix. This reader accepts
 * one byte sequence for given names and contents and refuses every other.
 */
internal class StrictZip private constructor(private val data: ByteArray) {
    /** Where the zip begins, and its entries in order. */
    class Contents(val start: Int, val entries: LinkedHashMap<String, ByteArray>)

    private class Header(val name: String, val at: Int, val crc: Long, val size: Long, val offset: Long)

    private fun read(first: String): Contents? {
        val at = data.size - END_BYTES
        if (at < 0 || int(at) != END_SIGNATURE) {
            refuseRemains(first)
            return null
        }
        for (offset in intArrayOf(4, 6, 20)) fixed(at, offset, 0, "zip-end-record", "the end record")
        val count = short(at + 8)
        if (count !in 1..MAX_ENTRIES) throw Refusal("zip-entries", "a zip of 1 to $MAX_ENTRIES entries", "$count")
        if (short(at + 10) != count) {
            throw Refusal("zip-end-record", "an end record that says $count entries twice", "${short(at + 10)} as well")
        }
        val size = int(at + 12)
        val offset = int(at + 16)
        if (offset + size != at.toLong()) {
            throw Refusal(
                "zip-directory",
                "a central directory that ends where the end record begins, at byte $at",
                "one of $size bytes at byte $offset",
            )
        }
        val headers = readDirectory(offset.toInt(), at, count)
        checkLayout(headers, offset)
        val entries = LinkedHashMap<String, ByteArray>()
        for (header in headers) entries[header.name] = readEntry(header)
        return Contents(headers.first().offset.toInt(), entries)
    }

    /** Refuses a file that was a zip once: cut short, or with bytes (or a comment) behind its end. */
    private fun refuseRemains(first: String) {
        val name = first.toByteArray(Charsets.US_ASCII)
        for (at in 0..data.size - LOCAL_BYTES - name.size) {
            if (data[at] != 'P'.code.toByte() || int(at) != LOCAL_SIGNATURE) continue
            if (name.indices.all { data[at + LOCAL_BYTES + it] == name[it] }) {
                throw Refusal(
                    "zip-damaged",
                    "the zip's end record as the last 22 bytes of the file",
                    "a zip at byte $at that is cut short or has bytes behind its end",
                )
            }
        }
    }

    private fun readDirectory(from: Int, stop: Int, count: Int): List<Header> {
        val headers = ArrayList<Header>(count)
        var at = from
        for (index in 0 until count) {
            val where = "header $index of the central directory"
            val ends = { Refusal("zip-directory", "a central directory of $count headers", "one that ends inside header $index") }
            if (at > stop - CENTRAL_BYTES) throw ends()
            if (int(at) != CENTRAL_SIGNATURE) throw Refusal("zip-central-header", "$where with its signature", "another")
            for ((offset, value) in CENTRAL_FIXED) fixed(at, offset, value, "zip-central-header", where)
            if (int(at + 38) != 0L) throw Refusal("zip-central-header", "$where with external attributes 0", "others")
            val nameBytes = short(at + 28)
            if (at + CENTRAL_BYTES > stop - nameBytes) throw ends()
            val name = String(data, at + CENTRAL_BYTES, nameBytes, Charsets.ISO_8859_1)
            checkName(name, headers)
            // The compressed one, as tformer_edge: where the two differ, the rule that a refusal names hangs on it.
            val size = int(at + 20)
            if (size > MAX_ENTRY_BYTES) throw Refusal("zip-entry-size", "$name of up to $MAX_ENTRY_BYTES bytes", "$size")
            if (int(at + 24) != size) {
                throw Refusal("zip-central-header", "$where with two equal sizes", "$size and ${int(at + 24)} bytes")
            }
            headers += Header(name, at, int(at + 16), size, int(at + 42))
            at += CENTRAL_BYTES + nameBytes
        }
        if (at != stop) {
            throw Refusal("zip-directory", "a central directory of $count headers", "${stop - at} bytes behind the last one")
        }
        return headers
    }

    private fun checkName(name: String, before: List<Header>) {
        if (name.length > MAX_NAME_BYTES || !isName(name)) {
            throw Refusal(
                "zip-name",
                "entry names of up to $MAX_NAME_BYTES letters, digits and . _ - /, no part beginning with a dot",
                quoted(name),
            )
        }
        if (before.any { it.name == name }) throw Refusal("zip-duplicate", "every entry name once", "$name twice")
    }

    /** Entries touch: no gap, no overlap, none between the last one and the central directory. */
    private fun checkLayout(headers: List<Header>, directory: Long) {
        var expected = headers.first().offset
        for (header in headers) {
            if (header.offset != expected) {
                throw Refusal(
                    "zip-layout",
                    "${header.name} to begin at byte $expected, where the one before it ends",
                    "${header.offset}",
                )
            }
            expected += LOCAL_BYTES + header.name.length + header.size
        }
        if (expected != directory) {
            throw Refusal("zip-layout", "the central directory at byte $expected, behind the last entry", "$directory")
        }
    }

    /** [checkLayout] has proved that all of the entry lies before the central directory. */
    private fun readEntry(header: Header): ByteArray {
        val at = header.offset.toInt()
        // From "version needed" to "name length" the two headers are alike; the local one's extra field has no bytes either.
        val alike = int(at) == LOCAL_SIGNATURE &&
            (0 until 24).all { data[at + 4 + it] == data[header.at + 6 + it] } &&
            short(at + 28) == 0 &&
            header.name.indices.all { data[at + LOCAL_BYTES + it] == header.name[it].code.toByte() }
        if (!alike) {
            throw Refusal(
                "zip-local-header",
                "the local header of ${header.name} to say what the central directory says",
                "another",
            )
        }
        val start = at + LOCAL_BYTES + header.name.length
        val crc = CRC32().apply { update(data, start, header.size.toInt()) }.value
        if (crc != header.crc) {
            throw Refusal("zip-crc", "${header.name} with CRC-32 ${hex(header.crc, 8)}", hex(crc, 8))
        }
        return data.copyOfRange(start, start + header.size.toInt())
    }

    private fun fixed(at: Int, offset: Int, value: Int, rule: String, where: String) {
        if (short(at + offset) != value) throw Refusal(rule, "$where with $value at its byte $offset", "${short(at + offset)}")
    }

    private fun short(at: Int): Int = (data[at].toInt() and 0xff) or (data[at + 1].toInt() and 0xff shl 8)

    private fun int(at: Int): Long = short(at).toLong() or (short(at + 2).toLong() shl 16)

    companion object {
        const val MAX_ENTRIES = 34
        private const val MAX_ENTRY_BYTES = 16L shl 20
        private const val MAX_NAME_BYTES = 64
        private const val LOCAL_BYTES = 30
        private const val CENTRAL_BYTES = 46
        private const val END_BYTES = 22
        private const val LOCAL_SIGNATURE = 0x04034B50L
        private const val CENTRAL_SIGNATURE = 0x02014B50L
        private const val END_SIGNATURE = 0x06054B50L

        // Two bytes each: version made by, version needed, flags, method, time, date (1 January 1980), extra, comment, disk, internal.
        private val CENTRAL_FIXED =
            listOf(4 to 10, 6 to 10, 8 to 0, 10 to 0, 12 to 0, 14 to 0x21, 30 to 0, 32 to 0, 34 to 0, 36 to 0)

        /**
         * Splits a whole file into the bytes before its zip and the zip's entries.
         *
         * @param first the name of the first entry, by which a damaged zip is told from none.
         * @return null for a file without a zip.
         * @throws Refusal for every file that has one in another form.
         */
        fun read(data: ByteArray, first: String): Contents? = StrictZip(data).read(first)

        /** `[A-Za-z0-9_-][A-Za-z0-9._-]*(/…)*`, by hand: `$` and `\d` of regular expressions differ between languages. */
        private fun isName(name: String): Boolean = name.split('/').all { part ->
            part.isNotEmpty() && part[0] != '.' &&
                part.all { it in 'A'..'Z' || it in 'a'..'z' || it in '0'..'9' || it == '.' || it == '_' || it == '-' }
        }
    }
}
