package org.tformer.demo.screens

import android.Manifest
import android.app.Activity
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.provider.Settings
import org.tformer.demo.R

/** Asks for the camera once, and says what to do where the answer is no. @property asked survives in the screen's state. */
class CameraPermission(private val activity: Activity, private val message: MessagePanel, private val begin: () -> Unit) {
    var asked = false

    val granted: Boolean get() = activity.checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED

    fun ask() {
        if (!asked) {
            asked = true
            activity.requestPermissions(arrayOf(Manifest.permission.CAMERA), 0)
        }
        val sentence = activity.getString(R.string.permission_denied)
        // Without a rationale to show, the system asks no more: only its settings help.
        if (activity.shouldShowRequestPermissionRationale(Manifest.permission.CAMERA)) {
            message.show(sentence, R.string.allow_camera) {
                asked = false
                begin()
            }
        } else {
            message.show(sentence, R.string.open_settings) {
                val details = Uri.fromParts("package", activity.packageName, null)
                activity.startActivity(Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, details))
            }
        }
    }

    /** An empty result is a question that was interrupted, by a turn of the screen for example. */
    fun answered(results: IntArray) {
        if (results.isEmpty()) asked = false
    }
}
