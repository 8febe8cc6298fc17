package org.tformer.demo.camera

import android.content.Context
import android.view.View
import org.tformer.demo.R
import org.tformer.demo.core.RgbImage
import org.tformer.demo.core.YuvConverter
import org.tformer.demo.core.YuvPlane

/** Where frames come from: [Camera2Source] on a phone, injected ones in tests. Called on the main thread. */
interface CameraSource {
    /** The cameras that this device has, the one to begin with first; empty without any. */
    fun facings(): List<Facing>

    /** A new view that shows what the camera sees, for the next [start]. */
    fun preview(context: Context): View

    /**
     * Opens a camera; what comes of it is told to [listener].
     *
     * @param displayDegrees 0, 90, 180 or 270: how far the screen's content is turned from the device's natural orientation.
     */
    fun start(facing: Facing, displayDegrees: Int, listener: CameraListener)

    /** Ends everything that [start] began. Frames that are still held stay readable until they are closed. */
    fun stop()
}

enum class Facing { BACK, FRONT }

/** Why there is no picture. @property sentence that says so. */
enum class CameraProblem(val sentence: Int) {
    NO_CAMERA(R.string.no_camera),
    IN_USE(R.string.camera_in_use),
    TAKEN_AWAY(R.string.camera_taken_away),
    DISABLED(R.string.camera_disabled),
    BROKEN(R.string.camera_broken),
}

interface CameraListener {
    /** On the main thread: the picture's size as it is seen upright. Before the first frame. */
    fun onStarted(width: Int, height: Int)

    /** On any thread. The receiver closes the frame, soon: a camera has few of them. */
    fun onFrame(frame: CameraFrame)

    /** On the main thread. The camera is closed. */
    fun onProblem(problem: CameraProblem)

    /** On the main thread: a camera that was in use by another app is free again. */
    fun onFreeAgain()
}

/**
 * One picture of the camera in YUV 4:2:0.
 *
 * @property rotationDegrees 0, 90, 180 or 270: turned clockwise by this, it stands upright on the screen.
 * @property mirror whether it is then mirrored left to right, as front cameras' previews are.
 */
class CameraFrame(
    val width: Int,
    val height: Int,
    private val y: YuvPlane,
    private val u: YuvPlane,
    private val v: YuvPlane,
    val rotationDegrees: Int,
    val mirror: Boolean,
    private val release: () -> Unit,
) : AutoCloseable {
    private var closed = false

    /** The picture upright, as the preview shows it; in [reuse] where that has its size. */
    fun toRgb(converter: YuvConverter, reuse: RgbImage?): RgbImage {
        check(!closed) { "the frame is closed" }
        return converter.toRgb(width, height, y, u, v, rotationDegrees, mirror, reuse)
    }

    @Synchronized
    override fun close() {
        if (closed) return
        closed = true
        release()
    }
}
