package org.tformer.demo.screens

import android.content.ActivityNotFoundException
import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.view.View
import android.widget.Toast
import org.tformer.demo.R
import org.tformer.demo.models.Shot
import org.tformer.demo.photo.BitmapPixels
import org.tformer.demo.photo.PhotoLoader

/** One photo, from the system's document picker or shared by another app, and what the model says about it. */
class PhotoActivity : Screen() {
    private lateinit var area: PictureArea
    private lateinit var numbers: NumbersLine
    private lateinit var message: MessagePanel
    private lateinit var loading: View
    private lateinit var share: View
    private lateinit var stills: StillAnswers
    private var answered: Shot? = null

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContentView(R.layout.activity_photo)
        area = findViewById(R.id.area)
        numbers = NumbersLine(findViewById(R.id.numbers))
        message = MessagePanel(this)
        loading = findViewById(R.id.loading)
        share = findViewById(R.id.share)
        stills = StillAnswers(this, { if (answered != null) show(it) }, ::say)
        area.askAgain = { answered?.image?.let(stills::answer) }
        share.setOnClickListener { answered?.let(DrawnPicture(this, ::say)::share) }
        findViewById<View>(R.id.open).setOnClickListener { pick() }
        val kept = lastNonConfigurationInstance as? Shot
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
                Shot().also { app.session.analyse(image, it) }
            },
            ::show,
            ::showMessage,
        )
    }

    private fun show(shot: Shot) {
        val model = shot.model ?: return
        val image = shot.image ?: return
        // The picture stays the same where only the answer is another one.
        val another = answered?.image !== image
        answered = shot
        loading.visibility = View.GONE
        message.hide()
        share.isEnabled = true
        actionBar?.subtitle = model.model.contract.name
        area.visibility = View.VISIBLE
        if (another) area.setStill(BitmapPixels.bitmap(image), getString(R.string.photo))
        area.setModel(model)
        area.show(shot, live = false)
        numbers.show(shot, live = false)
    }

    private fun showMessage(text: String) {
        answered = null
        stills.forget()
        loading.visibility = View.GONE
        share.isEnabled = false
        area.visibility = View.INVISIBLE
        numbers.clear()
        message.show(text, R.string.open_photo, ::pick)
    }

    private fun say(sentence: String) = Toast.makeText(this, sentence, Toast.LENGTH_LONG).show()

    private companion object {
        const val PICK = 1
    }
}
