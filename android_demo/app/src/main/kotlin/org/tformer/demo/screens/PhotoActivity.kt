package org.tformer.demo.screens

import android.content.ActivityNotFoundException
import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.view.View
import android.widget.Button
import android.widget.TextView
import org.tformer.demo.R
import org.tformer.demo.core.RgbImage
import org.tformer.demo.models.RunningModel
import org.tformer.demo.photo.BitmapPixels
import org.tformer.demo.photo.PhotoLoader
import org.tformer.demo.photo.PhotoProblem
import org.tformer.demo.tasks.Analysis

/** One photo, from the system's document picker or shared by another app, and what the model says about it. */
class PhotoActivity : Screen() {
    private lateinit var area: PictureArea
    private lateinit var numbers: TextView
    private lateinit var message: View
    private lateinit var messageText: TextView
    private lateinit var loading: View
    private var answered: Answer? = null

    private class Answer(val image: RgbImage, val model: RunningModel, val analysis: Analysis)

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContentView(R.layout.activity_photo)
        area = findViewById(R.id.area)
        numbers = findViewById(R.id.numbers)
        message = findViewById(R.id.message)
        messageText = findViewById(R.id.message_text)
        loading = findViewById(R.id.loading)
        findViewById<View>(R.id.open).setOnClickListener { pick() }
        findViewById<Button>(R.id.message_button).apply {
            setText(R.string.open_photo)
            setOnClickListener { pick() }
        }
        val kept = lastNonConfigurationInstance as? Answer
        val shared = intent?.let(::sharedPhoto)
        when {
            kept != null -> show(kept)
            shared != null -> load(shared)
            else -> {
                showMessage(getString(R.string.no_photo_yet))
                if (savedInstanceState == null) pick()
            }
        }
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        sharedPhoto(intent)?.let(::load)
    }

    @Deprecated("The framework's own way without androidx")
    override fun onRetainNonConfigurationInstance(): Any? = answered

    @Deprecated("The framework's own way without androidx")
    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        if (request == PICK && result == RESULT_OK) data?.data?.let(::load)
    }

    @Suppress("DEPRECATION") // The form that names the type came with Android 13.
    private fun sharedPhoto(intent: Intent): Uri? = when (intent.action) {
        Intent.ACTION_SEND -> intent.getParcelableExtra(Intent.EXTRA_STREAM) as? Uri ?: intent.data
        else -> intent.data
    }

    private fun pick() {
        val documents = Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("image/*")
        try {
            @Suppress("DEPRECATION")
            startActivityForResult(documents, PICK)
        } catch (_: ActivityNotFoundException) {
            showMessage(getString(R.string.no_document_picker))
        }
    }

    private fun load(uri: Uri) {
        loading.visibility = View.VISIBLE
        background(
            {
                val image = PhotoLoader(this).load(uri)
                Answer(image, app.session.current(), app.session.analyse(image))
            },
            ::show,
            ::showMessage,
        )
    }

    private fun show(answer: Answer) {
        val contract = answer.model.file.contract ?: return
        answered = answer
        loading.visibility = View.GONE
        message.visibility = View.GONE
        actionBar?.subtitle = contract.name
        area.visibility = View.VISIBLE
        area.setStill(BitmapPixels.bitmap(answer.image), getString(R.string.photo))
        area.setTask(answer.model.task, contract.preprocessing)
        area.show(answer.analysis)
        numbers.text = getString(
            R.string.times, milliseconds(answer.analysis.preprocessNanos), milliseconds(answer.analysis.inferenceNanos),
        )
    }

    private fun showMessage(text: String) {
        answered = null
        loading.visibility = View.GONE
        area.visibility = View.INVISIBLE
        numbers.text = ""
        messageText.text = text
        message.visibility = View.VISIBLE
    }

    override fun sentence(error: Throwable): String? = if (error is PhotoProblem) error.message else super.sentence(error)

    private companion object {
        const val PICK = 1
    }
}
