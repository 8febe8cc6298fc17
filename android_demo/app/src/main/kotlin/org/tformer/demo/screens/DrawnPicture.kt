package org.tformer.demo.screens

import android.content.ClipData
import android.content.Intent
import android.graphics.Canvas
import android.graphics.RectF
import android.net.Uri
import org.tformer.demo.R
import org.tformer.demo.models.Shot
import org.tformer.demo.photo.BitmapPixels
import org.tformer.demo.photo.SharedPicture

/** Shares a still picture with its answer drawn into it, at the picture's own size. */
class DrawnPicture(private val screen: Screen, private val failed: (String) -> Unit) {
    fun share(shot: Shot) = screen.background({ write(shot) }, { it?.let(::choose) }, failed)

    private fun write(shot: Shot): Uri? {
        val image = shot.image ?: return null
        val model = shot.model ?: return null
        val bitmap = BitmapPixels.bitmap(image)
        val painter = model.task.painter(model.model, maxOf(image.width, image.height))
        painter.take(shot.answer)
        painter.paint(Canvas(bitmap), RectF(0f, 0f, image.width.toFloat(), image.height.toFloat()), image.width, image.height)
        return SharedPicture.store(screen, bitmap).also { bitmap.recycle() }
    }

    private fun choose(uri: Uri) {
        val picture = Intent(Intent.ACTION_SEND).setType(SharedPicture.TYPE).putExtra(Intent.EXTRA_STREAM, uri)
            .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
        // The permission goes with the clip data, on all versions.
        picture.clipData = ClipData.newRawUri(null, uri)
        screen.startActivity(Intent.createChooser(picture, screen.getString(R.string.share_picture)))
    }
}
