package org.tformer.demo.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.assertThrows

/** Each field of `model.json` at both sides of its range, as the table of docs/contract.md gives it. */
class ContractFieldsTest {
    private class Field(val path: String, val good: List<Any?>, val bad: List<Any?>)

    @TestFactory
    fun ranges(): List<DynamicTest> = FIELDS.flatMap { field ->
        field.good.map { DynamicTest.dynamicTest("${field.path} may be ${JsonText.of(it)}") { Contract.parse(json(field.path to it)) } } +
            field.bad.map { DynamicTest.dynamicTest("${field.path} may not be ${JsonText.of(it)}") { assertRefused(field.path to it) } } +
            DynamicTest.dynamicTest("${field.path} may not be missing") { assertRefused(field.path to Missing) }
    }

    @Test
    fun `a newer format is told from a wrong one, whatever else is wrong`() {
        for (number in listOf(3L, 9_007_199_254_740_991L)) {
            assertEquals("contract-format", refusal("format" to number, "name" to 1, "input" to null).rule)
        }
        assertEquals("update this program", refusal("format" to 3).advice)
        assertRefused("format" to 3.0)
    }

    @Test
    fun `a float32 output may differ by any finite number from 0 on`() {
        val float32 = "output.type" to "float32"
        for (good in listOf(0, -0.0, 0.5, 256, 1e300, 5e-324)) Contract.parse(json(float32, DIFFERENCE to good))
        for (bad in listOf(-1, -5e-324, "0", null, true)) assertRefused(float32, DIFFERENCE to bad)
    }

    @Test
    fun `a stretched image is not cropped`() {
        Contract.parse(json("input.resize" to "stretch", "input.crop_fraction" to 1.0))
        assertRefused("input.resize" to "stretch", "input.crop_fraction" to 0.875)
    }

    @Test
    fun `the covered size counts for the greater side`() {
        val fraction = "input.crop_fraction" to 4 / 32_768.0
        Contract.parse(json(fraction, "input.height" to 4, "input.width" to 4))
        assertRefused(fraction, "input.height" to 4, "input.width" to 5)
        assertRefused(fraction, "input.height" to 5, "input.width" to 4)
    }

    @Test
    fun `unknown keys are ignored in all objects`() {
        val places = listOf("", "input.", "output.", "labels.", "flatbuffer.", "golden.0.")
        Contract.parse(json(*places.map { "${it}later" to mapOf("format" to 9) }.toTypedArray()))
    }

    private fun assertRefused(vararg changes: Pair<String, Any?>) {
        val refusal = refusal(*changes)
        assertEquals("contract-field", refusal.rule, refusal.message)
    }

    private fun refusal(vararg changes: Pair<String, Any?>): Refusal = assertThrows { Contract.parse(json(*changes)) }

    private object Missing

    /** The good example's `model.json` with other values at these paths, such as `golden.0.name`. */
    private fun json(vararg changes: Pair<String, Any?>): ByteArray {
        val text = String(SealedFile.example("good.tflite")["model.json"], Charsets.UTF_8)
        val document = changes.fold(TestJson(text).value()) { value, (path, new) -> changed(value, path.split('.'), new) }
        return JsonText.of(document).toByteArray()
    }

    private fun changed(value: Any?, path: List<String>, new: Any?): Any? = when {
        path.isEmpty() -> new
        value is List<*> -> value.mapIndexed { index, item -> if ("$index" == path[0]) changed(item, path.drop(1), new) else item }
        else -> {
            val map = value as Map<*, *>
            if (path.size == 1 && new === Missing) map - path[0] else map + (path[0] to changed(map[path[0]], path.drop(1), new))
        }
    }

    private companion object {
        const val DIFFERENCE = "golden.0.xnnpack_difference"

        fun whole(path: String, first: Long, last: Long) = Field(
            path,
            listOf(first, last),
            listOf(first - 1, last + 1, -last, first.toDouble(), "$first", null, true, listOf(first), 9_007_199_254_740_991L),
        )

        fun choice(path: String, vararg good: String) =
            Field(path, good.toList(), listOf("", good[0].uppercase(), good[0] + " ", good[0] + "\u0000", null, 0, true, listOf(good[0])))

        fun text(path: String) = Field(
            path,
            listOf("x", "é".repeat(50), "x".repeat(100), " ", "\u00a0", "\u2027\u202f\u2065\u206a", "\ud83d\udc15"),
            listOf("", "x".repeat(101), "é".repeat(51), 1, null, true, listOf("x"), mapOf("x" to "x")) +
                "\u0000\n\u001f\u007f\u0080\u009f\u2028\u2029\u202a\u202e\u2066\u2069\ufeff".map { "a${it}b" },
        )

        fun sha256(path: String) = Field(
            path,
            listOf("0123456789abcdef".repeat(4)),
            listOf(63, 65).map("0"::repeat) + listOf("A", "g", "\uff10", " ", "\n").map { it + "0".repeat(63) } + listOf("", 0, null),
        )

        /** Three values of which one, in turn, is out of range, and what is no array of three. */
        fun triples(vararg bad: Any?) = bad.flatMapIndexed { index, value -> listOf(List(3) { if (it == index % 3) value else 1 }) } +
            listOf(emptyList<Any>(), listOf(1, 1), listOf(1, 1, 1, 1), 1, "x", null, mapOf("0" to 1))

        val NO_OBJECT = listOf(null, 1, "x", emptyList<Any>(), true)

        val FIELDS = listOf(
            Field("format", listOf(1), listOf(0, -1, 1.0, "1", null, true)),
            text("name"),
            choice("task", "detection", "segmentation", "classification"),
            whole("input.batch", 1, 1024),
            whole("input.height", 1, 8192),
            whole("input.width", 1, 8192),
            whole("input.channels", 3, 3),
            choice("input.channel_order", "rgb"),
            choice("input.type", "int8", "uint8", "float32"),
            Field("input.mean", listOf(listOf(0, 1, 0.5), listOf(-0.0, 1.0, 0)), triples(-1e-9, 1.0000000000000002, 2, "0", null, true)),
            Field("input.std", listOf(listOf(1e-6, 1e6, 1)), triples(0, 9.999999999999997e-7, 1000000.0000000001, -1, "1", null, true)),
            choice("input.resize", "shorter"),
            Field(
                "input.crop_fraction",
                listOf(1, 1.0, 0.5, 2 / 32_768.0),
                listOf(0, -0.0, -1, 1.0000000000000002, 2, 2 / 32_769.0, 5e-324, "1", null, true, listOf(1)),
            ),
            choice("output.type", "int8", "uint8"),
            choice("output.meaning", "logits", "probabilities"),
            whole("labels.count", 1, 65_536),
            sha256("labels.sha256"),
            whole("flatbuffer.bytes", 8, 536_870_912),
            sha256("flatbuffer.sha256"),
            Field("golden", listOf(emptyList<Any>()), listOf(null, emptyMap<String, Any>(), 1, listOf(1), listOf(null), List(17) { 1 })),
            text("golden.0.name"),
            sha256("golden.0.input_sha256"),
            sha256("golden.0.output_sha256"),
            whole(DIFFERENCE, 0, 255),
            Field("source", listOf(emptyMap<String, Any>(), mapOf("" to null)), NO_OBJECT),
            Field("accuracy", listOf(null, emptyMap<String, Any>()), NO_OBJECT - null),
            Field(
                "versions",
                listOf(emptyMap<String, Any>(), mapOf("a" to "b")),
                NO_OBJECT + listOf("" to "a", "\n" to "a", "a" to "", "a" to 1, "a" to null).map { mapOf(it) },
            ),
        ) + listOf("input", "output", "labels", "flatbuffer").map { Field(it, emptyList(), NO_OBJECT + emptyMap<String, Any>()) }
    }
}
