package org.tformer.demo.screens

import android.content.ActivityNotFoundException
import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.text.format.Formatter
import android.view.View
import android.view.ViewGroup
import android.widget.RadioButton
import android.widget.TextView
import org.tformer.demo.R
import org.tformer.demo.core.Contract
import org.tformer.demo.models.ModelEntry

/** The models that are there: choose one, add one with the system's document picker, remove an added one. */
class ModelsActivity : Screen() {
    private lateinit var list: ViewGroup
    private lateinit var message: TextView
    private lateinit var busy: View
    private lateinit var add: View

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContentView(R.layout.activity_models)
        list = findViewById(R.id.list)
        message = findViewById(R.id.message_text)
        busy = findViewById(R.id.loading)
        add = findViewById(R.id.add)
        add.setOnClickListener { pick() }
        refresh { }
    }

    @Deprecated("The framework's own way without androidx")
    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        if (request == PICK && result == RESULT_OK) data?.data?.let(::addModel)
    }

    private fun pick() {
        val documents = Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("*/*")
        try {
            @Suppress("DEPRECATION")
            startActivityForResult(documents, PICK)
        } catch (_: ActivityNotFoundException) {
            say(getString(R.string.no_document_picker))
        }
    }

    /** Copies and checks the document, runs it once in its own process, and then uses it. */
    private fun addModel(uri: Uri) = change({ app.models.add(uri, app.session::tryOut).also(app.session::select) }, R.string.model_added)

    private fun select(entry: ModelEntry) = change({ app.session.select(entry.id) }, R.string.model_in_use, entry.title)

    private fun remove(entry: ModelEntry) = change({ app.session.remove(entry.id) }, R.string.model_removed, entry.title)

    private fun change(work: () -> Any, said: Int, vararg arguments: String) {
        setBusy(true)
        background(
            { work() },
            { refresh { say(getString(said, *arguments)) } },
            // The sentence says what is wrong; the list says that the old model is still the one in use.
            { sentence -> refresh { say(sentence) } },
        )
    }

    private fun refresh(then: () -> Unit) {
        setBusy(true)
        background(
            app.models::entries,
            { entries ->
                show(entries)
                setBusy(false)
                then()
            },
            { sentence -> say(sentence) },
        )
    }

    private fun show(entries: List<ModelEntry>) {
        list.removeAllViews()
        for (entry in entries) {
            val row = layoutInflater.inflate(R.layout.row_model, list, false)
            row.findViewById<RadioButton>(R.id.choose).apply {
                text = entry.title
                isChecked = entry.id == app.models.selected
                isEnabled = entry.contract != null
                setOnClickListener { select(entry) }
            }
            row.findViewById<TextView>(R.id.detail).text = detail(entry)
            row.findViewById<View>(R.id.remove).apply {
                visibility = if (entry.bundled) View.GONE else View.VISIBLE
                contentDescription = getString(R.string.remove_model, entry.title)
                setOnClickListener { remove(entry) }
            }
            list.addView(row)
        }
    }

    private fun detail(entry: ModelEntry): String {
        val contract = entry.contract
        val size = Formatter.formatShortFileSize(this, entry.bytes)
        if (contract == null) return entry.problem ?: getString(R.string.no_contract)
        return getString(
            R.string.model_detail,
            getString(TASKS[contract.task] ?: R.string.task_unknown),
            contract.preprocessing.width,
            contract.preprocessing.height,
            contract.inputType.text,
            resources.getQuantityString(R.plurals.labels, contract.labelCount, contract.labelCount),
            size,
            if (entry.bundled) getString(R.string.bundled) else getString(R.string.added, entry.fileName),
        )
    }

    private fun setBusy(value: Boolean) {
        busy.visibility = if (value) View.VISIBLE else View.GONE
        add.isEnabled = !value
    }

    private fun say(text: String) {
        message.text = text
        message.visibility = View.VISIBLE
    }

    private companion object {
        const val PICK = 1
        val TASKS = mapOf(
            Contract.CLASSIFICATION to R.string.task_classification,
            Contract.DETECTION to R.string.task_detection,
            Contract.SEGMENTATION to R.string.task_segmentation,
        )
    }
}
