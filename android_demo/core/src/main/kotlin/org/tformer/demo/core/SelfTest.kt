package org.tformer.demo.core

import kotlin.math.abs

/**
 * What became of one golden vector.
 *
 * @property difference the largest: units of the last place for integer outputs, absolute for float32 ones.
 * @property allowed the largest that passes.
 * @property answered whether this device reads the golden output as the exporter did, to the bit: boxes, or classes of pixels. True
 * where there is nothing to read.
 */
class GoldenResult(val name: String, val difference: Double, val allowed: Double, val answered: Boolean = true) {
    /** A NaN is never within anything. */
    val passed: Boolean get() = difference <= allowed && answered
}

/** Proves that this device computes what the exporter computed: the rules of `tformer_edge/golden_check.py`. */
object SelfTest {
    /** Another processor's XNNPACK may be a unit or two beside the exporter's. */
    private const val OTHER_PROCESSOR_UNITS = 2.0

    /** The same for float32 outputs, as a share of the largest golden value. */
    private const val OTHER_PROCESSOR_SHARE = 1e-4

    /**
     * Runs the golden inputs of [file] and compares the outputs with the golden ones.
     *
     * @param reference whether [engine] computes with the interpreter's reference kernels, whose integers must be equal; with
     * XNNPACK they may differ by what the exporter saw and two units more, float32 by that and 1e-4 of the largest golden value.
     * @throws ModelError for a file without golden vectors, or whose tensors are not the contract's.
     * @throws EngineException where the interpreter fails.
     */
    fun run(file: ModelFile, engine: Engine, reference: Boolean): List<GoldenResult> {
        val contract = file.contract
        if (contract == null || file.golden.isEmpty()) {
            throw ModelError(
                "Expected golden vectors in the model file, received none; convert the model with converters/to_tflite.py, " +
                    "which writes them into the file.",
            )
        }
        checkTensors(contract, engine)
        val answers = GoldenAnswer.of(contract, engine.outputs)
        return file.golden.map { golden ->
            val result = compare(golden, contract.outputType, engine.run(golden.input), reference)
            val answered = answers == null || golden.answerSha256 == null || answers.sha256(golden.output) == golden.answerSha256
            GoldenResult(result.name, result.difference, result.allowed, answered)
        }
    }

    private fun compare(golden: Golden, type: TensorType, outputs: List<ByteArray>, reference: Boolean): GoldenResult {
        val size = outputs.sumOf { it.size.toLong() }
        if (size != golden.output.size.toLong() || size == 0L) {
            throw ModelError(
                "Expected $size bytes of golden output for ${quoted(golden.name)}, received ${golden.output.size}; " +
                    "${Refusal.ADVICE}.",
            )
        }
        val received = outputs.flatMap { tensorValues(it, type).asList() }
        val expected = tensorValues(golden.output, type)
        var difference = 0.0
        var greatest = 0.0
        for (index in expected.indices) {
            // maxOf keeps a NaN.
            difference = maxOf(difference, abs(received[index] - expected[index]))
            greatest = maxOf(greatest, abs(expected[index]))
        }
        val floats = type == TensorType.FLOAT32
        var allowed = if (floats) OTHER_PROCESSOR_SHARE * greatest else 0.0
        if (!reference) allowed += golden.xnnpackDifference + if (floats) 0.0 else OTHER_PROCESSOR_UNITS
        return GoldenResult(golden.name, difference, allowed)
    }
}
