package org.tformer.demo.screens

import org.junit.Assert.assertEquals
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.tformer.demo.camera.CameraFrame
import org.tformer.demo.core.RgbImage
import org.tformer.demo.harness.Demo
import org.tformer.demo.harness.YuvFrames
import org.tformer.demo.tasks.Allocated
import java.util.concurrent.Executor

/** From a camera's frame to an answer with the real interpreter: what it costs the heap. */
@RunWith(RobolectricTestRunner::class)
class FramePipelineTest {
    @Before
    fun interpreter() = Demo.needInterpreter()

    // An array: to walk through a list makes an object.
    private fun frames(image: RgbImage): Array<CameraFrame> = Array(FRAMES) { YuvFrames.frame(image, 90, false) { } }

    @Test
    fun `a frame costs the heap nothing, of each task that is bundled`() {
        val image = Demo.photo("china.jpg", 96, 64)
        for (task in listOf("classification", "detection", "segmentation").filter { Demo.model(it) in Demo.bundled }) {
            Demo.use(task)
            var shown = 0
            val pipeline = FramePipeline(Executor(Runnable::run), Demo.app.session, { shown++ }, { throw AssertionError(it) })
            val take = { all: Array<CameraFrame> ->
                for (frame in all) {
                    pipeline.offer(frame)
                    pipeline.latest()
                }
            }
            // The first fill the three shots and meet the compiler; what later ones cost is what each one costs.
            val used = List(ROUNDS) { frames(image).let { next -> Allocated.bytes { take(next) } } }
            println("$task: bytes of $FRAMES frames, round by round: $used")
            assertEquals("$task: $used", 0L, used.min())
            assertEquals(ROUNDS * FRAMES, shown)
        }
    }

    private companion object {
        const val FRAMES = 5
        const val ROUNDS = 4
    }
}
