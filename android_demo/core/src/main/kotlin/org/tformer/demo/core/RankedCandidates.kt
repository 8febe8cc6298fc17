package org.tformer.demo.core

/**
 * Anchors with a class that may be detections, and their order: the greater logit first, among equals the one that was added first.
 *
 * @param most candidates there can be.
 */
internal class RankedCandidates(most: Int) {
    var count = 0
        private set
    val labels = IntArray(most)
    val logits = DoubleArray(most)
    val boxes = DoubleArray(4 * most)
    var order = IntArray(most)
        private set
    private var scratch = IntArray(most)

    fun clear() {
        count = 0
    }

    fun add(label: Int, logit: Double, left: Double, top: Double, right: Double, bottom: Double) {
        labels[count] = label
        logits[count] = logit
        boxes[4 * count] = left
        boxes[4 * count + 1] = top
        boxes[4 * count + 2] = right
        boxes[4 * count + 3] = bottom
        count++
    }

    /** Whether nothing of a candidate's box is left. */
    fun isEmpty(candidate: Int): Boolean =
        !(boxes[4 * candidate + 2] > boxes[4 * candidate] && boxes[4 * candidate + 3] > boxes[4 * candidate + 1])

    /** Fills [order]. A merge sort, which is stable; the library's allocates. */
    fun rank() {
        for (index in 0 until count) order[index] = index
        var length = 1
        while (length < count) {
            var start = 0
            while (start < count) {
                merge(start, minOf(start.toLong() + length, count.toLong()).toInt(), minOf(start + 2L * length, count.toLong()).toInt())
                start = minOf(start + 2L * length, count.toLong()).toInt()
            }
            order = scratch.also { scratch = order }
            length = minOf(2L * length, Int.MAX_VALUE.toLong()).toInt()
        }
    }

    private fun merge(start: Int, middle: Int, end: Int) {
        var one = start
        var other = middle
        for (place in start until end) {
            scratch[place] = if (one < middle && (other >= end || logits[order[one]] >= logits[order[other]])) order[one++] else order[other++]
        }
    }
}
