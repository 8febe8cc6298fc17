package org.tformer.demo.core

import net.jqwik.api.Arbitraries
import net.jqwik.api.Arbitrary
import net.jqwik.api.Combinators
import net.jqwik.api.ForAll
import net.jqwik.api.Property
import net.jqwik.api.Provide
import net.jqwik.api.constraints.Size
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

/** What [JsonText] writes [StrictJson] reads back, and other texts are refused by a rule of docs/contract.md or read. */
class JsonRoundTripTest {
    @Property(tries = 1000)
    fun `generated values come back`(@ForAll("objects") value: Map<String, Any?>) {
        assertEquals(value, StrictJson.parseObject(JsonText.of(value).toByteArray()))
    }

    @Property(tries = 1000)
    fun `every finite number comes back to the last bit`(@ForAll number: Double) {
        val read = StrictJson.parseObject(JsonText.of(mapOf("a" to number)).toByteArray())["a"]
        assertEquals(number.toRawBits(), (read as Double).toRawBits())
    }

    @Property(tries = 2000)
    fun `a damaged text is refused by a rule of JSON or read`(
        @ForAll("objects") value: Map<String, Any?>,
        @ForAll at: Int,
        @ForAll @Size(max = 3) inserted: ByteArray,
    ) {
        val data = JsonText.of(value).toByteArray()
        val place = Math.floorMod(at, data.size)
        read(data.copyOf(place) + inserted + data.copyOfRange(place + 1, data.size))
    }

    @Property(tries = 3000)
    fun `pieces of JSON in any order are refused by a rule of JSON or read`(@ForAll("pieces") pieces: List<String>) {
        val data = pieces.joinToString("").toByteArray()
        val first = read(data)
        val second = read("  ".toByteArray() + data)
        assertEquals(first, second, "white space has a meaning")
    }

    @Property(tries = 1000)
    fun `any bytes are refused by a rule of JSON or read`(@ForAll data: ByteArray) {
        read(data)
    }

    @Test
    fun `the writer refuses what JSON, or a strict reader, does not have`() {
        val refused = listOf(
            Double.NaN, Double.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Any(), mapOf(1 to 2), mapOf(null to 2), 'x', 1L shl 53,
            -(1L shl 53), "\ud83d", "\ude00\ud83d", mapOf("\ud83d" to 1), (1..17).fold(0 as Any) { inner, _ -> listOf(inner) },
        )
        for (value in refused) assertThrows<IllegalArgumentException>("$value") { JsonText.of(value) }
    }

    @Test
    fun `the written text is plain JSON`() {
        val value = linkedMapOf(
            "a" to listOf(1, -2L, 3.toShort(), 4.toByte(), 0.5, 1.5f, true, null),
            "\"\\\n\u0000\u2028\u007f" to "é 犬 \ud83d\udc15",
            "empty" to listOf(emptyList<Any>(), emptyMap<String, Any>()),
        )
        val text = """{"a": [1, -2, 3, 4, 0.5, 1.5, true, null], "\"\\\u000a\u0000\u2028\u007f": "é 犬 \ud83d\udc15", "empty": [[], {}]}"""
        assertEquals(text, JsonText.of(value))
    }

    /** The object, or the rule; another exception or another rule fails the test. */
    private fun read(data: ByteArray): Any =
        try {
            StrictJson.parseObject(data)
        } catch (refusal: Refusal) {
            assertTrue(refusal.rule in SharedFiles.rules && refusal.rule.startsWith("json-"), refusal.rule)
            refusal.rule
        }

    @Provide
    fun objects(): Arbitrary<Map<String, Any?>> {
        val text = Arbitraries.strings().all().ofMaxLength(8).filter(::isUnicode)
        val scalars = Arbitraries.oneOf(
            text,
            Arbitraries.longs().between(-MAX_INTEGER, MAX_INTEGER),
            Arbitraries.doubles(),
            Arbitraries.of(true, false, null),
        )
        var values: Arbitrary<Any?> = scalars.map { it as Any? }
        repeat(4) {
            val inner = values
            values = Arbitraries.oneOf(inner, inner.list().ofMaxSize(3).map { it as Any? }, maps(text, inner).map { it as Any? })
        }
        return maps(text, values)
    }

    private fun maps(keys: Arbitrary<String>, values: Arbitrary<Any?>): Arbitrary<Map<String, Any?>> =
        Combinators.combine(keys.set().ofMaxSize(3), values.list().ofSize(3)).`as` { names, inside -> names.zip(inside).toMap() }

    @Provide
    fun pieces(): Arbitrary<List<String>> = Arbitraries.of(
        "{", "{", "}", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "\"", "\\", "\\u0061", "\\ud83d", "\\ude00", "1", "0", "-", ".5", "e1",
        "9007199254740992", "true", "null", "NaN", " ", "\n", "\u00a0", "\ufeff", "{\"a\":1}", "\"a\":", "\"b\":", "{\"a\":",
    ).list().ofMaxSize(12)

    private companion object {
        const val MAX_INTEGER = (1L shl 53) - 1
    }
}
