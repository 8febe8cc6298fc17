package org.tformer.demo.agreement

import org.tformer.demo.core.DetectedObject
import kotlin.math.abs

/** How well boxes of two runs pair up, by class and an overlap of more than a half: greedily, as `tformer_edge` counts them. */
internal class Matches {
    var there = 0
        private set
    private var here = 0
    private var matched = 0
    private var overlaps = 0.0
    private var least = 1.0
    private var score = 0.0

    /** Of all boxes of both runs those that pair up. */
    val share: Double get() = if (there + here == 0) 1.0 else 2.0 * matched / (there + here)

    val meanOverlap: Double get() = overlaps / matched

    fun add(expected: List<DetectedObject>, received: List<DetectedObject>) {
        there += expected.size
        here += received.size
        val free = received.toMutableList()
        for (one in expected) {
            val other = free.filter { it.index == one.index }.maxByOrNull { overlap(one, it) } ?: continue
            val overlap = overlap(one, other)
            if (overlap <= SAME) continue
            free -= other
            matched++
            overlaps += overlap
            least = minOf(least, overlap)
            score = maxOf(score, abs(one.score - other.score))
        }
    }

    fun line() = "$there / $here | %.2f %% | %.4f | %.4f | %.4f".format(100 * share, meanOverlap, least, score)

    private fun overlap(one: DetectedObject, other: DetectedObject): Double {
        val width = minOf(one.right, other.right) - maxOf(one.left, other.left)
        val height = minOf(one.bottom, other.bottom) - maxOf(one.top, other.top)
        val inter = maxOf(width, 0.0) * maxOf(height, 0.0)
        return inter / (area(one) + area(other) - inter)
    }

    private fun area(one: DetectedObject) = (one.right - one.left) * (one.bottom - one.top)

    private companion object {
        const val SAME = 0.5
    }
}
