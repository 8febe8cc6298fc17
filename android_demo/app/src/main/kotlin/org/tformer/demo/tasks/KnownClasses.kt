package org.tformer.demo.tasks

import android.app.AlertDialog
import android.content.Context
import android.widget.TextView
import org.tformer.demo.R

/** Says what a model knows, before it answers and beside all its answers; one touch tells all, and how to make a model of one's own. */
class KnownClasses(private val context: Context, private val names: List<String>) {
    fun bind(line: TextView) {
        line.text = context.getString(R.string.knows, names.take(FIRST).joinToString(context.getString(R.string.list_separator)))
        line.contentDescription = context.getString(R.string.knows_description, line.text)
        line.setOnClickListener { show() }
    }

    fun show(): AlertDialog {
        val separator = context.getString(R.string.list_separator)
        val listed = names.take(LISTED).joinToString(separator) + if (names.size > LISTED) context.getString(R.string.and_so_on) else ""
        return AlertDialog.Builder(context)
            .setTitle(context.resources.getQuantityString(R.plurals.knows_title, names.size, names.size))
            .setMessage(context.getString(R.string.knows_details, listed))
            .setPositiveButton(android.R.string.ok, null)
            .show()
            // Commands are to be copied.
            .apply { findViewById<TextView>(android.R.id.message)?.setTextIsSelectable(true) }
    }

    private companion object {
        /** More than fit on the line, which is cut with dots. */
        const val FIRST = 20
        const val LISTED = 200
    }
}
