package org.tformer.demo.screens

import android.content.pm.PackageManager
import android.content.pm.ServiceInfo
import android.content.ComponentName
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.tformer.demo.R
import org.tformer.demo.engine.EngineService
import org.tformer.demo.harness.Demo

@RunWith(RobolectricTestRunner::class)
class AboutScreenTest {
    @Before
    fun interpreter() = Demo.needInterpreter()

    @Test
    fun `it says what it may do, of what it is made and under which licences`() {
        val activity = Robolectric.buildActivity(AboutActivity::class.java).setup().get()
        Demo.settle()
        assertEquals("Permissions that it asks for: CAMERA", Demo.text(activity, R.id.permissions))
        assertTrue(Demo.text(activity, R.id.versions).startsWith("App 0.1.0\nTensorFlow Lite 2.16.1"))
    }

    @Test
    fun `the manifest has no internet permission and isolates strangers' models`() {
        val manager = Demo.app.packageManager
        val info = manager.getPackageInfo(Demo.app.packageName, PackageManager.GET_PERMISSIONS)
        assertEquals(listOf("android.permission.CAMERA"), info.requestedPermissions.orEmpty().toList())
        val service = manager.getServiceInfo(ComponentName(Demo.app, EngineService::class.java), 0)
        assertTrue(service.flags and ServiceInfo.FLAG_ISOLATED_PROCESS != 0)
        assertEquals("org.tformer.demo:stranger", service.processName)
    }
}
