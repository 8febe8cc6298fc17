package org.tformer.demo.models

import org.tformer.demo.core.Answer
import org.tformer.demo.core.Engine
import org.tformer.demo.core.EngineException
import org.tformer.demo.core.ImageModel
import org.tformer.demo.core.ModelError
import org.tformer.demo.core.ModelFile
import org.tformer.demo.core.Refusal
import org.tformer.demo.core.RgbImage
import org.tformer.demo.engine.Engines
import org.tformer.demo.tasks.Task
import org.tformer.demo.tasks.Tasks
import java.io.Closeable
import java.io.File

/** A model that runs. */
class RunningModel(
    val id: String,
    val file: ModelFile,
    val task: Task,
    val model: ImageModel<*>,
    private val engine: Engine,
) : Closeable {
    /** @param reuse an answer of this model, which is filled again. */
    fun answer(image: RgbImage, reuse: Answer?): Answer = answer(model, image, reuse)

    @Suppress("UNCHECKED_CAST") // an answer of this model is of its kind
    private fun <A : Answer> answer(model: ImageModel<A>, image: RgbImage, reuse: Answer?): Answer =
        model.answer(image, reuse as A? ?: model.blank())

    override fun close() = engine.close()
}

/**
 * The one model that all screens use. Everything here runs on the inference thread.
 *
 * A model that cannot be opened changes nothing: the one that ran before goes on.
 */
class ModelSession(private val store: ModelStore, private val engines: Engines) {
    private var running: RunningModel? = null

    /**
     * The chosen model, opened where that has not happened yet. One that was added and cannot be opened any more gives way to
     * the bundled one.
     *
     * @throws Exception of the kinds that [sentence] knows, where not even that one opens.
     */
    fun current(): RunningModel {
        running?.let { return it }
        val chosen = store.selected
        val fallback = store.bundledIds().first()
        val model = try {
            open(chosen)
        } catch (error: Exception) {
            if (chosen == fallback || sentence(error) == null) throw error
            store.selected = fallback
            open(fallback)
        }
        running = model
        return model
    }

    /** Opens [id] and, if that went well, closes the model before and remembers the new one. */
    fun select(id: String) {
        if (running?.id == id) return
        val next = open(id)
        running?.close()
        running = next
        store.selected = id
    }

    /**
     * Fills [shot] with what the chosen model says about [image]. A model whose process died is closed, so that the next call opens it again.
     *
     * @throws EngineException where the model's process died or the interpreter failed.
     */
    fun analyse(image: RgbImage, shot: Shot) {
        val model = current()
        try {
            shot.fill(image, model)
        } catch (error: EngineException) {
            model.close()
            running = null
            throw error
        }
    }

    /** Opens a file that nothing vouches for in its own process and runs it once, on a grey picture. */
    fun tryOut(file: ModelFile, path: File) {
        val task = Tasks.of(file)
        engines.apart(path, file.flatbuffer.size, 1).use { engine ->
            task.model(file, engine).answer(RgbImage(64, 48, ByteArray(64 * 48 * 3) { 127 }))
        }
    }

    fun remove(id: String) {
        if (running?.id == id) {
            running?.close()
            running = null
        }
        store.remove(id)
    }

    /** An interpreter of the given model, of its own: for benchmark and self-test. The caller closes it. */
    fun engine(id: String, file: ModelFile, threads: Int): Engine =
        if (id.startsWith(ModelEntry.ADDED)) {
            engines.apart(store.file(id), file.flatbuffer.size, threads)
        } else {
            engines.here(file.flatbuffer, threads)
        }

    private fun open(id: String): RunningModel {
        val file = store.read(id)
        val task = Tasks.of(file)
        val engine = engine(id, file, THREADS)
        try {
            return RunningModel(id, file, task, task.model(file, engine), engine)
        } catch (error: Exception) {
            engine.close()
            throw error
        }
    }

    companion object {
        /** Two of a phone's fast cores; more threads wait for the slow ones. */
        const val THREADS = 2

        /** The sentence of an error that a model can cause, null for a fault of the program. */
        fun sentence(error: Throwable): String? = when (error) {
            is Refusal, is EngineException, is ModelError, is ModelProblem -> error.message
            else -> null
        }
    }
}
