package org.tformer.demo.models

import android.content.Context
import android.net.Uri
import android.provider.OpenableColumns
import org.tformer.demo.R
import org.tformer.demo.core.ModelFile
import org.tformer.demo.core.Refusal
import java.io.File
import java.io.IOException
import java.io.InputStream

/**
 * The models that the app has: those in its assets, and copies of those that the user added, in its private storage. Reads and
 * writes files, so nothing here belongs on the main thread, except [selected].
 */
class ModelStore(private val context: Context) {
    private val folder = File(context.filesDir, "models")
    private val preferences = context.getSharedPreferences("models", Context.MODE_PRIVATE)

    /** The model that was chosen last, else the first bundled one. */
    var selected: String
        get() = preferences.getString("selected", null) ?: bundledIds().first()
        set(id) = preferences.edit().putString("selected", id).apply()

    /** In the order of the list that build.sh writes beside them: the first one is what the app begins with. */
    fun bundledIds(): List<String> =
        context.assets.open("models/$LIST").bufferedReader().useLines { lines ->
            lines.filter(String::isNotBlank).map { ModelEntry.BUNDLED + it }.toList()
        }

    private fun addedIds(): List<String> =
        folder.list().orEmpty().filter { it.endsWith(SUFFIX) }.sorted().map { ModelEntry.ADDED + it }

    /** All models, the bundled ones first. Reads every file. */
    fun entries(): List<ModelEntry> = (bundledIds() + addedIds()).map { id ->
        val bytes = if (id.startsWith(ModelEntry.ADDED)) file(id).length() else stream(id).use { it.available().toLong() }
        try {
            ModelEntry(id, bytes, read(id).contract, null)
        } catch (error: Refusal) {
            ModelEntry(id, bytes, null, error.message)
        } catch (error: ModelProblem) {
            ModelEntry(id, bytes, null, error.message)
        }
    }

    /**
     * Reads and checks a model.
     *
     * @throws Refusal for a file that breaks a rule of docs/contract.md.
     * @throws ModelProblem where it cannot be read.
     */
    fun read(id: String): ModelFile = withinMemory {
        try {
            if (id.startsWith(ModelEntry.ADDED)) {
                ModelFile.read(file(id))
            } else {
                ModelFile.read(stream(id).use(InputStream::readBytes), id.substringAfter(':'))
            }
        } catch (error: IOException) {
            throw ModelProblem(context.getString(R.string.model_unreadable, id.substringAfter(':'), error.message.orEmpty()))
        }
    }

    /** Where an added model lies. */
    fun file(id: String): File {
        require(id.startsWith(ModelEntry.ADDED)) { "$id lies in the assets" }
        return File(folder, File(id.substringAfter(':')).name)
    }

    /**
     * Copies a document into private storage and has [check] look at it; where that throws, nothing is left behind.
     *
     * @return the id under which it is listed.
     * @throws ModelProblem where it cannot be copied.
     */
    fun add(uri: Uri, check: (ModelFile, File) -> Unit): String {
        folder.mkdirs()
        val temporary = File(folder, "incoming.tmp")
        try {
            copy(uri, temporary)
            val name = displayName(uri)
            // Read from the copy, but refused under the name that the user knows.
            withinMemory { check(ModelFile.read(temporary.readBytes(), name), temporary) }
            val target = freeFile(name)
            if (!temporary.renameTo(target)) throw ModelProblem(context.getString(R.string.model_not_stored, name))
            return ModelEntry.ADDED + target.name
        } finally {
            temporary.delete()
        }
    }

    /** Removes an added model; the first bundled one takes its place where it was chosen. */
    fun remove(id: String) {
        file(id).delete()
        if (selected == id) selected = bundledIds().first()
    }

    private fun stream(id: String): InputStream = context.assets.open("models/" + id.substringAfter(':'))

    private fun copy(uri: Uri, target: File) {
        val name = displayName(uri)
        try {
            val source = context.contentResolver.openInputStream(uri) ?: throw IOException(context.getString(R.string.no_answer))
            source.use { input ->
                target.outputStream().use { output ->
                    val buffer = ByteArray(1 shl 16)
                    var copied = 0L
                    while (true) {
                        val count = input.read(buffer)
                        if (count < 0) break
                        copied += count
                        if (copied > memoryLimit()) throw tooLarge(name)
                        output.write(buffer, 0, count)
                    }
                }
            }
        } catch (error: IOException) {
            throw ModelProblem(context.getString(R.string.model_unreadable, name, error.message.orEmpty()))
        } catch (error: SecurityException) {
            throw ModelProblem(context.getString(R.string.model_unreadable, name, error.message.orEmpty()))
        }
    }

    /** The reader holds file and flatbuffer at a time. */
    private fun memoryLimit() = Runtime.getRuntime().maxMemory() / 3

    private fun tooLarge(name: String) =
        ModelProblem(context.getString(R.string.model_too_large, name, memoryLimit() / (1 shl 20)))

    private fun <T> withinMemory(work: () -> T): T =
        try {
            work()
        } catch (_: OutOfMemoryError) {
            throw ModelProblem(context.getString(R.string.model_too_large, "", memoryLimit() / (1 shl 20)))
        }

    private fun displayName(uri: Uri): String {
        val queried = try {
            context.contentResolver.query(uri, arrayOf(OpenableColumns.DISPLAY_NAME), null, null, null)?.use { rows ->
                if (rows.moveToFirst()) rows.getString(0) else null
            }
        } catch (_: RuntimeException) {
            // Another app's provider may throw anything; a name is not worth a crash.
            null
        }
        val name = queried ?: uri.lastPathSegment ?: "model$SUFFIX"
        return name.filterNot(Char::isISOControl).take(MAX_NAME)
    }

    /** A file that is not there yet. Of the document's name only harmless characters are kept. */
    private fun freeFile(name: String): File {
        val stem = name.removeSuffix(SUFFIX).replace(Regex("[^A-Za-z0-9._-]+"), "_").trim('.', '_').take(60).ifEmpty { "model" }
        return generateSequence(1) { it + 1 }
            .map { File(folder, if (it == 1) "$stem$SUFFIX" else "$stem-$it$SUFFIX") }
            .first { !it.exists() }
    }

    private companion object {
        const val SUFFIX = ".tflite"
        const val LIST = "bundled.txt"
        const val MAX_NAME = 80
    }
}

/** One sentence for the user: why a model cannot be had. */
class ModelProblem(message: String) : Exception(message)
