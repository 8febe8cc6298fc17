package org.tformer.demo.core

import net.jqwik.api.ForAll
import net.jqwik.api.Property
import net.jqwik.api.constraints.IntRange
import net.jqwik.api.constraints.NotEmpty
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

/** Percentiles against the definition, and NumPy's last bit where the two ends are equally near. */
class PercentilesTest {
    @Test
    fun `half way NumPy counts from the upper value`() {
        // numpy.percentile([greater, less], 50); counting from the lower value ends one bit beside.
        for ((greater, less, median) in listOf(
            Triple(8.474, 1.344, 4.909000000000001),
            Triple(9.014, 0.306, 4.659999999999999),
            Triple(5.414, 0.254, 2.8339999999999996),
        )) {
            assertEquals(median, Percentiles.of(doubleArrayOf(greater, less), 50.0))
        }
    }

    @Property(tries = 500)
    fun `a percentile lies on the line between its two neighbours`(
        @ForAll @NotEmpty numbers: IntArray,
        @ForAll @IntRange(max = 100) percent: Int,
    ) {
        val values = numbers.map { it % 1_000_000 }
        val sorted = values.sorted()
        val hundredths = (values.size - 1) * percent
        val below = sorted[hundredths / 100]
        val above = sorted[minOf(hundredths / 100 + 1, values.size - 1)]
        val expected = below + (above - below) * (hundredths % 100) / 100.0
        val longs = LongArray(values.size) { values[it].toLong() }
        assertEquals(expected, Percentiles.of(longs, percent.toDouble()), 1e-6)
        assertArrayEquals(LongArray(values.size) { values[it].toLong() }, longs, "the values stay in their order")
    }
}
