package org.tformer.demo.tasks

import android.graphics.RectF
import android.view.View
import android.view.ViewGroup
import org.tformer.demo.core.Contract
import org.tformer.demo.core.Engine
import org.tformer.demo.core.ModelError
import org.tformer.demo.core.ModelFile
import org.tformer.demo.core.RgbImage

/** What one task of the contract computes and shows. A new task is one more of these in [Tasks]. */
interface Task {
    /**
     * Computes this task's answers with [engine].
     *
     * @throws ModelError where the model's tensors are not the contract's.
     */
    fun analyser(file: ModelFile, engine: Engine): Analyser

    /** A view over the picture, made for [parent] and not yet added to it. */
    fun overlay(parent: ViewGroup): TaskOverlay
}

/** From pixels to an answer. Not to be used on the main thread. */
fun interface Analyser {
    fun analyse(image: RgbImage): Analysis
}

/** An answer. Each task has its own kind, which its overlay knows. */
interface Analysis {
    val preprocessNanos: Long
    val inferenceNanos: Long
}

/** What a task draws over the picture. */
interface TaskOverlay {
    /** As large as the area that the picture lies in. */
    val view: View

    /** Where the picture lies in [view], and what the model sees of it. */
    fun place(picture: RectF, seen: RectF)

    /** Shows an answer, or none. */
    fun show(analysis: Analysis?)
}

/** The tasks by their names in the contract. */
object Tasks {
    private val byName: Map<String, Task> = mapOf("classification" to ClassificationTask)

    /**
     * @throws ModelError for a file without a contract, and for a task that this app cannot show.
     */
    fun of(file: ModelFile): Task {
        val contract = file.contract ?: throw ModelError(
            "Expected a model file with a contract, received one without; convert it with converters/to_tflite.py, which adds it.",
        )
        return of(contract)
    }

    fun of(contract: Contract): Task = byName[contract.task] ?: throw ModelError(
        "Expected a model for ${byName.keys.joinToString()}, received one for ${contract.task}; use a newer version of this app.",
    )
}
