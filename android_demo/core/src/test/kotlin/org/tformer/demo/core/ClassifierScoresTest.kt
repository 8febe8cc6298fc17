package org.tformer.demo.core

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.tformer.demo.core.FakeModels.bytes
import org.tformer.demo.core.FakeModels.floats

/** From the output tensor's bytes to labels, for each type and both meanings, and scores that are no numbers. */
class ClassifierScoresTest {
    private val image = RgbImage(3, 3, ByteArray(27) { (9 * it).toByte() })

    private fun classify(
        type: TensorType,
        meaning: Meaning,
        output: ByteArray,
        scale: Float = 0.5f,
        zeroPoint: Int = 0,
        top: Int = 3,
    ): Prediction {
        val count = output.size / type.bytes
        val info = FakeModels.tensor(type, 1, count, scale = scale, zeroPoint = zeroPoint)
        val engine = FakeEngine(FakeModels.input(), listOf(info)) { listOf(output) }
        val classifier = Classifier(FakeModels.file(outputType = type, labels = count, meaning = meaning), engine)
        return classifier.answer(image, classifier.blank(top))
    }

    @Test
    fun `uint8 probabilities have no sign`() {
        val answer = classify(TensorType.UINT8, Meaning.PROBABILITIES, bytes(10, 200, 128, 200), scale = 1 / 256f)
        assertEquals(listOf("L1", "L3", "L2"), answer.top.map { it.label })
        assertArrayEquals(intArrayOf(10, 200, 128, 200), answer.values)
        assertEquals(listOf(200 / 256.0, 200 / 256.0, 0.5), answer.top.map { it.probability })
        assertEquals(answer.top.map { it.score }, answer.top.map { it.probability })
    }

    @Test
    fun `the scale is widened and the zero point taken off`() {
        val answer = classify(TensorType.INT8, Meaning.LOGITS, bytes(-128, 127, 5), scale = 0.1f, zeroPoint = 5)
        assertArrayEquals(doubleArrayOf(-133 * 0.1f.toDouble(), 122 * 0.1f.toDouble(), 0.0), answer.scores)
        assertEquals(1.0, answer.top.sumOf { it.probability }, 1e-12)
    }

    @Test
    fun `more labels asked than there are means all, none is an argument error`() {
        assertEquals(4, classify(TensorType.INT8, Meaning.LOGITS, ByteArray(4), top = 99).top.size)
        assertEquals(listOf(0, 1), classify(TensorType.INT8, Meaning.LOGITS, ByteArray(4), top = 2).top.map { it.index })
        assertThrows<IllegalArgumentException> { classify(TensorType.INT8, Meaning.LOGITS, ByteArray(4), top = 0) }
    }

    @Test
    fun `great logits do not overflow`() {
        val answer = classify(TensorType.FLOAT32, Meaning.LOGITS, floats(3e38f, -3e38f, 3e38f))
        assertEquals(listOf(0.5, 0.5, 0.0), answer.top.map { it.probability })
        assertEquals(listOf(0, 2, 1), answer.top.map { it.index })
        assertTrue(answer.values.isEmpty())
    }

    @Test
    fun `scores of which no probability comes are refused in a sentence`() {
        val wrong = listOf(
            Meaning.LOGITS to floats(1f, Float.NaN, 2f),
            Meaning.LOGITS to floats(1f, Float.POSITIVE_INFINITY, 2f),
            Meaning.LOGITS to FloatArray(3) { Float.NEGATIVE_INFINITY }.let { floats(*it) },
            Meaning.PROBABILITIES to floats(0.5f, 0.5f, Float.NaN),
        )
        for ((meaning, output) in wrong) {
            val message = assertThrows<ModelError> { classify(TensorType.FLOAT32, meaning, output) }.message!!
            assertTrue(Regex("Expected .*, received .*; .*\\.").matches(message), message)
        }
        // One label that is impossible is an answer.
        assertEquals(0.0, classify(TensorType.FLOAT32, Meaning.LOGITS, floats(1f, Float.NEGATIVE_INFINITY, 2f)).top[2].probability)
    }

    @Test
    fun `an interpreter that gives another number of bytes or outputs is an error of the interpreter`() {
        for (answer in listOf(emptyList(), listOf(ByteArray(2)), listOf(ByteArray(4)), listOf(ByteArray(3), ByteArray(3)))) {
            val engine = FakeEngine(FakeModels.input(), listOf(FakeModels.tensor(TensorType.INT8, 1, 3))) { answer }
            val classifier = Classifier(FakeModels.file(), engine)
            assertThrows<EngineException> { classifier.answer(image) }
        }
    }
}
