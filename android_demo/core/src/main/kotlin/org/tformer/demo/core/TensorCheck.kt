package org.tformer.demo.core

/**
 * Compares an interpreter's tensors with the contract's, before the first run.
 *
 * @throws ModelError where they differ, and for a quantized tensor without a scale.
 */
internal fun checkTensors(contract: Contract, engine: Engine) {
    val image = contract.preprocessing
    val shape = listOf(contract.batch, image.height, image.width, image.channels)
    val input = engine.input
    if (input.shape != shape || input.type != contract.inputType) {
        throw differs("an input of ${contract.inputType.text} $shape", "$input")
    }
    val outputs = engine.outputs
    val shapes = outputShapes(contract)
    if (shapes == null) {
        val other = outputs.firstOrNull { it.type != contract.outputType } ?: return
        throw differs("outputs of ${contract.outputType.text}", other.type.text)
    }
    if (outputs.map { it.shape } != shapes || outputs.any { it.type != contract.outputType }) {
        val number = if (shapes.size == 1) "one output" else "${shapes.size} outputs"
        throw differs("$number of ${contract.outputType.text} ${shapes.joinToString()}", outputs.joinToString().ifEmpty { "none" })
    }
    for ((name, info) in listOf("input" to input) + outputs.map { "output" to it }) {
        if (info.type != TensorType.FLOAT32 && !(info.scale > 0)) {
            throw ModelError("Expected a scale for the ${info.type.text} $name, received none; ${Refusal.ADVICE}.")
        }
    }
}

/** What docs/contract.md, "Outputs", says of a model's output shapes; null of other tasks than classification in format 1. */
private fun outputShapes(contract: Contract): List<List<Int>>? {
    if (contract.task == Contract.CLASSIFICATION) return listOf(listOf(contract.batch, contract.labelCount))
    val image = contract.preprocessing
    return contract.outputs.map { it.shape(contract.batch, image.height, image.width, contract.labelCount) }.ifEmpty { null }
}

private fun differs(expected: String, received: String) = ModelError(
    "Expected $expected, as the contract says, received $received in the flatbuffer; ${Refusal.ADVICE}.",
)
