package org.tformer.demo.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Class maps are `tformer_edge`'s to the last bit from equal logits, ordinary, extreme and hostile ones. */
class SegmentationVectorsTest {
    private val cases = SceneVectors.segmentation.map(::SegmentationCase)

    private fun segmenter(case: SegmentationCase) = Segmenter(case.file, SceneVectors.engine(case.file, listOf(case.info), listOf(case.map)))

    @Test
    fun `classes of the input are Python's`() {
        assertTrue(cases.size >= 20 && cases.count { it.answer == null } >= 2)
        for (case in cases) {
            val answers = GoldenAnswer.of(case.file.contract!!, listOf(case.info))!!
            if (case.answer == null) {
                assertThrows<ModelError>(case.name) { answers.sha256(case.map) }
            } else {
                assertEquals(case.answer, answers.sha256(case.map), case.name)
            }
        }
    }

    @Test
    fun `few pixels are Python's one by one`() {
        for (case in cases.filter { it.answer != null }) {
            val (_, rows, columns, classes) = case.info.shape
            val found = ClassMapper(rows, columns, classes, case.info.type).map(case.map, 0, 3, 5, null)
            assertEquals((case["first"] as List<*>).flatMap { it as List<*> }, found.map { it.toLong() and 0xffff }, case.name)
        }
    }

    @Test
    fun `classes of a picture and their areas are Python's, for one size after another`() {
        for (case in cases.filter { it.answer != null }) {
            val segmenter = segmenter(case)
            val (height, width) = case.picture
            val found = segmenter.blank()
            segmenter.read(listOf(case.map), 50, 60, found)
            segmenter.read(listOf(case.map), height, width, found)
            val bytes = ByteBuffer.allocate(4 * height * width).order(ByteOrder.LITTLE_ENDIAN)
            for (y in 0 until height) {
                for (x in 0 until width) {
                    val inside = y - found.top in 0 until found.height && x - found.left in 0 until found.width
                    bytes.putInt(if (inside) found.classes[(y - found.top) * found.width + x - found.left].toInt() and 0xffff else -1)
                }
            }
            assertEquals(case["picture_sha256"], SceneVectors.sha256(bytes.array()), case.name)
            assertEquals(case["areas"], List(minOf(20, found.areaCount)) { listOf(found.areaIndex(it).toLong(), found.areaPixels(it).toLong()) }, case.name)
            assertEquals(if (found.areaCount == 0) 0.0 else 1.0, (0 until found.areaCount).sumOf(found::areaShare), 1e-9)
        }
    }

    @Test
    fun `very many classes are mapped a strip at a time`() {
        val classes = 65_536
        val logits = ByteArray(2 * 3 * classes)
        for (cell in 0 until 6) logits[cell * classes + classes - 1 - cell] = 1
        val found = ClassMapper(2, 3, classes, TensorType.INT8).map(logits, 0, 2, 6, null)
        // The outer pixels look at the outer cells alone; of those between two, the nearer one's highest class wins.
        assertEquals(listOf(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5).map { classes - 1 - it }, found.map { it.toInt() and 0xffff })
    }

    @Test
    fun `the self-test reads the golden answer again`() {
        val case = cases.first { it.name == "int8, a batch of two" }
        for ((sha256, answered) in listOf(case.answer!! to true, "f".repeat(64) to false)) {
            val file = case.file(listOf(Golden("one", ByteArray(2 * 64 * 96 * 3), case.map, 0.0, sha256)))
            val result = SelfTest.run(file, SceneVectors.engine(file, listOf(case.info), listOf(case.map)), reference = true).single()
            assertEquals(answered, result.answered && result.passed)
        }
    }
}
