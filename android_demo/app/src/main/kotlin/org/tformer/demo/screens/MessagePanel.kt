package org.tformer.demo.screens

import android.app.Activity
import android.view.View
import android.widget.Button
import android.widget.TextView
import org.tformer.demo.R

/** A sentence in the picture's place, with a button that leads on. */
class MessagePanel(activity: Activity) {
    private val panel: View = activity.findViewById(R.id.message)
    private val text: TextView = activity.findViewById(R.id.message_text)
    private val button: Button = activity.findViewById(R.id.message_button)

    fun show(sentence: String, label: Int, action: () -> Unit) {
        text.text = sentence
        button.setText(label)
        button.setOnClickListener { action() }
        panel.visibility = View.VISIBLE
    }

    fun hide() {
        panel.visibility = View.GONE
    }
}
