package org.tformer.demo.tasks

import android.app.AlertDialog
import android.content.Context
import org.tformer.demo.R
import org.tformer.demo.core.DetectedObject
import org.tformer.demo.core.DetectedObjects
import java.text.NumberFormat
import kotlin.math.roundToInt

/** What was found, one by one: of a touched box, or as a list, which a screen reader reads too. */
class FoundDialog(private val context: Context) {
    private val percent = oneDigitPercent()

    /**
     * The smallest box around or near a place, in the picture's pixels.
     *
     * @param reach how far beside a box still means it.
     */
    fun boxAt(objects: DetectedObjects, x: Double, y: Double, reach: Double): DetectedObject? =
        (0 until objects.count).map(objects::get)
            .filter { x >= it.left - reach && x <= it.right + reach && y >= it.top - reach && y <= it.bottom + reach }
            .minByOrNull { (it.right - it.left) * (it.bottom - it.top) }

    /** @param width of the picture in pixels, as [height]. */
    fun show(one: DetectedObject, width: Int, height: Int): AlertDialog {
        val share = (one.right - one.left) * (one.bottom - one.top) / (width.toDouble() * height)
        val sides = listOf(one.right - one.left, one.bottom - one.top, one.left, one.top).map { NumberFormat.getIntegerInstance().format(it.roundToInt()) }
        return AlertDialog.Builder(context)
            .setTitle(one.label)
            .setMessage(context.getString(R.string.box_details, percent.format(one.score), sides[0], sides[1], sides[2], sides[3], percent.format(share)))
            .setPositiveButton(android.R.string.ok, null)
            .show()
    }

    /** All of them, the best first; each leads to its details. */
    fun showAll(objects: DetectedObjects, title: String, width: Int, height: Int): AlertDialog? {
        if (objects.count == 0) return null
        // Kept apart: the answer is filled anew while the list is open.
        val all = List(objects.count, objects::get)
        val lines = all.map { context.getString(R.string.label_percent, it.label, percent.format(it.score)) }
        return AlertDialog.Builder(context)
            .setTitle(title)
            .setItems(lines.toTypedArray<CharSequence>()) { _, place -> show(all[place], width, height) }
            .setNegativeButton(R.string.close, null)
            .show()
    }
}
