package org.tformer.demo.core

import java.util.Random

/**
 * Milliseconds of inferences of one input tensor with one number of threads, preprocessing not counted.
 *
 * @property load opening the model; [first] the inference right after it, which fills caches and packs weights.
 * @property p50 with [p90], [p99], [mean], [least] and [most]: of the [runs] after the warm-up.
 */
class Latency(
    val threads: Int,
    val runs: Int,
    val load: Double,
    val first: Double,
    val mean: Double,
    val p50: Double,
    val p90: Double,
    val p99: Double,
    val least: Double,
    val most: Double,
) {
    internal fun toMap(): Map<String, Any> = linkedMapOf(
        "threads" to threads,
        "runs" to runs,
        "load_ms" to load,
        "first_ms" to first,
        "mean_ms" to mean,
        "p50_ms" to p50,
        "p90_ms" to p90,
        "p99_ms" to p99,
        "least_ms" to least,
        "most_ms" to most,
    )
}

/**
 * @property model the contract's name, or what the app calls a file without one. @property results one a number of threads.
 * @property answer milliseconds that finding boxes, classes or labels in the outputs takes, the median; on one thread, whatever the
 * interpreter has. Null where nobody reads them.
 */
class BenchmarkResult(val model: String, val results: List<Latency>, val answer: Double? = null) {
    /** JSON to share; [device] is what the app knows about the phone. */
    fun toJson(device: Map<String, String> = emptyMap()): String =
        JsonText.of(linkedMapOf("model" to model, "device" to device, "results" to results.map { it.toMap() }, "answer_p50_ms" to answer))
}

/**
 * Measures a model, a number of threads after the other.
 *
 * @param file its first golden input is what is computed; without one, bytes that are always the same.
 * @param name of the model in the result.
 * @param runs inferences that are measured, at least 1, after [warmUp] that are not (and the first one).
 * @param clock nanoseconds.
 * @param reader makes what finds the answer in an engine's outputs, see [ImageModel.reader]; null: that is not measured.
 * @param open opens the model with so many threads; closed here.
 */
class Benchmark(
    private val file: ModelFile,
    private val name: String = file.contract?.name ?: "unknown",
    private val threads: List<Int> = listOf(1, 2, 4),
    private val runs: Int = 50,
    private val warmUp: Int = 5,
    private val clock: () -> Long = System::nanoTime,
    private val reader: ((Engine) -> (List<ByteArray>) -> Unit)? = null,
    private val open: (threads: Int) -> Engine,
) {
    init {
        require(runs >= 1 && warmUp >= 0 && threads.all { it >= 1 }) { "Expected runs and threads of at least 1." }
    }

    /**
     * Runs it all, on this thread.
     *
     * @param progress is told how many inferences are done, of how many.
     * @throws EngineException where the model cannot be opened or run.
     * @throws InterruptedException where this thread was interrupted: the user left.
     */
    fun run(progress: (done: Int, total: Int) -> Unit = { _, _ -> }): BenchmarkResult {
        var done = 0
        var answer: Double? = null
        val total = threads.size * (1 + warmUp + runs)
        val results = threads.map { count ->
            measure(count, { progress(++done, total) }) { engine, input -> if (answer == null) answer = answer(engine, input) }
        }
        return BenchmarkResult(name, results, answer)
    }

    /** The median of reading the outputs of [input], after as many readings that do not count. */
    private fun answer(engine: Engine, input: ByteArray): Double? {
        val read = reader?.invoke(engine) ?: return null
        val outputs = engine.run(input)
        repeat(warmUp) { read(outputs) }
        val times = DoubleArray(runs) {
            val start = clock()
            read(outputs)
            (clock() - start) / 1e6
        }
        return Percentiles.of(times, 50.0)
    }

    private fun measure(threads: Int, step: () -> Unit, after: (Engine, ByteArray) -> Unit): Latency {
        val start = clock()
        val engine = open(threads)
        val load = clock() - start
        engine.use {
            val input = input(engine.input)
            val first = timed(engine, input, step)
            repeat(warmUp) { timed(engine, input, step) }
            val times = DoubleArray(runs) { timed(engine, input, step) }
            after(engine, input)
            return Latency(
                threads, runs, load / 1e6, first, times.sum() / runs,
                Percentiles.of(times, 50.0), Percentiles.of(times, 90.0), Percentiles.of(times, 99.0),
                Percentiles.of(times, 0.0), Percentiles.of(times, 100.0),
            )
        }
    }

    private fun timed(engine: Engine, input: ByteArray, step: () -> Unit): Double {
        if (Thread.interrupted()) throw InterruptedException("the benchmark was left")
        val start = clock()
        engine.run(input)
        val milliseconds = (clock() - start) / 1e6
        step()
        return milliseconds
    }

    private fun input(info: TensorInfo): ByteArray {
        file.golden.firstOrNull()?.let { return it.input }
        if (info.bytes !in 1..MAX_INPUT_BYTES) {
            throw EngineException("Expected an input of at most $MAX_INPUT_BYTES bytes, received ${info.bytes}; use another model.")
        }
        val bytes = ByteArray(info.bytes.toInt())
        // Any bytes are integers; zeros are the numbers that float32 arithmetic has no trouble with.
        if (info.type != TensorType.FLOAT32) Random(0).nextBytes(bytes)
        return bytes
    }

    private companion object {
        const val MAX_INPUT_BYTES = 1L shl 28
    }
}
