package org.tformer.demo.screens

import android.content.pm.PackageManager
import android.os.Build
import android.os.Bundle
import android.widget.TextView
import org.tensorflow.lite.TensorFlowLite
import org.tformer.demo.R

/** What this app is, what it may do, and of what it is made. */
class AboutActivity : Screen() {
    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContentView(R.layout.activity_about)
        val info = packageManager.getPackageInfo(packageName, PackageManager.GET_PERMISSIONS)
        // What the manifest really asks for, not what this text would like to say.
        val permissions = info.requestedPermissions.orEmpty().joinToString { it.substringAfterLast('.') }
        findViewById<TextView>(R.id.permissions).text = getString(R.string.about_permissions, permissions)
        background(
            { TensorFlowLite.runtimeVersion() },
            { runtime ->
                findViewById<TextView>(R.id.versions).text = getString(
                    R.string.about_versions, info.versionName.orEmpty(), runtime, KotlinVersion.CURRENT.toString(),
                    Build.VERSION.RELEASE, Build.MANUFACTURER, Build.MODEL,
                )
            },
            { },
        )
    }
}
