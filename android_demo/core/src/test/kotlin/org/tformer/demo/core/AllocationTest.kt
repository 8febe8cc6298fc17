package org.tformer.demo.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource
import java.nio.ByteBuffer

/** From a camera's planes to an answer, a frame costs the heap nothing: bytes are counted by the machine itself. */
class AllocationTest {
    private val threads = java.lang.management.ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean

    private companion object {
        const val WIDTH = 160
        const val HEIGHT = 120
        const val FRAMES = 100
        const val ROUNDS = 4
    }

    /** The least of a few rounds: the compiler and the class loader allocate on this thread once, a frame in each round. */
    private fun allocated(work: () -> Unit): Long = (1..ROUNDS).minOf { once(work) }

    private fun once(work: () -> Unit): Long {
        val thread = Thread.currentThread().id
        val nothing = threads.getThreadAllocatedBytes(thread).let { threads.getThreadAllocatedBytes(thread) - it }
        val before = threads.getThreadAllocatedBytes(thread)
        work()
        return threads.getThreadAllocatedBytes(thread) - before - nothing
    }

    /** An engine that gives the same arrays each time, as the interpreter's does. */
    private class Still(override val input: TensorInfo, override val outputs: List<TensorInfo>, private val maps: List<ByteArray>) : Engine {
        override fun run(input: ByteArray): List<ByteArray> = maps

        override fun close() = Unit
    }

    private fun <A : Answer> check(model: ImageModel<A>, name: String) {
        val luma = YuvPlane(ByteBuffer.allocateDirect(WIDTH * HEIGHT), WIDTH, 1)
        val chroma = YuvPlane(ByteBuffer.allocateDirect(WIDTH * HEIGHT / 2), WIDTH, 2)
        val converter = YuvConverter()
        val buffer = TripleBuffer { model.blank() }
        var image: RgbImage? = null
        val rate = FrameRate()
        val frames = {
            repeat(FRAMES) {
                image = converter.toRgb(WIDTH, HEIGHT, luma, chroma, chroma, 90, true, image)
                model.answer(image!!, buffer.back)
                buffer.publish()
                buffer.front()
                rate.tick()
            }
        }
        // Once for all three slots and the compiler.
        repeat(3) { frames() }
        assertEquals(0L, allocated(frames), "$name: bytes of $FRAMES frames")
    }

    private fun input(contract: Contract) =
        contract.preprocessing.let { FakeModels.tensor(TensorType.INT8, contract.batch, it.height, it.width, 3) }

    @ParameterizedTest
    @EnumSource(TensorType::class)
    fun `of a classifier`(type: TensorType) {
        val file = FakeModels.file(outputType = type, labels = 1000)
        val output = FakeModels.tensor(type, 1, 1000)
        check(Classifier(file, Still(FakeModels.input(), listOf(output), listOf(ByteArray(1000 * type.bytes) { (it * 7 % 64).toByte() }))), "$type")
    }

    @Test
    fun `of a detector`() {
        for (case in SceneVectors.detection.map(::DetectionCase).filter { it.answer != null }) {
            check(Detector(case.file, Still(input(case.contract), case.infos, case.maps)), case.name)
        }
    }

    @Test
    fun `of a segmenter`() {
        for (case in SceneVectors.segmentation.map(::SegmentationCase).filter { it.answer != null && it.name != "int8, many classes" }) {
            check(Segmenter(case.file, Still(input(case.file.contract!!), listOf(case.info), listOf(case.map))), case.name)
        }
    }

    @Test
    fun `of all three resize rules, and of grey`() {
        val image = RgbImage(WIDTH, HEIGHT, ByteArray(3 * WIDTH * HEIGHT) { (it * 31).toByte() })
        for (rule in Resize.entries) {
            for (channels in listOf(1, 3)) {
                val pad = if (rule == Resize.LETTERBOX) 114 else null
                val pixels = InputPixels(Preprocessing(48, 64, rule, 1.0, List(channels) { 0.0 }, List(channels) { 1.0 }, channels, padValue = pad))
                val frames = { repeat(FRAMES) { pixels.of(image) } }
                frames()
                assertEquals(0L, allocated(frames), "$rule, $channels")
            }
        }
    }
}
