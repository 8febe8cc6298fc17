package org.tformer.demo.core

/**
 * Finds the highest of a map's values in linear time and without allocating, however many are equal: their keys are counted by their
 * upper and then by their lower 16 bits, until the one that is number [limit] is known.
 *
 * @property found indices of what was found, ascending; as many as [count].
 * @param most values of the largest map.
 */
internal class HighestValues(private val limit: Int, most: Int) {
    val found = IntArray(minOf(limit, most))
    var count = 0
        private set
    private val counts = IntArray(1 shl BITS)

    /** Of the values from [start] to [end], that excluded, those whose real number exceeds [threshold]; of equal ones the first. */
    fun find(values: MapValues, start: Int, end: Int, threshold: Double) {
        count = 0
        val least = values.leastKey(threshold)
        var over = 0
        for (index in start until end) if (values.key(index) >= least) over++
        if (over <= limit) {
            for (index in start until end) if (values.key(index) >= least) found[count++] = index
            return
        }
        val cut = cut(values, start, end, least)
        var above = 0
        for (index in start until end) if (values.key(index) > cut) above++
        var equal = limit - above
        for (index in start until end) {
            val key = values.key(index)
            if (key > cut || (key == cut && equal-- > 0)) found[count++] = index
        }
    }

    /** The key that is number [limit] from the highest, among more than that many of at least [least]. */
    private fun cut(values: MapValues, start: Int, end: Int, least: Int): Int {
        counts.fill(0)
        for (index in start until end) {
            val key = values.key(index)
            if (key >= least) counts[(key shr BITS) + HALF]++
        }
        var wanted = limit
        var upper = counts.size - 1
        while (counts[upper] < wanted) wanted -= counts[upper--]
        counts.fill(0)
        for (index in start until end) {
            val key = values.key(index)
            if (key >= least && (key shr BITS) + HALF == upper) counts[key and MASK]++
        }
        var lower = counts.size - 1
        while (counts[lower] < wanted) wanted -= counts[lower--]
        return ((upper - HALF) shl BITS) or lower
    }

    private companion object {
        const val BITS = 16
        const val HALF = 1 shl 15
        const val MASK = (1 shl BITS) - 1
    }
}
