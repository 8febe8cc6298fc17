package org.tformer.demo.camera

import android.content.Context
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraManager
import android.view.TextureView
import android.view.View
import android.os.Handler
import android.os.Looper

/** The device's cameras. */
class Camera2Source(context: Context) : CameraSource {
    private val manager = context.getSystemService(CameraManager::class.java)
    private val mainThread = Handler(Looper.getMainLooper())
    private var preview: TextureView? = null
    private var session: Camera2Session? = null
    private var listener: CameraListener? = null
    private var waitingFor: String? = null
    private var wasUnavailable = false

    private val availability = object : CameraManager.AvailabilityCallback() {
        override fun onCameraUnavailable(cameraId: String) {
            if (cameraId == waitingFor) wasUnavailable = true
        }

        override fun onCameraAvailable(cameraId: String) {
            // A camera that was never unavailable failed for another reason: trying again at once would never end.
            if (cameraId != waitingFor || !wasUnavailable) return
            waitingFor = null
            listener?.onFreeAgain()
        }
    }

    override fun facings(): List<Facing> = cameras().keys.sorted()

    override fun preview(context: Context): View = TextureView(context).also { preview = it }

    override fun start(facing: Facing, displayDegrees: Int, listener: CameraListener) {
        stop()
        this.listener = listener
        val id = cameras()[facing]
        val view = preview
        if (id == null || view == null) {
            listener.onProblem(CameraProblem.NO_CAMERA)
            return
        }
        val next = try {
            Camera2Session(manager, id, facing, displayDegrees, view, mainThread, told(id, listener))
        } catch (error: CameraAccessException) {
            return report(id, problem(error), listener)
        } catch (_: IllegalArgumentException) {
            // The camera was unplugged since it was listed.
            return listener.onProblem(CameraProblem.NO_CAMERA)
        }
        session = next
        if (view.isAvailable) next.open() else openWhenAvailable(view, next)
    }

    override fun stop() {
        listener = null
        waitingFor = null
        manager.unregisterAvailabilityCallback(availability)
        preview?.surfaceTextureListener = null
        session?.close()
        session = null
    }

    private fun openWhenAvailable(view: TextureView, next: Camera2Session) {
        view.surfaceTextureListener = object : TextureView.SurfaceTextureListener {
            override fun onSurfaceTextureAvailable(texture: SurfaceTexture, width: Int, height: Int) {
                if (session === next) next.open()
            }

            override fun onSurfaceTextureSizeChanged(texture: SurfaceTexture, width: Int, height: Int) = next.arrangePreview()

            override fun onSurfaceTextureDestroyed(texture: SurfaceTexture): Boolean = true

            override fun onSurfaceTextureUpdated(texture: SurfaceTexture) = Unit
        }
    }

    /** The caller's listener, with the wait for a camera that is in use added. */
    private fun told(id: String, listener: CameraListener) = object : CameraListener by listener {
        override fun onProblem(problem: CameraProblem) {
            if (this@Camera2Source.listener === listener) report(id, problem, listener)
        }
    }

    private fun report(id: String, problem: CameraProblem, listener: CameraListener) {
        session?.close()
        session = null
        listener.onProblem(problem)
        if (problem == CameraProblem.IN_USE || problem == CameraProblem.TAKEN_AWAY) {
            waitingFor = id
            wasUnavailable = false
            // Tells at once which cameras are free now, and which are not.
            manager.registerAvailabilityCallback(availability, mainThread)
        }
    }

    private fun cameras(): Map<Facing, String> = try {
        val found = LinkedHashMap<Facing, String>()
        for (id in manager.cameraIdList) {
            val facing = when (manager.getCameraCharacteristics(id).get(CameraCharacteristics.LENS_FACING)) {
                CameraCharacteristics.LENS_FACING_FRONT -> Facing.FRONT
                // External cameras, on tablets and televisions, look where back cameras do.
                else -> Facing.BACK
            }
            if (facing !in found) found[facing] = id
        }
        found
    } catch (_: CameraAccessException) {
        emptyMap()
    } catch (_: IllegalArgumentException) {
        emptyMap()
    }

    companion object {
        fun problem(error: CameraAccessException): CameraProblem = when (error.reason) {
            CameraAccessException.CAMERA_IN_USE, CameraAccessException.MAX_CAMERAS_IN_USE -> CameraProblem.IN_USE
            CameraAccessException.CAMERA_DISABLED -> CameraProblem.DISABLED
            CameraAccessException.CAMERA_DISCONNECTED -> CameraProblem.TAKEN_AWAY
            else -> CameraProblem.BROKEN
        }
    }
}
