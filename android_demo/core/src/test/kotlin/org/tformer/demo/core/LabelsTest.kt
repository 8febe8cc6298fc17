package org.tformer.demo.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

/** `labels.txt` at both sides of its rules. */
class LabelsTest {
    @Test
    fun `labels are read as they stand`() {
        val labels = listOf("cat", " x ", "cat", "\u00a0", "犬 \ud83d\udc15", "é".repeat(128), "x".repeat(256), "\u200b\u2027\u202f\u2065\u206a")
        assertEquals(labels, parseLabels(labels.joinToString("") { "$it\n" }.toByteArray(), labels.size))
    }

    @Test
    fun `the number is checked first`() {
        for (text in listOf("", "a", "a\n", "a\nb\nc\n", "\n\n\n")) assertEquals("labels-count", rule(text.toByteArray(), 2))
        assertEquals("labels-count", rule(bytes("ff0a"), 2))
        assertEquals("labels-count", rule(ByteArray(16 shl 20) { '\n'.code.toByte() }, 65_536))
    }

    @Test
    fun `lines that are no labels`() {
        val bad = listOf(
            "", "x".repeat(257), "é".repeat(129), "\u0000", "\t", "\r", "\u001f", "\u007f", "\u0080", "\u009f", "\u2028", "\u2029",
            "\u202a", "\u202e", "\u2066", "\u2069", "\ufeff", "cat\r",
        )
        for (line in bad) {
            assertEquals("labels-text", rule("cat\n$line\n".toByteArray(), 2), quoted(line))
            assertEquals("labels-text", rule("$line\ncat\n".toByteArray(), 2), quoted(line))
        }
        assertEquals("labels-text", rule("cat\ndog\nx".toByteArray(), 2))
        for (hexadecimal in listOf("ff", "c080", "eda080", "f4908080", "e28a")) {
            assertEquals("labels-text", rule(bytes(hexadecimal) + bytes("0a"), 1), hexadecimal)
        }
    }

    private fun rule(data: ByteArray, count: Int) = assertThrows<Refusal> { parseLabels(data, count) }.rule
}
