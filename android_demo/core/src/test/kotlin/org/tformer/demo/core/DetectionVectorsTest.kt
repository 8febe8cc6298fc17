package org.tformer.demo.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Boxes are `tformer_edge`'s to the last bit from equal maps, ordinary, extreme and hostile ones. */
class DetectionVectorsTest {
    private val cases = SceneVectors.detection.map(::DetectionCase)

    private companion object {
        const val FRAMES = 200
    }

    private fun case(name: String) = cases.single { it.name == name }

    @Test
    fun `boxes of the input are Python's`() {
        assertTrue(cases.size >= 25 && cases.count { it.answer == null } >= 2)
        for (case in cases) {
            val decode = { DetectionDecoder(case.contract, case.infos) }
            if (case.answer == null) {
                assertThrows<ModelError>(case.name) { decode().decode(case.maps) }
                continue
            }
            assertEquals(case.answer, GoldenAnswer.of(case.contract, case.infos)!!.sha256(case.maps.reduce(ByteArray::plus)), case.name)
        }
    }

    @Test
    fun `boxes and scores in a picture are Python's, with another threshold`() {
        for (case in cases.filter { it.answer != null }) {
            val detector = Detector(case.file, SceneVectors.engine(case.file, case.infos, case.maps))
            detector.scoreThreshold = SceneVectors.double(case["threshold"])
            val answer = detector.blank().also { detector.read(case.maps, 333, 517, it) }
            val found = List(answer.count, answer::get)
            assertEquals(SceneVectors.integers(case["counts"])[1], found.size, case.name)
            val first = found.take(2).flatMap { listOf(it.score, it.left, it.top, it.right, it.bottom) }.map(SceneVectors::bits)
            assertEquals(case["first"], first, case.name)
            val bytes = ByteBuffer.allocate(44 * found.size).order(ByteOrder.LITTLE_ENDIAN)
            for (one in found) {
                bytes.putInt(one.index)
                for (value in listOf(one.score, one.left, one.top, one.right, one.bottom)) bytes.putDouble(value)
            }
            assertEquals(case["picture_sha256"], SceneVectors.sha256(bytes.array()), case.name)
        }
    }

    @Test
    fun `a decoder gives the same after any other maps`() {
        val case = case("int8")
        val decoder = DetectionDecoder(case.contract, case.infos)
        val first = GoldenAnswer.bytesOf(decoder.decode(case.maps))
        assertEquals(0, decoder.decode(case.maps, scoreThreshold = 1 - 1e-12).count)
        decoder.decode(case.maps.map { map -> ByteArray(map.size) { 127 } })
        assertEquals(hex(first), hex(GoldenAnswer.bytesOf(decoder.decode(case.maps))))
    }

    @Test
    fun `a frame costs the decoder no memory`() {
        val threads = java.lang.management.ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean
        val thread = Thread.currentThread().id
        for (name in listOf("int8", "uint8", "float32", "nearly all ties")) {
            val case = case(name)
            val decoder = DetectionDecoder(case.contract, case.infos)
            val frames = { repeat(FRAMES) { decoder.decode(case.maps) } }
            frames()
            val before = threads.getThreadAllocatedBytes(thread)
            frames()
            val used = threads.getThreadAllocatedBytes(thread) - before
            // The question itself costs some hundred bytes; the smallest object has 16, one a frame.
            assertTrue(used < 16 * FRAMES, "$name: $used bytes for $FRAMES frames")
        }
    }

    @Test
    fun `the self-test reads the golden answer again`() {
        for (case in cases.filter { it.answer != null && it.name.startsWith("int8") }) {
            val output = case.maps.reduce(ByteArray::plus)
            val bytes = case.contract.preprocessing.let { it.height * it.width * 3 * case.contract.batch }
            for ((sha256, answered) in listOf(case.answer!! to true, "0".repeat(64) to false)) {
                val file = case.file(listOf(Golden("one", ByteArray(bytes), output, 0.0, sha256)))
                val result = SelfTest.run(file, SceneVectors.engine(file, case.infos, case.maps), reference = true).single()
                assertEquals(0.0, result.difference)
                assertEquals(answered, result.answered)
                assertEquals(answered, result.passed)
            }
        }
    }

    @Test
    fun `maps of other shapes and without a scale are refused`() {
        val case = case("int8")
        val good = SceneVectors.engine(case.file, case.infos, case.maps)
        assertNotNull(Detector(case.file, good).answer(RgbImage(4, 3, ByteArray(36))))
        val turned = case.infos.map { TensorInfo(listOf(it.shape[0], it.shape[2], it.shape[1], it.shape[3]), it.type, it.scale, it.zeroPoint) }
        val scaleless = case.infos.map { TensorInfo(it.shape, it.type, 0f, 0) }
        for (infos in listOf(turned, scaleless, case.infos.dropLast(1), case.infos.reversed())) {
            val message = assertThrows<ModelError> { Detector(case.file, SceneVectors.engine(case.file, infos, case.maps)) }.message!!
            assertTrue(message.startsWith("Expected ") && message.endsWith("."), message)
        }
        assertThrows<EngineException> { Detector(case.file, SceneVectors.engine(case.file, case.infos, case.maps.drop(1))).answer(RgbImage(1, 1, ByteArray(3))) }
        assertThrows<ModelError> { Segmenter(case.file, good) }
        assertThrows<ModelError> { Classifier(case.file, good) }
        assertFalse(case.maps.isEmpty())
    }
}
