package org.tformer.demo.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.assertThrows

/** Texts at both sides of each rule of docs/contract.md, "JSON". */
class StrictJsonGrammarTest {
    @Test
    fun `values of each kind`() {
        val text = """ {"a" : [ ] , "b":{},"c":[1,-0,0.5,1E+2,-1e-2, 0e0],"d":"x","e":true,"f":false,"g":null}""" + "\r\n\t"
        assertEquals(
            mapOf(
                "a" to emptyList<Any>(),
                "b" to emptyMap<String, Any>(),
                "c" to listOf(1L, 0L, 0.5, 100.0, -0.01, 0.0),
                "d" to "x",
                "e" to true,
                "f" to false,
                "g" to null,
            ),
            StrictJson.parseObject(text.toByteArray()),
        )
    }

    @Test
    fun `strings and their escapes`() {
        val strings = mapOf(
            """\"\\\/\b\f\n\r\t""" to "\"\\/\b\u000c\n\r\t",
            """\u0000\u001F\u00e9\u00E9""" to "\u0000\u001f\u00e9\u00e9",
            """\ud83d\ude00 😀""" to "\ud83d\ude00 \ud83d\ude00",
            "\u007f\u0080\u2028\ufeff[{]},:" to "\u007f\u0080\u2028\ufeff[{]},:",
            """\\u0041\\""" to "\\u0041\\",
            "" to "",
        )
        for ((written, read) in strings) {
            assertEquals(mapOf<String, Any?>("a" to read), StrictJson.parseObject("{\"a\":\"$written\"}".toByteArray()), written)
        }
    }

    @Test
    fun `numbers at their limits`() {
        val numbers = mapOf(
            "9007199254740991" to 9007199254740991L,
            "-9007199254740991" to -9007199254740991L,
            "1.7976931348623157e308" to Double.MAX_VALUE,
            "1.797693134862315807e308" to Double.MAX_VALUE, // rounds down
            "5e-324" to Double.MIN_VALUE,
            "1e-400" to 0.0,
            "-1e-400" to -0.0,
            "-0.0" to -0.0,
            "0.10000000000000000555" to 0.1,
            "9007199254740993.0" to 9007199254740992.0, // a tie, to the even one
            "0." + "3".repeat(38) to 1 / 3.0,
        )
        for ((written, read) in numbers) {
            assertEquals(read, StrictJson.parseObject("{\"a\":$written}".toByteArray())["a"], written)
        }
    }

    @TestFactory
    fun `a text that breaks one rule`(): List<DynamicTest> = listOf(
        "json-syntax" to listOf(
            "", " ", "{", "}", "{}}", "{} {}", "{},", "[]", "1", "null", "\"a\"", "true", "nul", "{\"a\"}", "{\"a\":}", "{\"a\" 1}",
            "{a:1}", "{'a':1}", "{1:1}", "{\"a\":1,}", "{,}", "{,\"a\":1}", "{\"a\":1 \"b\":2}", "{\"a\":[1,]}", "{\"a\":[,1]}",
            "{\"a\":[1 2]}", "{\"a\":[1}", "{\"a\":1]", "{\"a\":[}]", "{\"a\":+1}", "{\"a\":01}", "{\"a\":-01}", "{\"a\":-}", "{\"a\":.5}",
            "{\"a\":1.}", "{\"a\":1.e5}", "{\"a\":1e}", "{\"a\":1e+}", "{\"a\":1e1.5}", "{\"a\":0x1}", "{\"a\":1_0}", "{\"a\":1f}",
            "{\"a\":--1}", "{\"a\":NaN}", "{\"a\":Infinity}", "{\"a\":-Infinity}", "{\"a\":True}", "{\"a\":truee}", "{\"a\":undefined}",
            "{\"a\":\u0661}", "{\"a\":1\u0661}", "{\"a\":\uff11}", "{\u00a0}", "{\u2003\"a\":1}", "{\u000b}", "{\u000c}", "\ufeff{}",
            "{\"a\":\"\n\"}", "{\"a\":\"\t\"}", "{\"a\":\"\u0000\"}", "{\"a\":\"\u001f\"}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}",
            "{\"a\":\"\\u12g4\"}", "{\"a\":\"\\u\uff11\uff11\uff11\uff11\"}", "{\"a\":\"\\u+123\"}", "{\"a\":\"\\u 123\"}", "{\"a\":\"\\U0041\"}",
            "{\"a\":\"\\'\"}", "{\"a\":\"x}", "{\"a\":\"x\\\"}", "{\"a\":\"x\\", "{\"a\":\"\\u", "/**/{}", "{}//", "{\"a\":1#\n}", "{\"a\":1}\u0000",
        ),
        "json-number" to listOf(
            "9007199254740992", "-9007199254740992", "9223372036854775808", "1".repeat(20), "1e309", "-1e309", "1e999999999",
            "1.7976931348623159e308", "0." + "3".repeat(39), "1".repeat(41), "0e" + "0".repeat(39),
        ).map { "{\"a\":$it}" },
        "json-duplicate-key" to listOf(
            "{\"a\":1,\"a\":1}", "{\"a\":1,\"b\":2,\"a\":null}", "{\"a\":null,\"a\":null}", "{\"a\":1,\"\\u0061\":1}", "{\"\":1,\"\":2}",
            "{\"b\":{\"a\":1,\"a\":1}}", "{\"b\":[{\"a\":1,\"a\":1}]}", "{\"\\ud83d\\ude00\":1,\"😀\":1}",
        ),
        "json-depth" to listOf(
            nested(17), "{\"a\":" + "{\"a\":".repeat(16) + "1" + "}".repeat(17), "[".repeat(60_000), "{\"a\":".repeat(10_000),
            "[{".repeat(9), "{\"\\\"\":" + "[".repeat(16),
        ),
        "json-text" to listOf(
            "{\"a\":\"\\ud83d\"}", "{\"a\":\"\\ude00\"}", "{\"a\":\"\\ude00\\ud83d\"}", "{\"a\":\"\\ud83d\\ud83d\\ude00\"}",
            "{\"\\ud83d\":1}", "{\"a\":\"\\ud83dx\"}", "{\"a\":\"\\ud83d😀\"}", "{\"a\":[[\"\\ud83d\"]]}",
        ),
        "json-size" to listOf("{\"a\":\"${"x".repeat(65_529)}\"}", " ".repeat(65_537)),
    ).flatMap { (rule, texts) ->
        texts.mapIndexed { index, text ->
            DynamicTest.dynamicTest("$rule $index: ${quoted(text, 40)}") { assertEquals(rule, refusal(text.toByteArray()).rule) }
        }
    }

    @Test
    fun `UTF-8 that is not well-formed`() {
        val bad = listOf(
            "ff", "80", "c3", "c328", "c080", "c1bf", "e08080", "e09fbf", "e28a", "eda080", "edbfbf", "f08080af", "f09f90", "f4908080",
            "f8888080", "fe",
        )
        for (hexadecimal in bad) {
            val data = "{\"a\":\"".toByteArray() + bytes(hexadecimal) + "\"}".toByteArray()
            assertEquals("json-text", refusal(data).rule, hexadecimal)
        }
        assertEquals("json-text", refusal("{\"a\":1}".toByteArray(Charsets.UTF_16)).rule)
        for (good in listOf("c280", "dfbf", "e0a080", "ed9fbf", "ee8080", "efbfbf", "f0908080", "f48fbfbf")) {
            val data = "{\"a\":\"".toByteArray() + bytes(good) + "\"}".toByteArray()
            assertEquals(String(bytes(good), Charsets.UTF_8), StrictJson.parseObject(data)["a"], good)
        }
    }

    @Test
    fun `the deepest and the longest text are read`() {
        assertEquals(1, StrictJson.parseObject(nested(16).toByteArray()).size)
        assertEquals(65_528, (StrictJson.parseObject("{\"a\":\"${"x".repeat(65_528)}\"}".toByteArray())["a"] as String).length)
        // Brackets in strings, escaped quotation marks around them, are not deep.
        assertEquals(1, StrictJson.parseObject("{\"\\\"[[[[[[[[[[[[[[[[[[\":\"{{{{{{{{{{{{{{{{{{\\\\\"}".toByteArray()).size)
        assertEquals(20, (StrictJson.parseObject("{\"a\":[${"[],".repeat(19)}[]]}".toByteArray())["a"] as List<*>).size)
    }

    @Test
    fun `keys keep the order of the text`() {
        assertEquals(listOf("b", "a", "c"), StrictJson.parseObject("{\"b\":1,\"a\":2,\"c\":3}".toByteArray()).keys.toList())
    }

    @Test
    fun `a refusal quotes a stranger's text without its control characters`() {
        val message = refusal("{\"a\u202e\":1,\"a\u202e\":2}".toByteArray()).message.orEmpty()
        assertTrue('\u202e' !in message && "\\u202e" in message, message)
    }

    private fun refusal(data: ByteArray): Refusal = assertThrows { StrictJson.parseObject(data) }

    /** An object in which arrays stand, [depth] deep in all. */
    private fun nested(depth: Int) = "{\"a\":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}"
}
