package org.tformer.demo.screens

import android.widget.TextView
import org.tformer.demo.R
import org.tformer.demo.models.Shot
import org.tformer.demo.tasks.Pace
import java.util.Locale

/** Times below the picture: a few times a second, so that they can be read and cost no frame anything. */
class NumbersLine(private val view: TextView) {
    private val pace = Pace(Pace.READ)

    fun show(shot: Shot, live: Boolean) {
        val answer = shot.answer ?: return
        if (!pace.due(live)) return
        val context = view.context
        val times = context.getString(
            R.string.times,
            milliseconds(shot.convertNanos + answer.preprocessNanos), milliseconds(answer.inferenceNanos), milliseconds(answer.answerNanos),
        )
        val rate = if (live) context.getString(R.string.number_separator) + context.getString(R.string.frames_per_second, oneDigit(shot.framesPerSecond)) else ""
        view.text = times + rate
    }

    fun clear() {
        view.text = ""
    }
}

internal fun milliseconds(nanos: Long): String = oneDigit(nanos / 1e6)

/** Milliseconds of what may take next to none. */
internal fun milliseconds(value: Double): String =
    if (value < 0.01) String.format(Locale.getDefault(), "< %.2f", 0.01) else String.format(Locale.getDefault(), "%.2f", value)

internal fun oneDigit(value: Double): String = String.format(Locale.getDefault(), "%.1f", value)
