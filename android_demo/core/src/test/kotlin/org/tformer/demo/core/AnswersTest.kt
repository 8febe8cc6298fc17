package org.tformer.demo.core

import net.jqwik.api.ForAll
import net.jqwik.api.Property
import net.jqwik.api.constraints.IntRange
import net.jqwik.api.constraints.NotEmpty
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

/** Ranking, softmax, dequantization, percentiles: Python's vectors, and what holds for all values. */
class AnswersTest {
    @Suppress("UNCHECKED_CAST")
    private val answers = SharedFiles.json("answers/index.json") as Map<String, Any?>

    private fun bits(value: Double) = "%016x".format(value.toRawBits())

    @Test
    fun `ranking, scores and probabilities are Python's`() {
        for (case in objects(answers["ranking"])) {
            val type = TensorType.entries.single { it.text == case["type"] }
            val scale = (case["scale"] as Double).toFloat()
            val tensor = bytes(case["tensor"])
            val count = tensor.size / type.bytes
            val read = TensorValues(TensorInfo(listOf(1, count), type, scale, (case["zero_point"] as Long).toInt()))
            read.bytes = tensor
            val values = DoubleArray(count, read::value)
            val scores = DoubleArray(count, read::real)
            assertEquals(case["scores"], scores.map(::bits))
            val order = ranked(values, values.size)
            assertEquals(case["order"], order.map { it.toLong() })
            val certainty = (case["certainty"] as Map<*, *>?)?.let {
                Certainty((it["temperature"] as Number).toDouble(), (it["not_sure_below"] as Number).toDouble())
            } ?: Certainty.NONE
            val probabilities = if (case["meaning"] == "logits") softmax(scores, certainty.temperature) else scores
            assertEquals(case["sure"], probabilities[order[0]] >= certainty.notSureBelow)
            (case["probabilities"] as List<*>).forEachIndexed { place, expected ->
                assertEquals((expected as Number).toDouble(), probabilities[order[place]], 1e-12)
            }
        }
    }

    @Test
    fun `percentiles are NumPy's to the last bit`() {
        val cases = objects(answers["percentiles"])
        assertTrue(cases.size >= 40)
        for (case in cases) {
            val values = (case["values"] as List<*>).map { (it as Number).toDouble() }.toDoubleArray()
            assertEquals(case["result"], bits(Percentiles.of(values, (case["percent"] as Number).toDouble())), "$case")
        }
    }

    @Property(tries = 500)
    fun `ranking is a stable sort`(@ForAll @NotEmpty values: List<@IntRange(min = -4, max = 4) Int>, @ForAll @IntRange(min = 1, max = 12) top: Int) {
        val expected = values.indices.sortedByDescending { values[it] }.take(top)
        assertEquals(expected, ranked(DoubleArray(values.size) { values[it].toDouble() }, top).asList())
    }

    @Property(tries = 300)
    fun `a softmax adds up and keeps the order`(@ForAll @NotEmpty scores: List<@IntRange(min = -2000, max = 2000) Int>) {
        val given = DoubleArray(scores.size) { scores[it].toDouble() }
        val shares = softmax(given)
        assertEquals(1.0, shares.sum(), 1e-9)
        for (index in 1 until given.size) if (given[index] > given[index - 1]) assertTrue(shares[index] >= shares[index - 1])
    }

    @Property(tries = 300)
    fun `percentiles lie between neighbours and ascend`(@ForAll @NotEmpty values: LongArray) {
        val small = LongArray(values.size) { values[it] % 1_000_000 }
        val found = (0..100 step 5).map { Percentiles.of(small, it.toDouble()) }
        assertEquals(small.min().toDouble(), found.first())
        assertEquals(small.max().toDouble(), found.last())
        found.zipWithNext { one, next -> assertTrue(one <= next) }
    }

    @Test
    fun `NaN ranks behind all numbers and wrong percentiles are refused`() {
        val nan = Double.NaN
        assertArrayEquals(intArrayOf(2, 1, 4, 0, 3), ranked(doubleArrayOf(nan, 1.0, 2.0, nan, Double.NEGATIVE_INFINITY), 5))
        assertThrows<IllegalArgumentException> { Percentiles.of(DoubleArray(0), 50.0) }
        assertThrows<IllegalArgumentException> { Percentiles.of(doubleArrayOf(1.0), 101.0) }
    }

    @Property(tries = 500)
    fun `the strict parser reads what is written`(@ForAll texts: List<String>, @ForAll number: Double, @ForAll count: Int) {
        val sound = texts.filter(::isUnicode)
        val value = mapOf("texts" to sound, "number" to number, "count" to count, "nothing" to listOf(null, true, emptyMap<String, Any>()))
        val data = JsonText.of(value).toByteArray()
        if (data.size > 65_536) return
        val read = StrictJson.parseObject(data)
        assertEquals(value + ("count" to count.toLong()), read)
    }

    @Test
    fun `what JSON does not have is refused`() {
        for (value in listOf(Double.NaN, Float.POSITIVE_INFINITY, mapOf(1 to 2), Any())) assertThrows<IllegalArgumentException> { JsonText.of(value) }
    }
}
