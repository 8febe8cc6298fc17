package org.tformer.demo.core

/**
 * What a detector found, the best first, in arrays that the next decoding fills again: of each the first [count].
 *
 * @property labels the index of the class, from 0. @property logits what they rank by.
 * @property boxes left, top, right, bottom of each, in pixels of the input.
 */
class Detections internal constructor(most: Int) {
    var count = 0
        internal set
    val labels = IntArray(most)
    val logits = DoubleArray(most)
    val boxes = DoubleArray(4 * most)

    /** 0 to 1, for display. Those of unequal logits may be equal, near 0 and 1. */
    fun score(index: Int): Double = Exponential.sigmoid(logits[index])
}
