package org.tformer.demo.tasks

import android.graphics.RectF
import android.view.LayoutInflater
import android.view.View
import android.view.ViewGroup
import android.widget.ProgressBar
import android.widget.TextView
import org.tformer.demo.R
import org.tformer.demo.core.Answer
import org.tformer.demo.core.Classifier
import org.tformer.demo.core.Prediction
import kotlin.math.roundToInt

/** The first labels as bars; "not sure" where the best one's probability is below what the contract asks for. */
internal class ClassificationOverlay(parent: ViewGroup, model: Classifier) : TaskOverlay {
    override val view: View = LayoutInflater.from(parent.context).inflate(R.layout.overlay_classification, parent, false)
    override var askAgain: () -> Unit = {}
    private val context = parent.context
    private val frame: FrameView = view.findViewById(R.id.frame)
    private val panel: View = view.findViewById(R.id.panel)
    private val unsure: View = view.findViewById(R.id.not_sure)
    private val percent = oneDigitPercent()
    private val rows: List<Row> = listOf(R.id.first, R.id.second, R.id.third).map { Row(view.findViewById(it)) }
    private val reading = Pace(Pace.READ)
    private val speaking = Pace(Pace.SPOKEN)

    // A screen reader is told of a new answer, not of each frame's new percentage.
    private var announced: String? = null

    private class Row(val view: View) {
        val label: TextView = view.findViewById(R.id.label)
        val bar: ProgressBar = view.findViewById(R.id.bar)
        val share: TextView = view.findViewById(R.id.share)

        init {
            view.visibility = View.GONE
        }
    }

    init {
        KnownClasses(context, model.file.labels).bind(view.findViewById(R.id.knows))
    }

    override fun place(picture: RectF, width: Int, height: Int, seen: RectF) = frame.place(seen)

    override fun show(answer: Answer?, live: Boolean) {
        val prediction = answer as? Prediction
        if (prediction == null) {
            rows.forEach { it.view.visibility = View.GONE }
            unsure.visibility = View.GONE
            announced = null
            panel.contentDescription = null
            return
        }
        if (!reading.due(live)) return
        val sure = prediction.sure
        unsure.visibility = if (sure) View.GONE else View.VISIBLE
        rows.forEachIndexed { place, row -> fill(row, place, prediction, sure) }
        announce(prediction.names[prediction.order[0]], sure, live)
    }

    private fun fill(row: Row, place: Int, prediction: Prediction, sure: Boolean) {
        row.view.visibility = if (place < prediction.order.size) View.VISIBLE else View.GONE
        if (place >= prediction.order.size) return
        val label = prediction.names[prediction.order[place]]
        val probability = prediction.probabilities[prediction.order[place]]
        val share = percent.format(probability)
        row.label.text = label
        row.bar.progress = (probability * row.bar.max).roundToInt()
        row.share.text = share
        // Guesses stand back where none of them is meant.
        row.view.alpha = if (sure) 1f else 0.6f
        row.view.contentDescription = context.getString(R.string.label_and_share, place + 1, label, share)
    }

    private fun announce(best: String, sure: Boolean, live: Boolean) {
        val said = context.getString(if (sure) R.string.answer else R.string.answer_not_sure, best)
        if (said != announced && speaking.due(live)) {
            announced = said
            panel.contentDescription = said
        }
    }
}
