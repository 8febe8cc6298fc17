package org.tformer.demo.camera

import android.Manifest
import android.content.Context
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraManager
import android.view.TextureView
import org.junit.Assert.assertEquals
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadow.api.Shadow
import org.robolectric.shadows.ShadowCameraCharacteristics
import org.tformer.demo.harness.Demo

/** The phone's camera, as far as Robolectric has one: cameras that open and vanish, but no pictures. */
@RunWith(RobolectricTestRunner::class)
class Camera2SourceTest {
    private val manager by lazy { Demo.app.getSystemService(Context.CAMERA_SERVICE) as CameraManager }
    private val told = mutableListOf<String>()
    private val listener = object : CameraListener {
        override fun onStarted(width: Int, height: Int) {
            told += "started $width × $height"
        }

        override fun onFrame(frame: CameraFrame) = frame.close()

        override fun onProblem(problem: CameraProblem) {
            told += problem.name
        }

        override fun onFreeAgain() {
            told += "free"
        }
    }

    @Before
    fun permission() = shadowOf(Demo.app).grantPermissions(Manifest.permission.CAMERA)

    private fun add(id: String, facing: Int, sensorDegrees: Int) {
        val characteristics = ShadowCameraCharacteristics.newCameraCharacteristics()
        val shadow = Shadow.extract<ShadowCameraCharacteristics>(characteristics)
        shadow.set(CameraCharacteristics.LENS_FACING, facing)
        shadow.set(CameraCharacteristics.SENSOR_ORIENTATION, sensorDegrees)
        shadowOf(manager).addCamera(id, characteristics)
    }

    /** The camera has a thread of its own. */
    private fun settle() = repeat(20) {
        Thread.sleep(20)
        Demo.idle()
    }

    private fun source(): Camera2Source = Camera2Source(Demo.app).also { source ->
        (source.preview(Demo.app) as TextureView).setSurfaceTexture(SurfaceTexture(false))
    }

    @Test
    fun `cameras are known by where they look, back first`() {
        assertEquals(emptyList<Facing>(), Camera2Source(Demo.app).facings())
        add("1", CameraCharacteristics.LENS_FACING_FRONT, 270)
        assertEquals(listOf(Facing.FRONT), Camera2Source(Demo.app).facings())
        add("0", CameraCharacteristics.LENS_FACING_BACK, 90)
        add("2", CameraCharacteristics.LENS_FACING_BACK, 90)
        assertEquals(listOf(Facing.BACK, Facing.FRONT), Camera2Source(Demo.app).facings())
    }

    @Test
    fun `a camera that is not there is a problem, not an exception`() {
        source().start(Facing.BACK, 0, listener)
        assertEquals(listOf("NO_CAMERA"), told)
    }

    @Test
    fun `a camera starts upright, and one that vanishes is reported once`() {
        add("0", CameraCharacteristics.LENS_FACING_BACK, 90)
        val source = source()
        source.start(Facing.BACK, 0, listener)
        Demo.idle()
        assertEquals(listOf("started 480 × 640"), told)
        source.stop()
        source.start(Facing.BACK, 90, listener)
        assertEquals("started 640 × 480", told.last())
        source.stop()
        Demo.idle()
        assertEquals(2, told.size)
        source.start(Facing.BACK, 0, listener)
        settle()
        shadowOf(manager).triggerDisconnect()
        settle()
        assertEquals(listOf("started 480 × 640", "TAKEN_AWAY"), told.drop(2))
    }

    @Test
    fun `each reason that Camera2 gives is one of ours`() {
        val reasons = mapOf(
            CameraAccessException.CAMERA_IN_USE to CameraProblem.IN_USE,
            CameraAccessException.MAX_CAMERAS_IN_USE to CameraProblem.IN_USE,
            CameraAccessException.CAMERA_DISABLED to CameraProblem.DISABLED,
            CameraAccessException.CAMERA_DISCONNECTED to CameraProblem.TAKEN_AWAY,
            CameraAccessException.CAMERA_ERROR to CameraProblem.BROKEN,
        )
        for ((reason, problem) in reasons) assertEquals(problem, Camera2Source.problem(CameraAccessException(reason)))
    }
}
