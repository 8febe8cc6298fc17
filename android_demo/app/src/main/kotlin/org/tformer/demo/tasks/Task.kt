package org.tformer.demo.tasks

import android.graphics.Canvas
import android.graphics.RectF
import android.view.View
import android.view.ViewGroup
import org.tformer.demo.core.Answer
import org.tformer.demo.core.Contract
import org.tformer.demo.core.Engine
import org.tformer.demo.core.ImageModel
import org.tformer.demo.core.ModelError
import org.tformer.demo.core.ModelFile

/** What one task of the contract computes and shows. A new task is one more of these in [Tasks]. */
interface Task {
    /**
     * What computes this task's answers with [engine].
     *
     * @throws ModelError where the model's tensors are not the contract's.
     */
    fun model(file: ModelFile, engine: Engine): ImageModel<*>

    /** A view over the picture, made for [parent] and not yet added to it, that shows the answers of [model], which is one of [model]. */
    fun overlay(parent: ViewGroup, model: ImageModel<*>): TaskOverlay

    /** What draws answers into a picture of its own whose longer side has [side] pixels, as `tformer-edge run --draw` does. */
    fun painter(model: ImageModel<*>, side: Int): AnswerPainter
}

/** Draws answers over a picture. */
interface AnswerPainter {
    /** What is drawn from now on. The answer stays as it is until the next one is taken. */
    fun take(answer: Answer?)

    /**
     * Draws, and allocates nothing where the answer is like the one before.
     *
     * @param picture where the picture lies on the canvas, beyond which nothing is drawn. @param width of the picture in its own
     * pixels, as [height].
     */
    fun paint(canvas: Canvas, picture: RectF, width: Int, height: Int)
}

/** What a task shows over the picture and beside it. */
interface TaskOverlay {
    /** As large as the area that the picture lies in. */
    val view: View

    /** Called where answers are to be found anew for a still picture, because the user changed what is asked for. */
    var askAgain: () -> Unit

    /** Where the picture, of [width] × [height] pixels, lies in [view], and what the model sees of it. */
    fun place(picture: RectF, width: Int, height: Int, seen: RectF)

    /**
     * Shows an answer, or none.
     *
     * @param live whether others follow at once; texts then change a few times a second, so that they can be read.
     */
    fun show(answer: Answer?, live: Boolean)
}

/** The tasks by their names in the contract. */
object Tasks {
    private val byName: Map<String, Task> = mapOf(
        Contract.CLASSIFICATION to ClassificationTask,
        Contract.DETECTION to DetectionTask,
        Contract.SEGMENTATION to SegmentationTask,
    )

    /**
     * @throws ModelError for a file without a contract, and for a task that this app cannot show.
     */
    fun of(file: ModelFile): Task {
        val contract = file.contract ?: throw ModelError(
            "Expected a model file with a contract, received one without; convert it with converters/to_tflite.py, which adds it.",
        )
        return byName[contract.task] ?: throw ModelError(
            "Expected a model for ${byName.keys.joinToString()}, received one for ${contract.task}; use a newer version of this app.",
        )
    }
}
