package org.tformer.demo.tasks

import kotlin.math.roundToInt

/** Sizes in a drawn picture by the pixels of its longer side, as `tformer_edge/tasks/` has them. */
object DrawnSizes {
    fun line(side: Int): Float = share(side, 300, 2)

    fun boxText(side: Int): Float = share(side, 40, LEAST_TEXT)

    fun legendText(side: Int): Float = share(side, 36, LEAST_TEXT)

    fun labelText(side: Int): Float = share(side, 16, LEAST_TEXT)

    private const val LEAST_TEXT = 11

    private fun share(side: Int, part: Int, least: Int): Float = maxOf(least, (side.toFloat() / part).roundToInt()).toFloat()
}
