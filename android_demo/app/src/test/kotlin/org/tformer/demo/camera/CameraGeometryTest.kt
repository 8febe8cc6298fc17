package org.tformer.demo.camera

import android.graphics.Matrix
import android.graphics.RectF
import android.util.Size
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner

@RunWith(RobolectricTestRunner::class)
class CameraGeometryTest {
    @Test
    fun `a phone's usual sensors stand upright in each of its four positions`() {
        assertEquals(listOf(90, 0, 270, 180), listOf(0, 90, 180, 270).map { CameraGeometry.frameRotation(90, it, Facing.BACK) })
        assertEquals(listOf(270, 0, 90, 180), listOf(0, 90, 180, 270).map { CameraGeometry.frameRotation(270, it, Facing.FRONT) })
    }

    /** Where the transform puts a point of the upright natural picture, which the view stretches over all of itself. */
    private fun map(matrix: Matrix, x: Float, y: Float): List<Int> = floatArrayOf(x, y).also(matrix::mapPoints).map { Math.round(it) }

    @Test
    fun `the preview is neither stretched nor turned, in portrait`() {
        // 1440 × 1080 from a sensor at 90° is seen as 1080 × 1440, and fits a view of these proportions as it is.
        val same = CameraGeometry.previewTransform(900, 1200, Size(1440, 1080), 90, 0)
        assertEquals(listOf(0, 0), map(same, 0f, 0f))
        assertEquals(listOf(900, 1200), map(same, 900f, 1200f))
        // In a square view it is as high as the view, three quarters as wide, and in the middle.
        val square = CameraGeometry.previewTransform(1000, 1000, Size(1440, 1080), 90, 0)
        assertEquals(listOf(125, 0), map(square, 0f, 0f))
        assertEquals(listOf(875, 1000), map(square, 1000f, 1000f))
    }

    @Test
    fun `on a screen turned by 90 degrees the natural picture is turned back and fills the view`() {
        val left = CameraGeometry.previewTransform(1200, 900, Size(1440, 1080), 90, 90)
        // The natural picture's upper left corner lies at the lower left, its upper right one at the upper left.
        assertEquals(listOf(0, 900), map(left, 0f, 0f))
        assertEquals(listOf(0, 0), map(left, 1200f, 0f))
        val right = CameraGeometry.previewTransform(1200, 900, Size(1440, 1080), 90, 270)
        assertEquals(listOf(1200, 0), map(right, 0f, 0f))
        assertEquals(listOf(1200, 900), map(right, 1200f, 0f))
    }

    @Test
    fun `analysis takes the 4 to 3 size nearest to 640 by 480`() {
        val sizes = listOf(Size(4000, 3000), Size(1920, 1080), Size(640, 480), Size(320, 240), Size(640, 360))
        assertEquals(Size(640, 480), CameraGeometry.analysisSize(sizes))
        assertEquals(Size(640, 360), CameraGeometry.analysisSize(listOf(Size(1280, 720), Size(640, 360))))
        assertEquals(null, CameraGeometry.analysisSize(emptyList()))
        assertEquals(Size(1440, 1080), CameraGeometry.previewSize(listOf(Size(4000, 3000), Size(1440, 1080), Size(1280, 720)), Size(640, 480)))
        assertEquals(Size(640, 480), CameraGeometry.previewSize(listOf(Size(1280, 720)), Size(640, 480)))
    }

    @Test
    fun `fit keeps proportions and stays inside`() {
        val fitted = CameraGeometry.fit(640, 480, RectF(0f, 0f, 1000f, 2000f), alignY = 0f)
        assertEquals(RectF(0f, 0f, 1000f, 750f), fitted)
        assertEquals(RectF(0f, 625f, 1000f, 1375f), CameraGeometry.fit(640, 480, RectF(0f, 0f, 1000f, 2000f)))
        assertTrue(RectF(0f, 0f, 50f, 50f).contains(CameraGeometry.fit(3, 7, RectF(0f, 0f, 50f, 50f))))
    }
}
