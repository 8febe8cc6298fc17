package org.tformer.demo.core

/**
 * A model file, or a part of one, that is not what docs/contract.md asks for.
 *
 * @property rule the name of the broken rule in docs/contract.md, the same in every language.
 * @property expected what should have been there; with [received] and [advice] it makes the sentence that is the message.
 */
class Refusal(
    val rule: String,
    val expected: String,
    val received: String,
    val advice: String = ADVICE,
) : Exception("Expected $expected, received $received; $advice.") {
    /** The same refusal, saying which file it is about. */
    fun ofFile(name: String) = Refusal(rule, expected, "$received in $name", advice)

    companion object {
        const val ADVICE = "copy the file again, or make it again with converters/to_tflite.py"
    }
}

/** A sound file that this program cannot use: no contract, another task, or tensors that are not the contract's. */
class ModelError(message: String) : Exception(message)

/** The interpreter refused a model, failed, or died of it. The message is one sentence for the user. */
class EngineException(message: String) : Exception(message)
