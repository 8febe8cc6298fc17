package org.tformer.demo.core

/**
 * Which of overlapping boxes stay, as `tformer_edge/suppression.py`: a box stays unless one of its own class that stays before it
 * overlaps it, inter > threshold · union.
 *
 * @param labels classes that there are. @param most boxes that may stay.
 */
internal class Suppression(labels: Int, private val most: Int) {
    /** Of each class the box that stayed last, and of each box the one of its class before it; −1 for none. */
    private val last = IntArray(labels) { -1 }
    private val before = IntArray(most)

    /**
     * Copies what stays of [candidates], in their order, to [kept], up to [most].
     */
    fun keep(candidates: RankedCandidates, threshold: Double, kept: Detections) {
        kept.count = 0
        for (place in 0 until candidates.count) {
            val candidate = candidates.order[place]
            if (candidates.isEmpty(candidate) || overlapped(candidates, candidate, threshold, kept)) continue
            val index = kept.count++
            val label = candidates.labels[candidate]
            candidates.boxes.copyInto(kept.boxes, 4 * index, 4 * candidate, 4 * candidate + 4)
            kept.labels[index] = label
            kept.logits[index] = candidates.logits[candidate]
            before[index] = last[label]
            last[label] = index
            if (kept.count == most) break
        }
        for (index in 0 until kept.count) last[kept.labels[index]] = -1
    }

    private fun overlapped(candidates: RankedCandidates, candidate: Int, threshold: Double, kept: Detections): Boolean {
        val boxes = candidates.boxes
        val left = boxes[4 * candidate]
        val top = boxes[4 * candidate + 1]
        val right = boxes[4 * candidate + 2]
        val bottom = boxes[4 * candidate + 3]
        val area = (right - left) * (bottom - top)
        var other = last[candidates.labels[candidate]]
        while (other >= 0) {
            val otherLeft = kept.boxes[4 * other]
            val otherTop = kept.boxes[4 * other + 1]
            val otherRight = kept.boxes[4 * other + 2]
            val otherBottom = kept.boxes[4 * other + 3]
            val width = minOf(right, otherRight) - maxOf(left, otherLeft)
            val height = minOf(bottom, otherBottom) - maxOf(top, otherTop)
            val inter = maxOf(width, 0.0) * maxOf(height, 0.0)
            val union = (otherRight - otherLeft) * (otherBottom - otherTop) + area - inter
            if (inter > union * threshold) return true
            other = before[other]
        }
        return false
    }
}
