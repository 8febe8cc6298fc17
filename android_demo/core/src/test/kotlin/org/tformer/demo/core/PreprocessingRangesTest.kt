package org.tformer.demo.core

import net.jqwik.api.ForAll
import net.jqwik.api.Property
import net.jqwik.api.constraints.DoubleRange
import net.jqwik.api.constraints.IntRange
import net.jqwik.api.constraints.Scale
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import kotlin.math.abs

/** Which settings exist, at their borders, and the sizes that follow from them. */
class PreprocessingRangesTest {
    private val third = listOf(0.0, 0.5, 1.0)
    private val std = listOf(1e-6, 1.0, 1e6)

    private fun shorter(height: Int, width: Int, crop: Double) = Preprocessing(height, width, Resize.SHORTER, crop, third, std)

    @Test
    fun `the borders are within and what lies beyond is refused`() {
        for (side in listOf(1, 8192)) shorter(side, side, 1.0)
        val wrong = listOf<() -> Preprocessing>(
            { shorter(0, 1, 1.0) },
            { shorter(1, 8193, 1.0) },
            { shorter(1, 1, 0.0) },
            { shorter(1, 1, -0.5) },
            { shorter(1, 1, Math.nextUp(1.0)) },
            { shorter(1, 1, Double.NaN) },
            { shorter(1, 1, Double.MIN_VALUE) },
            { Preprocessing(1, 1, Resize.STRETCH, 0.5, third, std) },
            { Preprocessing(1, 1, Resize.STRETCH, 1.0, third.take(2), std) },
            { Preprocessing(1, 1, Resize.STRETCH, 1.0, listOf(0.0, Math.nextUp(1.0), 0.0), std) },
            { Preprocessing(1, 1, Resize.STRETCH, 1.0, listOf(0.0, Double.NaN, 0.0), std) },
            { Preprocessing(1, 1, Resize.STRETCH, 1.0, third, std + 1.0) },
            { Preprocessing(1, 1, Resize.STRETCH, 1.0, third, listOf(1.0, Math.nextDown(1e-6), 1.0)) },
            { Preprocessing(1, 1, Resize.STRETCH, 1.0, third, listOf(1.0, Math.nextUp(1e6), 1.0)) },
            { Preprocessing(1, 1, Resize.STRETCH, 1.0, third, listOf(1.0, Double.POSITIVE_INFINITY, 1.0)) },
        )
        for ((number, make) in wrong.withIndex()) {
            val refusal = assertThrows<Refusal>("case $number") { make() }
            assertEquals("contract-field", refusal.rule)
            assertTrue(refusal.message!!.startsWith("Expected "), refusal.message)
        }
    }

    /** docs/contract.md: ⌊side / crop_fraction + 0.5⌋ at most 32,768; at the border a last bit decides. */
    @Test
    fun `the covered size ends at 32,768 to the last bit`() {
        var accepted = 0
        var refused = 0
        for (side in 1..8192 step 13) {
            val border = side / 32768.5
            for (crop in listOf(Math.nextDown(border), border, Math.nextUp(border))) {
                val sound = Math.floor(side / crop + 0.5) <= 32768
                val made = runCatching { shorter(side, 1, crop) }
                assertEquals(sound, made.isSuccess, "$side / $crop")
                made.onSuccess { assertEquals(32768, it.resizedSize(1, 1).height) }
                if (sound) accepted++ else refused++
            }
        }
        assertTrue(accepted > 100 && refused > 100, "both sides of the border are seen: $accepted and $refused")
    }

    @Property(tries = 1000)
    fun `the resized image covers the input and keeps the aspect ratio within a pixel`(
        @ForAll @IntRange(min = 1, max = 65_535) height: Int,
        @ForAll @IntRange(min = 1, max = 65_535) width: Int,
        @ForAll @IntRange(min = 1, max = 8192) toHeight: Int,
        @ForAll @IntRange(min = 1, max = 8192) toWidth: Int,
        @ForAll @DoubleRange(min = 0.2501, max = 1.0) @Scale(4) crop: Double,
    ) {
        val size = shorter(toHeight, toWidth, crop).resizedSize(height, width)
        val coverHeight = Math.floor(toHeight / crop + 0.5).toInt()
        val coverWidth = Math.floor(toWidth / crop + 0.5).toInt()
        assertTrue(size.height >= coverHeight && size.width >= coverWidth, "$size")
        assertTrue(size.height == coverHeight || size.width == coverWidth, "$size covers more than it must")
        val exact = if (size.height == coverHeight) {
            width.toDouble() * coverHeight / height - size.width
        } else {
            height.toDouble() * coverWidth / width - size.height
        }
        assertTrue(abs(exact) < 1 || (size.height == coverHeight && size.width == coverWidth), "$size is off by $exact")
        assertEquals(Size(toHeight, toWidth), Preprocessing(toHeight, toWidth, Resize.STRETCH, 1.0, third, std).resizedSize(height, width))
    }

    @Test
    fun `an image has as many bytes as pixels and sides that JPEG has`() {
        RgbImage(65_535, 1, ByteArray(3 * 65_535))
        for ((width, height, bytes) in listOf(
            Triple(0, 1, 0), Triple(1, 0, 0), Triple(-1, -1, 3), Triple(65_536, 1, 3 * 65_536), Triple(2, 2, 11), Triple(2, 2, 13),
            // 3 · 65,535² is more than 32 bits hold.
            Triple(65_535, 65_535, 3),
        )) {
            assertThrows<IllegalArgumentException>("$width x $height") { RgbImage(width, height, ByteArray(bytes)) }
        }
    }
}
