package org.tformer.demo.camera

import android.graphics.Matrix
import android.graphics.RectF
import android.util.Size
import kotlin.math.abs

/** The arithmetic of turned sensors and turned screens. */
object CameraGeometry {
    /**
     * How far a frame is turned clockwise to stand upright on the screen.
     *
     * @param sensorDegrees `SENSOR_ORIENTATION`.
     * @param displayDegrees how far the screen's content is turned from the device's natural orientation.
     */
    fun frameRotation(sensorDegrees: Int, displayDegrees: Int, facing: Facing): Int = when (facing) {
        Facing.BACK -> (sensorDegrees - displayDegrees + 360) % 360
        // A front camera looks the other way, so that turning the device turns its picture the other way.
        Facing.FRONT -> (sensorDegrees + displayDegrees) % 360
    }

    /** The size of a picture of [width] × [height] after a turn by [degrees]. */
    fun turned(width: Int, height: Int, degrees: Int): Size =
        if (degrees % 180 == 0) Size(width, height) else Size(height, width)

    /**
     * What a `TextureView` needs to show a camera's buffer upright and undistorted. By itself it shows the buffer upright for the
     * device's natural orientation and stretched over the whole view.
     *
     * @param sensorDegrees `SENSOR_ORIENTATION`.
     */
    fun previewTransform(viewWidth: Int, viewHeight: Int, buffer: Size, sensorDegrees: Int, displayDegrees: Int): Matrix {
        val natural = turned(buffer.width, buffer.height, sensorDegrees)
        val centreX = viewWidth / 2f
        val centreY = viewHeight / 2f
        val seen = turned(natural.width, natural.height, displayDegrees)
        val scale = minOf(viewWidth.toFloat() / seen.width, viewHeight.toFloat() / seen.height)
        return Matrix().apply {
            // Back to the picture's own proportions, turned against the screen, then as large as fits.
            setScale(natural.width.toFloat() / viewWidth, natural.height.toFloat() / viewHeight, centreX, centreY)
            postRotate(-displayDegrees.toFloat(), centreX, centreY)
            postScale(scale, scale, centreX, centreY)
        }
    }

    /** The largest rectangle of the proportions [width] : [height] inside [area], at its [alignX] and [alignY] (0 to 1). */
    fun fit(width: Int, height: Int, area: RectF, alignX: Float = 0.5f, alignY: Float = 0.5f): RectF {
        val scale = minOf(area.width() / width, area.height() / height)
        val left = area.left + (area.width() - width * scale) * alignX
        val top = area.top + (area.height() - height * scale) * alignY
        return RectF(left, top, left + width * scale, top + height * scale)
    }

    /**
     * The size for analysis: 4:3 like the sensor where there is one, so that preview and analysis see the same, and of the
     * area nearest to 640 × 480: models look at 224 pixels or fewer.
     */
    fun analysisSize(sizes: List<Size>): Size? = fourToThree(sizes).minByOrNull { abs(it.width * it.height - 640 * 480) }

    /** The largest size for the preview up to 1440 × 1080, of the proportions of [analysis]. */
    fun previewSize(sizes: List<Size>, analysis: Size): Size {
        val same = sizes.filter { it.width * analysis.height == it.height * analysis.width }
        return same.filter { it.width <= 1440 && it.height <= 1440 }.maxByOrNull { it.width * it.height } ?: analysis
    }

    private fun fourToThree(sizes: List<Size>): List<Size> =
        sizes.filter { it.width * 3 == it.height * 4 }.ifEmpty { sizes }
}
