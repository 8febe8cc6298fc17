package org.tformer.demo.screens

import android.Manifest
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.os.Bundle
import android.provider.Settings
import android.view.Menu
import android.view.MenuItem
import android.view.Surface
import android.view.View
import android.view.WindowManager
import android.widget.Button
import android.widget.TextView
import android.widget.Toast
import org.tformer.demo.R
import org.tformer.demo.camera.CameraFrame
import org.tformer.demo.camera.CameraListener
import org.tformer.demo.camera.CameraProblem
import org.tformer.demo.camera.CameraSource
import org.tformer.demo.camera.Facing
import org.tformer.demo.models.RunningModel
import org.tformer.demo.photo.BitmapPixels
import java.util.Locale

/** Live classification of what the camera sees. The camera is open while this screen is visible and not frozen. */
class CameraActivity : Screen() {
    private lateinit var area: PictureArea
    private lateinit var numbers: TextView
    private lateinit var message: View
    private lateinit var messageText: TextView
    private lateinit var messageButton: Button
    private lateinit var freeze: Button
    private lateinit var switch: Button
    private lateinit var camera: CameraSource

    private var facing: Facing? = null
    private var asked = false
    private var visible = false
    private var frozen: FramePipeline.Shot? = null
    private var last: FramePipeline.Shot? = null
    private var pipeline: FramePipeline? = null

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContentView(R.layout.activity_camera)
        area = findViewById(R.id.area)
        numbers = findViewById(R.id.numbers)
        message = findViewById(R.id.message)
        messageText = findViewById(R.id.message_text)
        messageButton = findViewById(R.id.message_button)
        freeze = findViewById(R.id.freeze)
        switch = findViewById(R.id.switch_camera)
        freeze.setOnClickListener { if (frozen == null) freeze() else thaw() }
        switch.setOnClickListener { switchCamera() }
        findViewById<View>(R.id.photo).setOnClickListener { startActivity(Intent(this, PhotoActivity::class.java)) }
        camera = app.cameraSource()
        asked = savedInstanceState?.getBoolean(ASKED) ?: false
        facing = savedInstanceState?.getString(FACING)?.let(Facing::valueOf)
        // Pixels are kept across a turn of the screen in memory: a bundle is too small for them.
        (lastNonConfigurationInstance as? FramePipeline.Shot)?.let { frozen = it }
    }

    override fun onStart() {
        super.onStart()
        visible = true
        prepareModel()
        frozen?.let(::showFrozen) ?: begin()
    }

    override fun onStop() {
        visible = false
        end()
        super.onStop()
    }

    @Deprecated("The framework's own way without androidx")
    override fun onRetainNonConfigurationInstance(): Any? = frozen

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        state.putBoolean(ASKED, asked)
        state.putString(FACING, facing?.name)
    }

    override fun onCreateOptionsMenu(menu: Menu): Boolean {
        menuInflater.inflate(R.menu.camera, menu)
        return true
    }

    override fun onOptionsItemSelected(item: MenuItem): Boolean {
        val screen = when (item.itemId) {
            R.id.models -> ModelsActivity::class.java
            R.id.benchmark -> BenchmarkActivity::class.java
            R.id.self_test -> SelfTestActivity::class.java
            R.id.about -> AboutActivity::class.java
            else -> return super.onOptionsItemSelected(item)
        }
        startActivity(Intent(this, screen))
        return true
    }

    override fun onRequestPermissionsResult(request: Int, permissions: Array<String>, results: IntArray) {
        // An empty result is a question that was interrupted, by a turn of the screen for example.
        if (results.isEmpty()) asked = false
        if (visible) begin()
    }

    /** Opens the model before the first frame comes, and puts its overlay in place. */
    private fun prepareModel() = background(app.session::current, ::useModel) { showMessage(it, R.string.models) { openModels() } }

    private fun useModel(model: RunningModel) {
        val contract = model.file.contract ?: return
        actionBar?.subtitle = contract.name
        area.setTask(model.task, contract.preprocessing)
        frozen?.let(::showFrozen)
    }

    private fun begin() {
        end()
        if (checkSelfPermission(Manifest.permission.CAMERA) != PackageManager.PERMISSION_GRANTED) return askPermission()
        val facings = camera.facings()
        switch.visibility = if (facings.size > 1) View.VISIBLE else View.GONE
        val chosen = facing?.takeIf { it in facings } ?: facings.firstOrNull()
            ?: return showProblem(CameraProblem.NO_CAMERA)
        facing = chosen
        message.visibility = View.GONE
        window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        val frames = FramePipeline(
            app.inference,
            app.session,
            shown = { shot -> app.onMainThread { show(shot) } },
            failed = { sentence -> app.onMainThread { if (visible) Toast.makeText(this, sentence, Toast.LENGTH_LONG).show() } },
        )
        pipeline = frames
        area.setPreview(camera.preview(this).apply { contentDescription = getString(R.string.camera_preview) })
        camera.start(chosen, displayDegrees(), listener(frames))
    }

    private fun end() {
        camera.stop()
        pipeline?.stop()
        pipeline = null
        last = null
        window.clearFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        freeze.isEnabled = frozen != null
    }

    private fun listener(frames: FramePipeline) = object : CameraListener {
        override fun onStarted(width: Int, height: Int) = area.setPictureSize(width, height)

        override fun onFrame(frame: CameraFrame) = frames.offer(frame)

        override fun onProblem(problem: CameraProblem) {
            end()
            showProblem(problem)
        }

        override fun onFreeAgain() {
            if (visible && frozen == null) begin()
        }
    }

    private fun show(shot: FramePipeline.Shot) {
        // An answer may still be on its way when the screen is frozen, left or without a camera.
        if (pipeline == null || frozen != null) return
        last = shot
        freeze.isEnabled = true
        area.setPictureSize(shot.image.width, shot.image.height)
        area.show(shot.analysis)
        numbers.text = numbersOf(shot) + getString(R.string.number_separator) +
            getString(R.string.frames_per_second, oneDigit(shot.framesPerSecond))
    }

    private fun freeze() {
        val shot = last ?: return
        frozen = shot
        end()
        showFrozen(shot)
    }

    private fun showFrozen(shot: FramePipeline.Shot) {
        message.visibility = View.GONE
        area.setStill(BitmapPixels.bitmap(shot.image), getString(R.string.frozen_picture))
        area.show(shot.analysis)
        numbers.text = numbersOf(shot)
        freeze.setText(R.string.unfreeze)
        freeze.setCompoundDrawablesWithIntrinsicBounds(0, R.drawable.ic_go, 0, 0)
        freeze.isEnabled = true
    }

    private fun thaw() {
        frozen = null
        area.setStill(null, null)
        area.show(null)
        freeze.setText(R.string.freeze)
        freeze.setCompoundDrawablesWithIntrinsicBounds(0, R.drawable.ic_freeze, 0, 0)
        begin()
    }

    private fun switchCamera() {
        val facings = camera.facings()
        facing = facings.getOrNull((facings.indexOf(facing) + 1) % facings.size.coerceAtLeast(1))
        if (frozen != null) thaw() else begin()
    }

    private fun askPermission() {
        if (!asked) {
            asked = true
            requestPermissions(arrayOf(Manifest.permission.CAMERA), 0)
        }
        // Without a rationale to show, the system asks no more: only its settings help.
        if (shouldShowRequestPermissionRationale(Manifest.permission.CAMERA)) {
            showMessage(getString(R.string.permission_denied), R.string.allow_camera) {
                asked = false
                begin()
            }
        } else {
            showMessage(getString(R.string.permission_denied), R.string.open_settings) {
                startActivity(Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, Uri.fromParts("package", packageName, null)))
            }
        }
    }

    private fun showProblem(problem: CameraProblem) {
        val text = when (problem) {
            CameraProblem.NO_CAMERA -> R.string.no_camera
            CameraProblem.IN_USE -> R.string.camera_in_use
            CameraProblem.TAKEN_AWAY -> R.string.camera_taken_away
            CameraProblem.DISABLED -> R.string.camera_disabled
            CameraProblem.BROKEN -> R.string.camera_broken
        }
        showMessage(getString(text), R.string.try_again) { begin() }
    }

    private fun showMessage(text: String, button: Int, action: () -> Unit) {
        area.setPreview(null)
        area.show(null)
        numbers.text = ""
        messageText.text = text
        messageButton.setText(button)
        messageButton.setOnClickListener { action() }
        message.visibility = View.VISIBLE
    }

    private fun openModels() = startActivity(Intent(this, ModelsActivity::class.java))

    private fun numbersOf(shot: FramePipeline.Shot): String =
        getString(R.string.times, milliseconds(shot.prepareNanos), milliseconds(shot.analysis.inferenceNanos))

    @Suppress("DEPRECATION") // Context.getDisplay came with Android 11.
    private fun displayDegrees(): Int = when (windowManager.defaultDisplay.rotation) {
        Surface.ROTATION_90 -> 90
        Surface.ROTATION_180 -> 180
        Surface.ROTATION_270 -> 270
        else -> 0
    }

    private companion object {
        const val ASKED = "asked"
        const val FACING = "facing"
    }
}

internal fun milliseconds(nanos: Long): String = oneDigit(nanos / 1e6)

internal fun oneDigit(value: Double): String = String.format(Locale.getDefault(), "%.1f", value)
