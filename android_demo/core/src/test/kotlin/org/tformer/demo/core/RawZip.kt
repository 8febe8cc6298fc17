package org.tformer.demo.core

import java.io.ByteArrayOutputStream
import java.util.zip.CRC32

/**
 * Writes the form of zip that docs/contract.md asks for, from its tables: the hand that vouches anew for damaged content, as a
 * stranger would.
 */
object RawZip {
    /** [flatbuffer] and the zip of [entries], (name, content) in this order, with right sizes, offsets and CRC-32. */
    fun seal(flatbuffer: ByteArray, entries: List<Pair<String, ByteArray>>): ByteArray {
        val out = ByteArrayOutputStream()
        val directory = ByteArrayOutputStream()
        out.write(flatbuffer)
        for ((name, content) in entries) {
            val offset = out.size()
            // Version needed, flags, method, time, date; CRC-32, both sizes; name length, extra length.
            val alike = ByteArrayOutputStream()
            for (value in listOf(10, 0, 0, 0, 0x21)) alike.little(value.toLong(), 2)
            alike.little(CRC32().apply { update(content) }.value, 4)
            repeat(2) { alike.little(content.size.toLong(), 4) }
            alike.little(name.length.toLong(), 2)
            alike.little(0, 2)

            out.write("PK\u0003\u0004".toByteArray())
            alike.writeTo(out)
            out.write(name.toByteArray())
            out.write(content)

            directory.write("PK\u0001\u0002".toByteArray())
            directory.little(10, 2)
            alike.writeTo(directory)
            // Comment length, disk, internal attributes; external attributes; offset.
            repeat(3) { directory.little(0, 2) }
            directory.little(0, 4)
            directory.little(offset.toLong(), 4)
            directory.write(name.toByteArray())
        }
        val offset = out.size()
        directory.writeTo(out)
        out.write("PK\u0005\u0006".toByteArray())
        repeat(2) { out.little(0, 2) }
        repeat(2) { out.little(entries.size.toLong(), 2) }
        out.little(directory.size().toLong(), 4)
        out.little(offset.toLong(), 4)
        out.little(0, 2)
        return out.toByteArray()
    }

    private fun ByteArrayOutputStream.little(value: Long, bytes: Int) = repeat(bytes) { write((value shr 8 * it and 0xff).toInt()) }
}
