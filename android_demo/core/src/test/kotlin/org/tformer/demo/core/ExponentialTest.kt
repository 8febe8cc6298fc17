package org.tformer.demo.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.tformer.demo.core.SceneVectors.bits
import org.tformer.demo.core.SceneVectors.double

class ExponentialTest {
    private val vectors = SceneVectors.exponential

    @Test
    fun `exp, sigmoid and logits are Python's to the last bit`() {
        val values = objects(vectors["values"])
        assertTrue(values.size > 10)
        for (case in values) {
            assertEquals(case["exp"], bits(Exponential.exponential(double(case["x"]))), "$case")
            assertEquals(case["sigmoid"], bits(Exponential.sigmoid(double(case["x"]))), "$case")
        }
        for (case in objects(vectors["logits"])) assertEquals(case["logit"], bits(Exponential.logit(double(case["probability"]))), "$case")
    }

    @Test
    fun `thousands of exponents give Python's bits`() {
        val many = SceneVectors.noise(vectors["seed"] as Long, (vectors["count"] as Long).toInt())
            .map { java.lang.Long.remainderUnsigned(it, 1_416_000_001).toDouble() / 1e6 - 708 }.toDoubleArray()
        assertEquals(vectors["exp_sha256"], SceneVectors.sha256(DoubleArray(many.size) { Exponential.exponential(many[it]) }))
        assertEquals(vectors["sigmoid_sha256"], SceneVectors.sha256(DoubleArray(many.size) { Exponential.sigmoid(many[it]) }))
    }

    @Test
    fun `what lies beyond is refused`() {
        for (x in listOf(708.1, -709.0, Double.NaN, Double.POSITIVE_INFINITY)) assertThrows<IllegalArgumentException> { Exponential.exponential(x) }
        for (p in listOf(0.0, 1.0, -0.5, Double.NaN)) assertThrows<IllegalArgumentException> { Exponential.logit(p) }
        assertEquals(1.0, Exponential.sigmoid(Double.POSITIVE_INFINITY))
    }
}
