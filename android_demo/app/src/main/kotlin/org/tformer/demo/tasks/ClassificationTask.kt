package org.tformer.demo.tasks

import android.graphics.RectF
import android.view.LayoutInflater
import android.view.View
import android.view.ViewGroup
import android.widget.ProgressBar
import android.widget.TextView
import org.tformer.demo.R
import org.tformer.demo.core.Classifier
import org.tformer.demo.core.Engine
import org.tformer.demo.core.ModelFile
import org.tformer.demo.core.Prediction
import java.text.NumberFormat
import kotlin.math.roundToInt

/** Labels with their probabilities: the first three as bars, and a frame around what the model sees. */
object ClassificationTask : Task {
    const val SHOWN = 3

    override fun analyser(file: ModelFile, engine: Engine): Analyser {
        val classifier = Classifier(file, engine)
        return Analyser { image -> Classification(classifier.classify(image, SHOWN)) }
    }

    override fun overlay(parent: ViewGroup): TaskOverlay = ClassificationOverlay(parent)
}

class Classification(val prediction: Prediction) : Analysis {
    override val preprocessNanos: Long get() = prediction.preprocessNanos
    override val inferenceNanos: Long get() = prediction.inferenceNanos
}

private class ClassificationOverlay(parent: ViewGroup) : TaskOverlay {
    override val view: View = LayoutInflater.from(parent.context).inflate(R.layout.overlay_classification, parent, false)
    private val frame: FrameView = view.findViewById(R.id.frame)
    private val panel: View = view.findViewById(R.id.panel)
    private val percent = NumberFormat.getPercentInstance().apply {
        minimumFractionDigits = 1
        maximumFractionDigits = 1
    }
    private val rows: List<Row> = listOf(R.id.first, R.id.second, R.id.third).map { Row(view.findViewById(it)) }

    // A screen reader is told of a new answer, not of each frame's new percentage.
    private var announced: String? = null

    private class Row(val view: View) {
        val label: TextView = view.findViewById(R.id.label)
        val bar: ProgressBar = view.findViewById(R.id.bar)
        val share: TextView = view.findViewById(R.id.share)
    }

    override fun place(picture: RectF, seen: RectF) = frame.place(seen)

    override fun show(analysis: Analysis?) {
        val top = (analysis as? Classification)?.prediction?.top.orEmpty()
        panel.visibility = if (top.isEmpty()) View.INVISIBLE else View.VISIBLE
        rows.forEachIndexed { index, row ->
            val ranked = top.getOrNull(index)
            row.view.visibility = if (ranked == null) View.GONE else View.VISIBLE
            if (ranked != null) {
                val share = percent.format(ranked.probability)
                row.label.text = ranked.label
                row.bar.progress = (ranked.probability * row.bar.max).roundToInt()
                row.share.text = share
                row.view.contentDescription = view.context.getString(R.string.label_and_share, index + 1, ranked.label, share)
            }
        }
        val first = top.firstOrNull()?.label
        if (first != null && first != announced) {
            panel.contentDescription = view.context.getString(R.string.answer, first)
        }
        announced = first
    }
}
