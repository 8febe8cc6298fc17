package org.tformer.demo.core

/**
 * Compares an interpreter's tensors with the contract's, before the first run.
 *
 * @throws ModelError where they differ, and for a quantized tensor of a classifier without a scale.
 */
internal fun checkTensors(contract: Contract, engine: Engine) {
    val image = contract.preprocessing
    val shape = listOf(contract.batch, image.height, image.width, image.channels)
    val input = engine.input
    if (input.shape != shape || input.type != contract.inputType) {
        throw differs("an input of ${contract.inputType.text} $shape", "$input")
    }
    val outputs = engine.outputs
    if (contract.task != Contract.CLASSIFICATION) {
        val other = outputs.firstOrNull { it.type != contract.outputType } ?: return
        throw differs("outputs of ${contract.outputType.text}", other.type.text)
    }
    val scores = listOf(contract.batch, contract.labelCount)
    val output = outputs.singleOrNull()
    if (output == null || output.shape != scores || output.type != contract.outputType) {
        throw differs("one output of ${contract.outputType.text} $scores", outputs.joinToString().ifEmpty { "none" })
    }
    if (image.rawPixels && input.type != TensorType.FLOAT32) {
        val zeroPoint = if (input.type == TensorType.INT8) -128 else 0
        if (input.scale != 1f || input.zeroPoint != zeroPoint) {
            throw differs("an input tensor of pixels, of scale 1 and zero point $zeroPoint", "${input.scale} and ${input.zeroPoint}")
        }
    }
    for ((name, info) in listOf("input" to input, "output" to output)) {
        if (info.type != TensorType.FLOAT32 && !(info.scale > 0)) {
            throw ModelError("Expected a scale for the ${info.type.text} $name, received none; ${Refusal.ADVICE}.")
        }
    }
}

private fun differs(expected: String, received: String) = ModelError(
    "Expected $expected, as the contract says, received $received in the flatbuffer; ${Refusal.ADVICE}.",
)
