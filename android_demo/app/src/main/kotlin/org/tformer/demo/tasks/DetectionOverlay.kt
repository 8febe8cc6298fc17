package org.tformer.demo.tasks

import android.graphics.RectF
import android.util.TypedValue
import android.view.LayoutInflater
import android.view.View
import android.view.ViewGroup
import android.widget.SeekBar
import android.widget.TextView
import org.tformer.demo.R
import org.tformer.demo.core.Answer
import org.tformer.demo.core.DetectedObjects
import org.tformer.demo.core.Detector
import org.tformer.demo.core.Palette
import java.text.NumberFormat
import kotlin.math.roundToInt

/** Boxes over the picture; beside it what was found in words, and a slider for the score from which on things are shown. */
internal class DetectionOverlay(parent: ViewGroup, private val detector: Detector) : TaskOverlay {
    override val view: View = LayoutInflater.from(parent.context).inflate(R.layout.overlay_detection, parent, false)
    override var askAgain: () -> Unit = {}
    private val context = parent.context
    private val boxes: PaintedView = view.findViewById(R.id.boxes)
    private val frame: FrameView = view.findViewById(R.id.frame)
    private val panel: View = view.findViewById(R.id.panel)
    private val found: TextView = view.findViewById(R.id.found)
    private val threshold: TextView = view.findViewById(R.id.threshold)
    private val slider: SeekBar = view.findViewById(R.id.slider)
    private val words = FoundThings(context, detector.file.labels)
    private val details = FoundDialog(context)
    private val reading = Pace(Pace.READ)
    private val speaking = Pace(Pace.SPOKEN)
    private var shown: DetectedObjects? = null
    private var width = 1
    private var height = 1

    init {
        val metrics = context.resources.displayMetrics
        boxes.painter = BoxPainter(
            detector.file.labels, Palette.of(detector.contract), LINE_DP * metrics.density,
            TypedValue.applyDimension(TypedValue.COMPLEX_UNIT_SP, LABEL_SP, metrics),
        )
        boxes.touched = { x, y, reach -> shown?.let { all -> details.boxAt(all, x, y, reach)?.let { details.show(it, width, height) } } }
        found.setOnClickListener { shown?.let { details.showAll(it, found.text.toString(), width, height) } }
        KnownClasses(context, detector.file.labels).bind(view.findViewById(R.id.knows))
        slider.max = STEPS - 1
        slider.min = 1
        slider.progress = (detector.scoreThreshold * STEPS).roundToInt().coerceIn(1, STEPS - 1)
        sayThreshold()
        slider.setOnSeekBarChangeListener(object : SeekBar.OnSeekBarChangeListener {
            override fun onProgressChanged(bar: SeekBar, progress: Int, fromUser: Boolean) {
                // The contract's own threshold need not be a whole percentage, and stays until it is changed.
                if (progress == (detector.scoreThreshold * STEPS).roundToInt()) return
                detector.scoreThreshold = progress.toDouble() / STEPS
                sayThreshold()
                askAgain()
            }

            override fun onStartTrackingTouch(bar: SeekBar) = Unit

            override fun onStopTrackingTouch(bar: SeekBar) = Unit
        })
    }

    override fun place(picture: RectF, width: Int, height: Int, seen: RectF) {
        this.width = width
        this.height = height
        boxes.place(picture, width, height)
        frame.place(seen)
    }

    override fun show(answer: Answer?, live: Boolean) {
        val objects = answer as? DetectedObjects
        shown = objects
        boxes.show(objects)
        if (objects == null) {
            found.visibility = View.GONE
            panel.contentDescription = null
            return
        }
        if (found.visibility != View.VISIBLE) found.visibility = View.VISIBLE
        if (words.changed(objects) && reading.due(live)) found.text = words.text()
        if (found.text.toString() != panel.contentDescription && speaking.due(live)) panel.contentDescription = found.text.toString()
    }

    private fun sayThreshold() {
        val text = context.getString(R.string.shown_from, NumberFormat.getPercentInstance().format(detector.scoreThreshold))
        threshold.text = text
        slider.contentDescription = text
    }

    private companion object {
        const val LINE_DP = 2.5f
        const val LABEL_SP = 18f
        const val STEPS = 100
    }
}
