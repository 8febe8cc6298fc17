package org.tformer.demo.core

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

/** The benchmark's inputs, its numbers as JSON, and that every interpreter is closed however it ends. */
class BenchmarkTest {
    private class Left : Exception()

    private val opened = ArrayList<FakeEngine>()

    private fun engine(input: TensorInfo = FakeModels.input(), answer: (ByteArray) -> List<ByteArray> = { listOf(ByteArray(3)) }) =
        FakeEngine(input, listOf(FakeModels.tensor(TensorType.INT8, 1, 3)), answer).also(opened::add)

    @Test
    fun `a detector and a segmenter are measured as a classifier is`() {
        val detection = DetectionCase(SceneVectors.detection.first())
        val segmentation = SegmentationCase(SceneVectors.segmentation.first())
        val engines = listOf(
            detection.file to SceneVectors.engine(detection.file, detection.infos, detection.maps),
            segmentation.file to SceneVectors.engine(segmentation.file, listOf(segmentation.info), listOf(segmentation.map)),
        )
        for ((file, engine) in engines) {
            val result = Benchmark(file, threads = listOf(1), runs = 3, warmUp = 1) { engine }.run().results.single()
            assertTrue(result.p50 >= 0 && engine.inputs.size == 5 && engine.closes == 1)
            assertEquals(engine.input.bytes, engine.inputs.first().size.toLong())
        }
    }

    @Test
    fun `the JSON holds every number with its unit`() {
        var now = 0L
        // Opening takes 3 ms; runs take 1, 2, 3, … ms: the first, one of warm-up, then four that count.
        val result = Benchmark(FakeModels.file(), "a \"model\"", listOf(2), runs = 4, warmUp = 1, clock = { now }) {
            now += 3_000_000
            lateinit var engine: FakeEngine
            engine = engine {
                now += engine.inputs.size * 1_000_000L
                listOf(ByteArray(3))
            }
            engine
        }.run()
        val json = StrictJson.parseObject(result.toJson(mapOf("device" to "Maker 1")).toByteArray())
        val expected = mapOf(
            "threads" to 2L, "runs" to 4L, "load_ms" to 3.0, "first_ms" to 1.0, "mean_ms" to 4.5, "p50_ms" to 4.5,
            "p90_ms" to Percentiles.of(doubleArrayOf(3.0, 4.0, 5.0, 6.0), 90.0),
            "p99_ms" to Percentiles.of(doubleArrayOf(3.0, 4.0, 5.0, 6.0), 99.0),
            "least_ms" to 3.0, "most_ms" to 6.0,
        )
        assertEquals(mapOf("model" to "a \"model\"", "device" to mapOf("device" to "Maker 1"), "results" to listOf(expected), "answer_p50_ms" to null), json)
        assertEquals(5.7, expected["p90_ms"] as Double, 1e-12)
    }

    @Test
    fun `reading the outputs is timed apart, once, after as many readings that do not count`() {
        var now = 0L
        val outputs = ByteArray(3) { 7 }
        var readings = 0
        val reader: (Engine) -> (List<ByteArray>) -> Unit = {
            { given ->
                assertArrayEquals(outputs, given.single())
                now += ++readings * 1_000_000L
            }
        }
        val result = Benchmark(FakeModels.file(), threads = listOf(1, 2), runs = 3, warmUp = 2, clock = { now }, reader = reader) {
            engine { listOf(outputs) }
        }.run()
        assertEquals(4.0, result.answer) // the third to the fifth
        assertEquals(listOf(0.0, 0.0), result.results.map { it.p50 })
        assertEquals(5, readings)
        assertEquals(listOf(7, 6), opened.map { it.inputs.size })
    }

    @Test
    fun `the reader of each task reads a picture of the input's size`() {
        val detection = DetectionCase(SceneVectors.detection.first())
        val segmentation = SegmentationCase(SceneVectors.segmentation.first())
        val detector = SceneVectors.engine(detection.file, detection.infos, detection.maps)
        val segmenter = SceneVectors.engine(segmentation.file, listOf(segmentation.info), listOf(segmentation.map))
        for (one in listOf(detection.file to detector, segmentation.file to segmenter)) {
            val (file, engine) = one
            val reader = { given: Engine -> if (file === detection.file) Detector(file, given).reader() else Segmenter(file, given).reader() }
            val result = Benchmark(file, threads = listOf(1), runs = 2, warmUp = 0, reader = reader) { engine }.run()
            assertTrue(result.answer!! > 0)
        }
    }

    @Test
    fun `leaving at any step closes the interpreter and opens no other`() {
        for (step in 1..9) {
            opened.clear()
            val benchmark = Benchmark(FakeModels.file(), threads = listOf(1, 2, 4), runs = 2, warmUp = 0) { engine() }
            assertThrows<Left> { benchmark.run { done, _ -> if (done == step) throw Left() } }
            assertEquals((step + 2) / 3, opened.size, "step $step")
            assertTrue(opened.all { it.closes == 1 }, "step $step")
        }
    }

    @Test
    fun `a model that fails at any run is closed`() {
        for (good in 0..5) {
            opened.clear()
            var runs = 0
            val failing = Benchmark(FakeModels.file(), threads = listOf(1, 2), runs = 1, warmUp = 1) {
                engine { if (runs++ == good) throw EngineException("broken") else listOf(ByteArray(3)) }
            }
            assertThrows<EngineException> { failing.run() }
            assertEquals(1 + good / 3, opened.size)
            assertTrue(opened.all { it.closes == 1 })
        }
    }

    @Test
    fun `a model that cannot be opened again leaves the first one closed`() {
        val benchmark = Benchmark(FakeModels.file(), threads = listOf(1, 2), runs = 1) { threads ->
            if (threads == 2) throw EngineException("no memory")
            engine()
        }
        assertEquals("no memory", assertThrows<EngineException> { benchmark.run() }.message)
        assertEquals(1, opened.single().closes)
    }

    @Test
    fun `the first golden input is what runs`() {
        val golden = List(2) { Golden("number $it", ByteArray(12) { _ -> (5 + it).toByte() }, ByteArray(3), 0.0) }
        Benchmark(FakeModels.file(golden = golden), threads = listOf(1), runs = 2, warmUp = 0) { engine() }.run()
        assertEquals(3, opened.single().inputs.size)
        for (input in opened.single().inputs) assertArrayEquals(golden[0].input, input)
    }

    @Test
    fun `without golden vectors the bytes are the same every time, and float32 is zero`() {
        repeat(2) { Benchmark(FakeModels.file(), threads = listOf(1), runs = 1) { engine() }.run() }
        assertArrayEquals(opened[0].inputs[0], opened[1].inputs[0])
        assertFalse(opened[0].inputs[0].all { it == opened[0].inputs[0][0] })
        Benchmark(FakeModels.file(), threads = listOf(1), runs = 1) { engine(FakeModels.input(TensorType.FLOAT32)) }.run()
        assertArrayEquals(ByteArray(48), opened[2].inputs[0])
    }

    @Test
    fun `an input out of all reason is a sentence, not a lack of memory`() {
        for (shape in listOf(intArrayOf(1 shl 30), intArrayOf(1 shl 20, 1 shl 20), intArrayOf(1, 0, 3), intArrayOf(-1, 8))) {
            opened.clear()
            val benchmark = Benchmark(FakeModels.file(), runs = 1) { engine(FakeModels.tensor(TensorType.INT8, *shape)) }
            val message = assertThrows<EngineException> { benchmark.run() }.message!!
            assertTrue(Regex("Expected .*, received .*; .*\\.").matches(message), message)
            assertEquals(1, opened.single().closes)
        }
    }

    @Test
    fun `no runs and no threads are argument errors`() {
        assertThrows<IllegalArgumentException> { Benchmark(FakeModels.file(), runs = 0) { engine() } }
        assertThrows<IllegalArgumentException> { Benchmark(FakeModels.file(), warmUp = -1) { engine() } }
        assertThrows<IllegalArgumentException> { Benchmark(FakeModels.file(), threads = listOf(1, 0)) { engine() } }
    }
}
