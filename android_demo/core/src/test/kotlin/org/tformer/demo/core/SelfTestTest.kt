package org.tformer.demo.core

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.tformer.demo.core.FakeModels.bytes
import org.tformer.demo.core.FakeModels.floats

/** What the self-test allows: the numbers of `tformer_edge/golden_check.py`, for each type and both kinds of kernels. */
class SelfTestTest {
    private fun run(type: TensorType, golden: ByteArray, received: ByteArray, reference: Boolean, seen: Double = 0.0): GoldenResult {
        val count = golden.size / type.bytes
        val file = FakeModels.file(outputType = type, labels = count, golden = listOf(Golden("one", ByteArray(12), golden, seen)))
        val engine = FakeEngine(FakeModels.input(), listOf(FakeModels.tensor(type, 1, count))) { listOf(received) }
        return SelfTest.run(file, engine, reference).single()
    }

    @Test
    fun `reference kernels must give equal integers whatever the exporter saw`() {
        for (type in listOf(TensorType.INT8, TensorType.UINT8)) {
            val golden = bytes(1, 2, 3)
            assertEquals(0.0, run(type, golden, golden, true, seen = 5.0).allowed)
            assertTrue(run(type, golden, golden, true).passed)
            assertFalse(run(type, golden, bytes(1, 3, 3), true, seen = 5.0).passed)
        }
    }

    @Test
    fun `XNNPACK may differ by what the exporter saw and two units`() {
        for (seen in listOf(0.0, 1.0, 7.0)) {
            val most = seen.toInt() + 2
            val within = run(TensorType.INT8, bytes(10, 0, -10), bytes(10, -most, -10), false, seen)
            assertEquals(seen + 2, within.allowed)
            assertEquals(seen + 2, within.difference)
            assertTrue(within.passed)
            assertFalse(run(TensorType.INT8, bytes(10, 0, -10), bytes(10, 0, -10 + most + 1), false, seen).passed)
        }
    }

    @Test
    fun `uint8 has no sign and int8 has one`() {
        assertEquals(255.0, run(TensorType.UINT8, bytes(0, 128), bytes(255, 128), true).difference)
        assertEquals(1.0, run(TensorType.UINT8, bytes(127, 0), bytes(128, 0), true).difference)
        assertEquals(255.0, run(TensorType.INT8, bytes(-128, 0), bytes(127, 0), true).difference)
    }

    @Test
    fun `float32 may differ by a share of the largest golden value, and by what the exporter saw under XNNPACK`() {
        val golden = floats(1f, -50f, 0f)
        val share = 1e-4 * 50
        assertEquals(share, run(TensorType.FLOAT32, golden, golden, true, seen = 0.25).allowed)
        assertEquals(share + 0.25, run(TensorType.FLOAT32, golden, golden, false, seen = 0.25).allowed)
        assertTrue(run(TensorType.FLOAT32, golden, floats(1f, -50f, 0.0049f), true).passed)
        assertFalse(run(TensorType.FLOAT32, golden, floats(1f, -50f, 0.0051f), true).passed)
        assertTrue(run(TensorType.FLOAT32, golden, floats(1f, -50f, 0.25f), false, seen = 0.25).passed)
    }

    @Test
    fun `what is no number never passes, on either side`() {
        val good = floats(1f, 2f)
        for (bad in listOf(floats(Float.NaN, 2f), floats(1f, Float.NaN), floats(1f, Float.POSITIVE_INFINITY))) {
            for (reference in listOf(true, false)) {
                assertFalse(run(TensorType.FLOAT32, good, bad, reference, seen = 1e9).passed)
                assertFalse(run(TensorType.FLOAT32, bad, bad, reference, seen = 1e9).passed)
            }
        }
    }

    @Test
    fun `every vector runs with its own input, in order`() {
        val golden = List(4) { Golden("number $it", ByteArray(12) { _ -> it.toByte() }, bytes(it, 0, 0), 0.0) }
        // Right for all but the third.
        val engine = FakeEngine(FakeModels.input(), listOf(FakeModels.tensor(TensorType.INT8, 1, 3))) {
            listOf(bytes(if (it[0].toInt() == 2) 9 else it[0].toInt(), 0, 0))
        }
        val results = SelfTest.run(FakeModels.file(golden = golden), engine, reference = true)
        assertEquals(golden.map { it.name }, results.map { it.name })
        assertEquals(listOf(true, true, false, true), results.map { it.passed })
        golden.zip(engine.inputs) { one, input -> assertArrayEquals(one.input, input) }
        assertEquals(0, engine.closes, "the caller closes it")
    }

    @Test
    fun `several outputs are compared one behind the other`() {
        val file = FakeModels.file(task = "detection", golden = listOf(Golden("boxes", ByteArray(12), bytes(1, 2, 3, 4, 5), 0.0)))
        val outputs = listOf(FakeModels.tensor(TensorType.INT8, 2), FakeModels.tensor(TensorType.INT8, 3))
        val check = { second: ByteArray ->
            SelfTest.run(file, FakeEngine(FakeModels.input(), outputs) { listOf(bytes(1, 2), second) }, true)
        }
        assertTrue(check(bytes(3, 4, 5)).single().passed)
        assertEquals(2.0, check(bytes(3, 4, 7)).single().difference)
        val message = assertThrows<ModelError> { check(bytes(3, 4)) }.message!!
        assertTrue(Regex("Expected 4 bytes .*'boxes', received 5; .*\\.").matches(message), message)
    }

    @Test
    fun `another flatbuffer than the contract's does not run`() {
        val file = FakeModels.file(golden = listOf(Golden("one", ByteArray(12), ByteArray(3), 0.0)))
        val output = FakeModels.tensor(TensorType.INT8, 1, 3)
        val engine = FakeEngine(FakeModels.input(TensorType.UINT8), listOf(output)) { listOf(ByteArray(3)) }
        assertThrows<ModelError> { SelfTest.run(file, engine, true) }
        assertEquals(0, engine.inputs.size)
    }
}
