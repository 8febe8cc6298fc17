package org.tformer.demo.screens

import org.tformer.demo.camera.CameraFrame
import org.tformer.demo.core.FrameRate
import org.tformer.demo.core.LatestFrame
import org.tformer.demo.core.RgbImage
import org.tformer.demo.core.TripleBuffer
import org.tformer.demo.core.YuvConverter
import org.tformer.demo.models.ModelSession
import org.tformer.demo.models.Shot
import java.util.concurrent.Executor

/**
 * From the camera's frames to answers. At most one frame is in work and one waits; a newer one takes the waiting one's place, so
 * that what is shown is never older than one inference. Pictures and answers lie in three shots that are filled in turn: a frame costs
 * the heap nothing.
 *
 * @param inference the thread that computes.
 * @param shown called on the inference thread where there is a new answer: [latest].
 * @param failed the same with the sentence of an error; frames go on coming.
 */
class FramePipeline(
    private val inference: Executor,
    private val session: ModelSession,
    private val shown: Runnable,
    private val failed: (String) -> Unit,
) {
    private val frames = LatestFrame<CameraFrame>()
    private val shots = TripleBuffer { Shot() }
    private val converter = YuvConverter()
    private val rate = FrameRate()
    private val worker = Runnable { work() }

    @Volatile
    private var running = true

    /** On any thread. Takes the frame over. */
    fun offer(frame: CameraFrame) {
        if (frames.offer(frame)) inference.execute(worker)
    }

    /** The newest answered frame, on one thread: it stays as it is until the next call. Null where there is none newer. */
    fun latest(): Shot? = shots.front()

    /** Frames that come from now on are closed at once, as is the waiting one, and no answer is shown any more. */
    fun stop() {
        running = false
        frames.close()
    }

    private fun work() {
        val frame = frames.take() ?: return
        try {
            val shot = shots.back
            val start = System.nanoTime()
            val image = picture(frame, shot)
            shot.convertNanos = System.nanoTime() - start
            if (!running) return
            session.analyse(image, shot)
            shot.framesPerSecond = rate.tick()
            if (!running) return
            shots.publish()
            shown.run()
        } catch (error: Exception) {
            failed(ModelSession.sentence(error) ?: throw error)
        } finally {
            if (frames.done()) inference.execute(worker)
        }
    }

    private fun picture(frame: CameraFrame, shot: Shot): RgbImage = try {
        frame.toRgb(converter, shot.image)
    } finally {
        frame.close()
    }
}
