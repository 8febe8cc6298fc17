package org.tformer.demo.tasks

import android.content.Context
import org.tformer.demo.R
import org.tformer.demo.core.DetectedObjects

/** How many of each class were found, in words: "2 red cells, 1 white cell". */
class FoundThings(private val context: Context, private val names: List<String>) {
    private val counts = IntArray(names.size)
    private val known = IntArray(names.size)
    private var never = true

    /** Whether [objects] are others, by their numbers, than those of [text]. Allocates nothing. */
    fun changed(objects: DetectedObjects?): Boolean {
        counts.fill(0)
        for (place in 0 until (objects?.count ?: 0)) counts[objects!!.indices[place]]++
        return never || !counts.contentEquals(known)
    }

    /** Those that [changed] looked at last. */
    fun text(): String {
        never = false
        counts.copyInto(known)
        val there = counts.indices.filter { counts[it] > 0 }.sortedByDescending { counts[it] }
        if (there.isEmpty()) return context.getString(R.string.nothing_found)
        val parts = there.take(SHOWN).map { words(names[it], counts[it]) }
        val all = if (there.size > SHOWN) parts + context.getString(R.string.more_kinds, there.size - SHOWN) else parts
        return all.joinToString(context.getString(R.string.list_separator))
    }

    private fun words(label: String, count: Int): String {
        val plural = PLURALS[label]
        return if (plural == null) {
            context.getString(R.string.counted, count, label)
        } else {
            context.resources.getQuantityString(plural, count, count)
        }
    }

    private companion object {
        const val SHOWN = 6

        /** The labels of the bundled detector, which are abbreviations. */
        val PLURALS = mapOf("RBC" to R.plurals.red_cells, "WBC" to R.plurals.white_cells, "Platelets" to R.plurals.platelets)
    }
}
