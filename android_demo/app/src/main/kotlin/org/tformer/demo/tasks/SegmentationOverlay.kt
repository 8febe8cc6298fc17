package org.tformer.demo.tasks

import android.content.res.ColorStateList
import android.graphics.Color
import android.graphics.RectF
import android.view.LayoutInflater
import android.view.View
import android.view.ViewGroup
import android.widget.TextView
import org.tformer.demo.R
import org.tformer.demo.core.Answer
import org.tformer.demo.core.ClassMap
import org.tformer.demo.core.Palette
import org.tformer.demo.core.Segmenter
import kotlin.math.roundToInt

/** The classes' colours over the picture; beside it a legend of the largest ones with their shares. */
internal class SegmentationOverlay(parent: ViewGroup, segmenter: Segmenter) : TaskOverlay {
    override val view: View = LayoutInflater.from(parent.context).inflate(R.layout.overlay_segmentation, parent, false)
    override var askAgain: () -> Unit = {}
    private val context = parent.context
    private val mask: PaintedView = view.findViewById(R.id.mask)
    private val frame: FrameView = view.findViewById(R.id.frame)
    private val panel: View = view.findViewById(R.id.panel)
    private val legend: ViewGroup = view.findViewById(R.id.legend)
    private val colours = Palette.of(segmenter.contract)
    private val names = segmenter.file.labels
    private val percent = oneDigitPercent()
    private val reading = Pace(Pace.READ)
    private val speaking = Pace(Pace.SPOKEN)
    private val rows = List(minOf(SegmentationTask.SHOWN, names.size)) { Row() }

    private inner class Row {
        val view: View = LayoutInflater.from(context).inflate(R.layout.row_area, legend, false).also(legend::addView)
        val swatch: View = view.findViewById(R.id.swatch)
        val label: TextView = view.findViewById(R.id.label)
        val share: TextView = view.findViewById(R.id.share)
        var index = -1
        var permille = -1
    }

    init {
        mask.painter = MaskPainter(colours)
        KnownClasses(context, names).bind(view.findViewById(R.id.knows))
    }

    override fun place(picture: RectF, width: Int, height: Int, seen: RectF) {
        mask.place(picture, width, height)
        frame.place(seen)
    }

    override fun show(answer: Answer?, live: Boolean) {
        val map = answer as? ClassMap
        mask.show(map)
        if (map == null) {
            legend.visibility = View.GONE
            panel.contentDescription = null
            return
        }
        if (legend.visibility != View.VISIBLE) legend.visibility = View.VISIBLE
        if (changed(map) && reading.due(live)) fill(map)
        if (speaking.due(live)) announce()
    }

    private fun changed(map: ClassMap): Boolean {
        for (place in rows.indices) {
            val there = place < map.areaCount
            if (rows[place].index != (if (there) map.areaIndex(place) else NOTHING)) return true
            if (there && rows[place].permille != (1000 * map.areaShare(place)).roundToInt()) return true
        }
        return false
    }

    private fun fill(map: ClassMap) {
        for (place in rows.indices) {
            val row = rows[place]
            row.view.visibility = if (place < map.areaCount) View.VISIBLE else View.GONE
            row.index = if (place < map.areaCount) map.areaIndex(place) else NOTHING
            if (row.index == NOTHING) continue
            row.permille = (1000 * map.areaShare(place)).roundToInt()
            row.swatch.backgroundTintList = ColorStateList.valueOf(Color.BLACK or colours[row.index])
            row.label.text = names[row.index]
            row.share.text = percent.format(map.areaShare(place))
            row.view.contentDescription = context.getString(R.string.label_percent, names[row.index], row.share.text)
        }
    }

    /** The classes by their sizes; shares change with each frame and are read row by row. */
    private fun announce() {
        val said = rows.filter { it.index >= 0 }.joinToString(context.getString(R.string.list_separator)) { names[it.index] }
        val text = said.ifEmpty { context.getString(R.string.nothing_found) }
        if (text != panel.contentDescription) panel.contentDescription = text
    }

    private companion object {
        const val NOTHING = -2
    }
}
