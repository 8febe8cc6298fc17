package org.tformer.demo.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Where a picture lies in an input, of all three resize rules, as `tformer_edge/frame.py` says. */
class PictureFrameTest {
    private fun text(fraction: Fraction) = "$fraction".removeSuffix("/1")

    @Test
    fun `regions, windows and boxes are Python's`() {
        assertTrue(SceneVectors.frames.size > 50)
        for (case in SceneVectors.frames) {
            val input = SceneVectors.integers(case["input"])
            val (height, width) = SceneVectors.integers(case["picture"])
            val image = SceneVectors.image(input, case["resize"] as String, (case["crop_fraction"] as Number).toDouble())
            val frame = PictureFrame(image, height, width)
            assertEquals(SceneVectors.integers(case["seen"]), frame.run { listOf(seenTop, seenLeft, seenHeight, seenWidth) }, "$case")
            val window = frame.window(input[0] / 4, input[1] / 4)
            assertEquals(case["window"], listOf(window.top, window.left, window.height, window.width).map(::text), "$case")
            val given = SceneVectors.noise(case["seed"] as Long, 80).map { java.lang.Long.remainderUnsigned(it, 3000).toDouble() / 8 - 40 }
            val mapped = given.mapIndexed { index, value -> if (index % 2 == 0) frame.pictureX(value) else frame.pictureY(value) }
            assertEquals(case["to_picture_sha256"], SceneVectors.sha256(mapped.toDoubleArray()), "$case")
        }
    }
}
