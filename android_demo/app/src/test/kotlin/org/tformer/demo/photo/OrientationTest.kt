package org.tformer.demo.photo

import org.junit.Assert.assertEquals
import org.junit.Test
import org.tformer.demo.core.RgbImage

class OrientationTest {
    /** Rows of digits as pixels. */
    private fun image(vararg rows: String): RgbImage {
        val pixels = rows.joinToString("").flatMap { digit -> List(3) { digit.digitToInt().toByte() } }
        return RgbImage(rows[0].length, rows.size, pixels.toByteArray())
    }

    private fun rows(image: RgbImage) = List(image.height) { y ->
        List(image.width) { x -> image.pixels[3 * (y * image.width + x)].toInt() }.joinToString("")
    }

    @Test
    fun `each of EXIF's eight orientations`() {
        val stored = image("123", "456")
        val expected = mapOf(
            1 to listOf("123", "456"), 2 to listOf("321", "654"), 3 to listOf("654", "321"), 4 to listOf("456", "123"),
            5 to listOf("14", "25", "36"), 6 to listOf("41", "52", "63"), 7 to listOf("63", "52", "41"), 8 to listOf("36", "25", "14"),
        )
        for ((orientation, upright) in expected) assertEquals("$orientation", upright, rows(Orientation.upright(stored, orientation)))
        for (unknown in listOf(0, 9, -1)) assertEquals(rows(stored), rows(Orientation.upright(stored, unknown)))
    }
}
