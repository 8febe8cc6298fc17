package org.tformer.demo.core

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

/** What stands between a model file and an interpreter: classifier, self-test, benchmark, against a fake interpreter. */
class ClassifierTest {
    private class FakeEngine(
        override val input: TensorInfo,
        override val outputs: List<TensorInfo>,
        private val answer: (ByteArray) -> List<ByteArray>,
    ) : Engine {
        var runs = 0
        var closed = false

        override fun run(input: ByteArray): List<ByteArray> = answer(input).also { runs++ }

        override fun close() {
            closed = true
        }
    }

    private fun file(name: String) = ModelFile.read(SharedFiles.file("examples/$name"))

    private fun int8(vararg shape: Int, scale: Float = 0.5f, zeroPoint: Int = 0) = TensorInfo(shape.toList(), TensorType.INT8, scale, zeroPoint)

    private fun engine(
        input: TensorInfo = int8(1, 2, 2, 3, scale = 0.02f),
        outputs: List<TensorInfo> = listOf(int8(1, 2)),
        answer: (ByteArray) -> List<ByteArray> = { listOf(byteArrayOf(0x7f, -128)) },
    ) = FakeEngine(input, outputs, answer)

    private val image = RgbImage(4, 3, ByteArray(36) { (it * 7).toByte() })

    @Test
    fun `an image is classified`() {
        var seen = ByteArray(0)
        val classifier = Classifier(file("good.tflite"), engine { input -> listOf(byteArrayOf(-2, 4)).also { seen = input } })
        val prediction = classifier.answer(image)
        assertArrayEquals(classifier.prepare(image), seen)
        assertEquals(12, seen.size)
        assertEquals(listOf("dog", "cat"), prediction.top.map { it.label })
        assertEquals(listOf(1, 0), prediction.top.map { it.index })
        assertArrayEquals(doubleArrayOf(-1.0, 2.0), prediction.scores)
        assertArrayEquals(intArrayOf(-2, 4), prediction.values)
        assertEquals(1 / (1 + Math.exp(-3.0)), prediction.top[0].probability, 1e-12)
        assertTrue(prediction.preprocessNanos > 0 && prediction.inferenceNanos > 0)
        assertEquals(1, classifier.answer(image, classifier.blank(1)).top.size)
    }

    @Test
    fun `a contract's certainty divides the logits and says which answers are none`() {
        // Scores of -1 and 2; a temperature of 0.78125 and a threshold of 0.5.
        val certain = Classifier(file("good_certainty.tflite"), engine { listOf(byteArrayOf(-2, 4)) }).answer(image)
        assertEquals(1 / (1 + Math.exp(-3.0 / 0.78125)), certain.top[0].probability, 1e-12)
        assertTrue(certain.sure)
        val probabilities = { first: Int, second: Int ->
            val outputs = listOf(TensorInfo(listOf(1, 2), TensorType.INT8, 1 / 127f, 0))
            Classifier(file("good_certainty_of_probabilities.tflite"), engine(outputs = outputs) { listOf(FakeModels.bytes(first, second)) })
                .answer(image)
        }
        assertTrue(!probabilities(126, 1).sure && probabilities(126, 1).top[0].probability > 0.99)
        assertTrue(Classifier(file("good.tflite"), engine { listOf(byteArrayOf(4, 4)) }).answer(image).sure)
    }

    @Test
    fun `a batch is filled with the image and its first answer counts`() {
        val engine = engine(int8(2, 2, 2, 3, scale = 0.02f), listOf(int8(2, 2))) { input ->
            assertArrayEquals(input.copyOf(12), input.copyOfRange(12, 24))
            listOf(byteArrayOf(3, 1, 9, 9))
        }
        assertArrayEquals(intArrayOf(3, 1), Classifier(file("good_batch.tflite"), engine).answer(image).values)
    }

    @Test
    fun `float32 scores stand as they are`() {
        val floats = { shape: List<Int> -> TensorInfo(shape, TensorType.FLOAT32, 0f, 0) }
        val engine = engine(floats(listOf(1, 2, 2, 3)), listOf(floats(listOf(1, 2)))) { input ->
            assertEquals(48, input.size)
            listOf(byteArrayOf(0, 0, 0, 0x3f, 0, 0, -128, 0x3e)) // 0.5 and 0.25, little-endian
        }
        val prediction = Classifier(file("good_float32.tflite"), engine).answer(image)
        assertArrayEquals(doubleArrayOf(0.5, 0.25), prediction.scores)
        assertEquals(listOf(0.5, 0.25), prediction.top.map { it.probability })
        assertEquals(0, prediction.values.size)
    }

    @Test
    fun `a file or tensors that do not fit are refused in a sentence`() {
        val wrong = listOf(
            "plain.tflite" to engine(),
            "good_detection.tflite" to engine(),
            "good.tflite" to engine(input = int8(1, 2, 3, 3)),
            "good.tflite" to engine(input = TensorInfo(listOf(1, 2, 2, 3), TensorType.UINT8, 0.1f, 0)),
            "good.tflite" to engine(input = int8(1, 2, 2, 3, scale = 0f)),
            "good.tflite" to engine(input = int8(1, 2, 2, 3, zeroPoint = 128)),
            "good.tflite" to engine(outputs = emptyList()),
            "good.tflite" to engine(outputs = listOf(int8(1, 2), int8(1, 2))),
            "good.tflite" to engine(outputs = listOf(int8(1, 3))),
            "good.tflite" to engine(outputs = listOf(int8(1, 2, scale = Float.NaN))),
        )
        for ((name, engine) in wrong) {
            val message = assertThrows<ModelError> { Classifier(file(name), engine) }.message!!
            assertTrue(Regex("Expected .*, received .*; .*\\.").matches(message), message)
        }
        val short = Classifier(file("good.tflite"), engine { listOf(ByteArray(1)) })
        assertThrows<EngineException> { short.answer(image) }
    }

    @Test
    fun `the self-test allows what the rules allow`() {
        val good = file("good.tflite") // golden output 127, -128; xnnpack_difference 1
        val result = { answer: ByteArray, reference: Boolean -> SelfTest.run(good, engine { listOf(answer) }, reference).single() }
        assertTrue(result(byteArrayOf(127, -128), true).passed)
        assertFalse(result(byteArrayOf(126, -128), true).passed)
        assertTrue(result(byteArrayOf(124, -126), false).passed)
        assertFalse(result(byteArrayOf(123, -128), false).passed)
        assertEquals(3.0, result(byteArrayOf(124, -126), false).difference)
        assertEquals("noise", result(byteArrayOf(127, -128), true).name)
        assertThrows<ModelError> { SelfTest.run(file("good_no_golden.tflite"), engine(), true) }
        assertThrows<ModelError> { SelfTest.run(file("plain.tflite"), engine(), true) }
        assertThrows<ModelError> { result(byteArrayOf(1), true) }
        val detection = engine(outputs = listOf(int8(3), int8(4))) { listOf(ByteArray(3), ByteArray(4)) }
        assertTrue(SelfTest.run(file("good_detection.tflite"), detection, true).single().passed)
    }

    @Test
    fun `a NaN never passes the self-test`() {
        val floats = { shape: List<Int> -> TensorInfo(shape, TensorType.FLOAT32, 0f, 0) }
        val answers = listOf(byteArrayOf(0, 0, -64, 0x7f, 0, 0, 0, 0), byteArrayOf(0, 0, 0, 0, 0, 0, -64, 0x7f))
        for (answer in answers) {
            val engine = engine(floats(listOf(1, 2, 2, 3)), listOf(floats(listOf(1, 2)))) { listOf(answer) }
            assertFalse(SelfTest.run(file("good_float32.tflite"), engine, false).single().passed)
        }
    }

    @Test
    fun `the benchmark measures each number of threads and closes what it opens`() {
        var now = 0L
        val opened = ArrayList<FakeEngine>()
        val steps = ArrayList<Int>()
        val benchmark = Benchmark(file("good.tflite"), runs = 10, warmUp = 2, clock = { now }) { threads ->
            now += 7_000_000
            engine { input ->
                assertArrayEquals(file("good.tflite").golden[0].input, input)
                // The first takes 20 ms, the n-th measured one n.
                val run = opened.last().runs
                now += if (run == 0) 20_000_000L else maxOf(run - 2, 0) * 1_000_000L / threads
                listOf(ByteArray(2))
            }.also(opened::add)
        }
        val result = benchmark.run { done, total -> steps += done; assertEquals(39, total) }
        assertEquals(listOf(1, 2, 4), result.results.map { it.threads })
        assertEquals((1..39).toList(), steps)
        assertTrue(opened.size == 3 && opened.all { it.closed && it.runs == 13 })
        val one = result.results.first()
        assertEquals(listOf(7.0, 20.0, 5.5, 5.5, 9.1, 1.0, 10.0), listOf(one.load, one.first, one.mean, one.p50, one.p90, one.least, one.most))
        val json = StrictJson.parseObject(result.toJson(mapOf("device" to "a \"phone\"")).toByteArray())
        assertEquals("tiny", json["model"])
        assertEquals(9.1, (objects(json["results"]).first())["p90_ms"])
    }

    @Test
    fun `the benchmark stops when its thread is interrupted or the model fails`() {
        val engine = engine { throw EngineException("Expected a model that runs, received none; use another.") }
        assertThrows<EngineException> { Benchmark(file("good.tflite")) { engine }.run() }
        assertTrue(engine.closed)
        Thread.currentThread().interrupt()
        assertThrows<InterruptedException> { Benchmark(file("good.tflite")) { engine() }.run() }
        assertFalse(Thread.interrupted())
    }
}
