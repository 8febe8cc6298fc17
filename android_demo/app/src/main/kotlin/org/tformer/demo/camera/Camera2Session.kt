package org.tformer.demo.camera

import android.graphics.ImageFormat
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.hardware.camera2.CaptureRequest
import android.media.Image
import android.media.ImageReader
import android.os.Handler
import android.os.HandlerThread
import android.util.Size
import android.view.Surface
import android.view.TextureView
import org.tformer.demo.core.YuvPlane

/**
 * One camera, from opening to closing. It reports at most one problem, and nothing after [close].
 *
 * @throws CameraAccessException and IllegalArgumentException where the camera's properties cannot be read.
 */
internal class Camera2Session(
    private val manager: CameraManager,
    private val id: String,
    private val facing: Facing,
    private val displayDegrees: Int,
    private val view: TextureView,
    private val mainThread: Handler,
    private val listener: CameraListener,
) {
    private val sensorDegrees: Int
    private val continuousFocus: Boolean
    private val analysisSize: Size
    private val previewSize: Size
    private val thread = HandlerThread("camera").apply { start() }
    private val handler = Handler(thread.looper)

    // Everything below is guarded by this object.
    private var closed = false
    private var framesHeld = 0
    private var device: CameraDevice? = null
    private var reader: ImageReader? = null
    private var previewSurface: Surface? = null

    init {
        val characteristics = manager.getCameraCharacteristics(id)
        val configurations = characteristics.get(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP)
        sensorDegrees = characteristics.get(CameraCharacteristics.SENSOR_ORIENTATION) ?: 0
        continuousFocus = characteristics.get(CameraCharacteristics.CONTROL_AF_AVAILABLE_MODES)
            ?.contains(CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_PICTURE) == true
        analysisSize = CameraGeometry.analysisSize(configurations?.getOutputSizes(ImageFormat.YUV_420_888).orEmpty().toList())
            ?: Size(640, 480)
        previewSize = CameraGeometry.previewSize(
            configurations?.getOutputSizes(SurfaceTexture::class.java).orEmpty().toList(),
            analysisSize,
        )
    }

    /** Opens the camera. The view's texture is available. */
    fun open() {
        val upright = CameraGeometry.turned(
            analysisSize.width, analysisSize.height, CameraGeometry.frameRotation(sensorDegrees, displayDegrees, facing),
        )
        listener.onStarted(upright.width, upright.height)
        view.addOnLayoutChangeListener { _, _, _, _, _, _, _, _, _ -> arrangePreview() }
        arrangePreview()
        try {
            manager.openCamera(id, deviceCallback, handler)
        } catch (error: CameraAccessException) {
            fail(Camera2Source.problem(error))
        } catch (_: SecurityException) {
            // The permission was taken back in this moment.
            fail(CameraProblem.DISABLED)
        } catch (_: IllegalArgumentException) {
            fail(CameraProblem.NO_CAMERA)
        }
    }

    fun arrangePreview() {
        if (view.width > 0 && view.height > 0) {
            view.setTransform(CameraGeometry.previewTransform(view.width, view.height, previewSize, sensorDegrees, displayDegrees))
        }
    }

    @Synchronized
    fun close() {
        if (closed) return
        closed = true
        device?.close()
        device = null
        previewSurface?.release()
        releaseReader()
        thread.quitSafely()
    }

    private val deviceCallback = object : CameraDevice.StateCallback() {
        override fun onOpened(camera: CameraDevice) = capture(camera)

        override fun onDisconnected(camera: CameraDevice) {
            camera.close()
            fail(CameraProblem.TAKEN_AWAY)
        }

        override fun onError(camera: CameraDevice, error: Int) {
            camera.close()
            fail(
                when (error) {
                    ERROR_CAMERA_IN_USE, ERROR_MAX_CAMERAS_IN_USE -> CameraProblem.IN_USE
                    ERROR_CAMERA_DISABLED -> CameraProblem.DISABLED
                    else -> CameraProblem.BROKEN
                },
            )
        }
    }

    @Synchronized
    private fun capture(camera: CameraDevice) {
        val texture = view.surfaceTexture
        if (closed || texture == null) {
            camera.close()
            return
        }
        device = camera
        texture.setDefaultBufferSize(previewSize.width, previewSize.height)
        val surface = Surface(texture).also { previewSurface = it }
        // One in work, one waiting, and two for acquireLatestImage to choose from.
        val frames = ImageReader.newInstance(analysisSize.width, analysisSize.height, ImageFormat.YUV_420_888, 4)
        frames.setOnImageAvailableListener({ deliver(it) }, handler)
        reader = frames
        try {
            val request = camera.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW).apply {
                addTarget(surface)
                addTarget(frames.surface)
                if (continuousFocus) set(CaptureRequest.CONTROL_AF_MODE, CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_PICTURE)
            }
            // The form that takes a SessionConfiguration came with Android 9.
            @Suppress("DEPRECATION")
            camera.createCaptureSession(listOf(surface, frames.surface), sessionCallback(request.build()), handler)
        } catch (error: CameraAccessException) {
            fail(Camera2Source.problem(error))
        } catch (_: IllegalStateException) {
            fail(CameraProblem.TAKEN_AWAY)
        } catch (_: IllegalArgumentException) {
            fail(CameraProblem.BROKEN)
        }
    }

    private fun sessionCallback(request: CaptureRequest) = object : CameraCaptureSession.StateCallback() {
        override fun onConfigured(session: CameraCaptureSession) {
            try {
                session.setRepeatingRequest(request, null, handler)
            } catch (error: CameraAccessException) {
                fail(Camera2Source.problem(error))
            } catch (_: IllegalStateException) {
                // Closed in the meantime; whoever closed it has said why.
            }
        }

        override fun onConfigureFailed(session: CameraCaptureSession) = fail(CameraProblem.BROKEN)
    }

    private fun deliver(source: ImageReader) {
        val image = synchronized(this) {
            if (closed) return
            val newest = try {
                source.acquireLatestImage()
            } catch (_: IllegalStateException) {
                // All four are held; this frame is passed over.
                null
            } ?: return
            framesHeld++
            newest
        }
        listener.onFrame(frame(image))
    }

    private fun frame(image: Image): CameraFrame {
        val (y, u, v) = image.planes.map { YuvPlane(it.buffer, it.rowStride, it.pixelStride) }
        return CameraFrame(
            image.width, image.height, y, u, v,
            CameraGeometry.frameRotation(sensorDegrees, displayDegrees, facing),
            mirror = facing == Facing.FRONT,
            release = { release(image) },
        )
    }

    @Synchronized
    private fun release(image: Image) {
        image.close()
        framesHeld--
        if (closed) releaseReader()
    }

    /** Closing a reader frees the memory of frames that someone may still read, so the last one closes it. */
    private fun releaseReader() {
        if (framesHeld == 0) {
            reader?.close()
            reader = null
        }
    }

    private fun fail(problem: CameraProblem) {
        synchronized(this) { if (closed) return }
        close()
        mainThread.post { listener.onProblem(problem) }
    }
}
