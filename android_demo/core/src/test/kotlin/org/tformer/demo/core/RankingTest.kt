package org.tformer.demo.core

import net.jqwik.api.ForAll
import net.jqwik.api.Property
import net.jqwik.api.constraints.IntRange
import net.jqwik.api.constraints.NotEmpty
import net.jqwik.api.constraints.Size
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** The indices of the [top] greatest of [values]. */
internal fun ranked(values: DoubleArray, top: Int): IntArray = IntArray(minOf(top, values.size)).also { rank(values, it) }

/** The shares by themselves. */
internal fun softmax(scores: DoubleArray, temperature: Double = 1.0): DoubleArray =
    DoubleArray(scores.size).also { softmax(scores, temperature, it) }

/** The order of labels where many scores are equal, as int8 scores are. */
class RankingTest {
    @Property(tries = 1000)
    fun `ranking is a stable sort, the smaller index first among equals`(
        @ForAll @NotEmpty @Size(max = 40) numbers: IntArray,
        @ForAll @IntRange(min = 1, max = 45) top: Int,
    ) {
        // Five values for up to 40 places: ties everywhere.
        val values = numbers.map { it % 3 }
        val expected = values.indices.sortedByDescending { values[it] }.take(top)
        assertEquals(expected, ranked(DoubleArray(values.size) { values[it].toDouble() }, top).asList())
    }

    @Property(tries = 500)
    fun `a softmax is a distribution in the order of the scores`(@ForAll @NotEmpty numbers: IntArray) {
        val scores = DoubleArray(numbers.size) { numbers[it] % 1000 / 16.0 }
        val shares = softmax(scores)
        assertEquals(1.0, shares.sum(), 1e-12 * scores.size + 1e-12)
        for (one in scores.indices) {
            assertTrue(shares[one] in 0.0..1.0)
            for (other in scores.indices) if (scores[one] > scores[other]) assertTrue(shares[one] >= shares[other])
        }
    }

    @Test
    fun `a temperature flattens or sharpens and changes no order`() {
        val scores = doubleArrayOf(1.0, 3.0, 2.0)
        assertEquals(softmax(doubleArrayOf(0.5, 1.5, 1.0)).asList(), softmax(scores, 2.0).asList())
        assertTrue(softmax(scores, 0.5)[1] > softmax(scores)[1] && softmax(scores)[1] > softmax(scores, 2.0)[1])
    }

    @Test
    fun `negative zero and zero are equal`() {
        assertEquals(listOf(3, 0, 1, 2), ranked(doubleArrayOf(-0.0, 0.0, -0.0, 1.0), 4).asList())
        assertEquals(listOf(3, 0), ranked(doubleArrayOf(0.0, -0.0, 0.0, 1.0), 2).asList())
    }
}
