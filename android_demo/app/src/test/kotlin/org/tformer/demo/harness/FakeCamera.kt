package org.tformer.demo.harness

import android.content.Context
import android.view.View
import android.widget.ImageView
import org.tformer.demo.camera.CameraFrame
import org.tformer.demo.camera.CameraListener
import org.tformer.demo.camera.CameraProblem
import org.tformer.demo.camera.CameraSource
import org.tformer.demo.camera.Facing
import org.tformer.demo.core.RgbImage
import org.tformer.demo.photo.BitmapPixels
import org.robolectric.shadows.ShadowSystemClock
import java.time.Duration
import java.util.concurrent.atomic.AtomicInteger

/** A camera whose frames tests inject. Its preview shows the last one. */
class FakeCamera : CameraSource {
    var available: List<Facing> = listOf(Facing.BACK, Facing.FRONT)
    var facing: Facing? = null
        private set
    var displayDegrees = -1
        private set
    val open: Boolean get() = listener != null
    val held = AtomicInteger()
    val mostHeld = AtomicInteger()
    val released = AtomicInteger()
    private var listener: CameraListener? = null
    private var lastListener: CameraListener? = null
    private var preview: ImageView? = null

    override fun facings(): List<Facing> = available

    override fun preview(context: Context): View = ImageView(context).apply { scaleType = ImageView.ScaleType.FIT_XY }.also { preview = it }

    override fun start(facing: Facing, displayDegrees: Int, listener: CameraListener) {
        this.facing = facing
        this.displayDegrees = displayDegrees
        this.listener = listener
        lastListener = listener
    }

    override fun stop() {
        listener = null
    }

    /** As if the sensor saw [upright], turned by [rotationDegrees] against the screen, so long after the frame before that texts follow. */
    fun send(upright: RgbImage, rotationDegrees: Int = 90, mirror: Boolean = false) {
        val target = checkNotNull(listener) { "the camera is not open" }
        ShadowSystemClock.advanceBy(Duration.ofSeconds(3))
        preview?.setImageBitmap(BitmapPixels.bitmap(upright))
        target.onStarted(upright.width, upright.height)
        target.onFrame(frame(upright, rotationDegrees, mirror))
    }

    /** A frame that was on its way when the camera was closed. */
    fun sendLate(upright: RgbImage) = checkNotNull(lastListener).onFrame(frame(upright, 0, false))

    fun fail(problem: CameraProblem) = checkNotNull(listener).also { listener = null }.onProblem(problem)

    fun becomeFree() = checkNotNull(lastListener).onFreeAgain()

    private fun frame(upright: RgbImage, rotationDegrees: Int, mirror: Boolean): CameraFrame {
        mostHeld.accumulateAndGet(held.incrementAndGet(), ::maxOf)
        return YuvFrames.frame(upright, rotationDegrees, mirror) {
            held.decrementAndGet()
            released.incrementAndGet()
        }
    }
}
