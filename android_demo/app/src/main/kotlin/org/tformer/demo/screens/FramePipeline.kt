package org.tformer.demo.screens

import org.tformer.demo.camera.CameraFrame
import org.tformer.demo.core.FrameRate
import org.tformer.demo.core.LatestFrame
import org.tformer.demo.core.RgbImage
import org.tformer.demo.models.ModelSession
import org.tformer.demo.tasks.Analysis
import java.util.concurrent.Executor

/**
 * From the camera's frames to answers. At most one frame is in work and one waits; a newer one takes the waiting one's place, so
 * what is shown is never older than one inference.
 *
 * @param inference the thread that computes.
 * @param shown called on the inference thread with each answer.
 * @param failed the same with the sentence of an error; frames go on coming.
 */
class FramePipeline(
    private val inference: Executor,
    private val session: ModelSession,
    private val shown: (Shot) -> Unit,
    private val failed: (String) -> Unit,
) {
    private val frames = LatestFrame<CameraFrame>()
    private val rate = FrameRate()

    @Volatile
    private var running = true

    /** One answered frame. */
    class Shot(val image: RgbImage, val analysis: Analysis, val prepareNanos: Long, val framesPerSecond: Double)

    /** On any thread. Takes the frame over. */
    fun offer(frame: CameraFrame) {
        if (frames.offer(frame)) inference.execute(::work)
    }

    /** Frames that come from now on are closed at once, as is the waiting one, and no answer is shown any more. */
    fun stop() {
        running = false
        frames.close()
    }

    private fun work() {
        val frame = frames.take() ?: return
        try {
            val start = System.nanoTime()
            val image = frame.use(CameraFrame::toRgb)
            val converted = System.nanoTime() - start
            if (!running) return
            val analysis = session.analyse(image)
            if (running) shown(Shot(image, analysis, converted + analysis.preprocessNanos, rate.tick()))
        } catch (error: Exception) {
            failed(ModelSession.sentence(error) ?: throw error)
        } finally {
            if (frames.done()) inference.execute(::work)
        }
    }
}
