package org.tformer.demo.screens

import android.content.Intent
import android.os.Bundle
import android.view.Menu
import android.view.MenuItem
import android.view.Surface
import android.view.View
import android.view.WindowManager
import android.widget.Button
import android.widget.Toast
import org.tformer.demo.R
import org.tformer.demo.camera.CameraFrame
import org.tformer.demo.camera.CameraListener
import org.tformer.demo.camera.CameraProblem
import org.tformer.demo.camera.CameraSource
import org.tformer.demo.camera.Facing
import org.tformer.demo.models.RunningModel
import org.tformer.demo.models.Shot
import org.tformer.demo.photo.BitmapPixels

/** Live answers about what the camera sees. The camera is open while this screen is visible and not frozen. */
class CameraActivity : Screen() {
    private lateinit var area: PictureArea
    private lateinit var numbers: NumbersLine
    private lateinit var message: MessagePanel
    private lateinit var permission: CameraPermission
    private lateinit var freeze: Button
    private lateinit var switch: Button
    private lateinit var share: Button
    private lateinit var camera: CameraSource
    private lateinit var stills: StillAnswers

    private var facing: Facing? = null
    private var visible = false
    private var frozen: Shot? = null
    private var last: Shot? = null
    private var pipeline: FramePipeline? = null
    private val toShow = Runnable { showLatest() }
    private val newAnswer = Runnable { app.onMainThread(toShow) }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContentView(R.layout.activity_camera)
        area = findViewById(R.id.area)
        numbers = NumbersLine(findViewById(R.id.numbers))
        message = MessagePanel(this)
        permission = CameraPermission(this, message, ::begin)
        freeze = findViewById(R.id.freeze)
        switch = findViewById(R.id.switch_camera)
        share = findViewById(R.id.share)
        stills = StillAnswers(this, { if (frozen != null) showFrozen(it) }, ::say)
        area.askAgain = { frozen?.image?.let(stills::answer) }
        freeze.setOnClickListener { if (frozen == null) freeze() else thaw() }
        switch.setOnClickListener { switchCamera() }
        share.setOnClickListener { frozen?.let(DrawnPicture(this, ::say)::share) }
        findViewById<View>(R.id.photo).setOnClickListener { startActivity(Intent(this, PhotoActivity::class.java)) }
        camera = app.cameraSource()
        permission.asked = savedInstanceState?.getBoolean(ASKED) ?: false
        facing = savedInstanceState?.getString(FACING)?.let(Facing::valueOf)
        // Pixels are kept across a turn of the screen in memory: a bundle is too small for them.
        (lastNonConfigurationInstance as? Shot)?.let { frozen = it }
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
        state.putBoolean(ASKED, permission.asked)
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
        permission.answered(results)
        if (visible) begin()
    }

    /** Opens the model before the first frame comes, and puts its overlay in place: it says what the model knows. */
    private fun prepareModel() = background(app.session::current, ::useModel) { sentence ->
        showMessage(sentence, R.string.models) { startActivity(Intent(this, ModelsActivity::class.java)) }
    }

    private fun useModel(model: RunningModel) {
        actionBar?.subtitle = model.model.contract.name
        area.setModel(model)
        val still = frozen ?: return
        showFrozen(still)
        // Another model may have been chosen meanwhile.
        if (still.model !== model) still.image?.let(stills::answer)
    }

    private fun begin() {
        end()
        if (!permission.granted) {
            clearPicture()
            return permission.ask()
        }
        val facings = camera.facings()
        val chosen = facing?.takeIf { it in facings } ?: facings.firstOrNull()
            ?: return showProblem(CameraProblem.NO_CAMERA)
        facing = chosen
        showButtons(facings.size > 1)
        message.hide()
        window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        val frames = FramePipeline(app.inference, app.session, newAnswer) { sentence -> app.onMainThread { if (visible) say(sentence) } }
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

    private fun showLatest() {
        // An answer may still be on its way when the screen is frozen, left or without a camera.
        if (frozen != null) return
        val shot = pipeline?.latest() ?: return
        val image = shot.image ?: return
        last = shot
        if (!freeze.isEnabled) freeze.isEnabled = true
        area.setPictureSize(image.width, image.height)
        // A model whose process died was opened again.
        shot.model?.let(area::setModel)
        area.show(shot, live = true)
        numbers.show(shot, live = true)
    }

    private fun freeze() {
        val shot = last ?: return
        frozen = shot
        end()
        showFrozen(shot)
    }

    private fun showFrozen(shot: Shot) {
        val image = shot.image ?: return
        frozen = shot
        message.hide()
        area.setStill(BitmapPixels.bitmap(image), getString(R.string.frozen_picture))
        area.show(shot, live = false)
        numbers.show(shot, live = false)
        freeze.setText(R.string.unfreeze)
        freeze.setCompoundDrawablesWithIntrinsicBounds(0, R.drawable.ic_go, 0, 0)
        freeze.isEnabled = true
        showButtons(several = false)
    }

    private fun thaw() {
        frozen = null
        stills.forget()
        area.setStill(null, null)
        area.show(null, live = false)
        freeze.setText(R.string.freeze)
        freeze.setCompoundDrawablesWithIntrinsicBounds(0, R.drawable.ic_freeze, 0, 0)
        begin()
    }

    /** A frozen picture can be shared; a live one can be another camera's. */
    private fun showButtons(several: Boolean) {
        share.visibility = if (frozen == null) View.GONE else View.VISIBLE
        switch.visibility = if (frozen == null && several) View.VISIBLE else View.GONE
    }

    private fun switchCamera() {
        val facings = camera.facings()
        facing = facings.getOrNull((facings.indexOf(facing) + 1) % facings.size.coerceAtLeast(1))
        begin()
    }

    private fun showProblem(problem: CameraProblem) = showMessage(getString(problem.sentence), R.string.try_again) { begin() }

    private fun showMessage(text: String, button: Int, action: () -> Unit) {
        clearPicture()
        message.show(text, button, action)
    }

    private fun clearPicture() {
        area.setPreview(null)
        area.show(null, live = false)
        numbers.clear()
    }

    private fun say(sentence: String) = Toast.makeText(this, sentence, Toast.LENGTH_LONG).show()

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
