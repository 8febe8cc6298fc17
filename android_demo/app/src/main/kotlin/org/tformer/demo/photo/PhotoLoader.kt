package org.tformer.demo.photo

import android.content.ContentResolver
import android.content.Context
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.ColorSpace
import android.media.ExifInterface
import android.net.Uri
import org.tformer.demo.R
import org.tformer.demo.core.RgbImage
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream

/** One sentence for the user: why a photo cannot be shown. */
class PhotoProblem(message: String) : Exception(message)

/** Opens photos of other apps. Not to be used on the main thread. */
class PhotoLoader(private val context: Context) {
    /**
     * The picture upright, transparent places over white. One of more than [MAX_PIXELS] is decoded at a half, a quarter, … of
     * its sides.
     *
     * @throws PhotoProblem with a sentence.
     */
    fun load(uri: Uri): RgbImage {
        if (uri.scheme != ContentResolver.SCHEME_CONTENT) {
            // A file:// address would be read with this app's rights, not with the sender's.
            throw PhotoProblem(context.getString(R.string.photo_not_shared))
        }
        try {
            val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
            open(uri) { BitmapFactory.decodeStream(it, null, bounds) }
            if (bounds.outWidth <= 0 || bounds.outHeight <= 0) throw PhotoProblem(context.getString(R.string.photo_no_image))
            val options = BitmapFactory.Options().apply {
                inSampleSize = sampleSize(bounds.outWidth, bounds.outHeight)
                inPreferredConfig = Bitmap.Config.ARGB_8888
                inPreferredColorSpace = ColorSpace.get(ColorSpace.Named.SRGB)
            }
            val bitmap = open(uri) { BitmapFactory.decodeStream(it, null, options) }
                ?: throw PhotoProblem(context.getString(R.string.photo_no_image))
            val pixels = BitmapPixels.rgb(bitmap)
            bitmap.recycle()
            return Orientation.upright(pixels, orientation(uri))
        } catch (_: FileNotFoundException) {
            throw PhotoProblem(context.getString(R.string.photo_gone))
        } catch (error: IOException) {
            throw PhotoProblem(context.getString(R.string.photo_unreadable, error.message.orEmpty()))
        } catch (_: SecurityException) {
            throw PhotoProblem(context.getString(R.string.photo_not_shared))
        } catch (_: OutOfMemoryError) {
            throw PhotoProblem(context.getString(R.string.photo_too_large))
        }
    }

    private fun orientation(uri: Uri): Int = try {
        open(uri) { ExifInterface(it).getAttributeInt(ExifInterface.TAG_ORIENTATION, ExifInterface.ORIENTATION_NORMAL) }
    } catch (_: IOException) {
        // No EXIF data, or damaged: the picture is as good without.
        ExifInterface.ORIENTATION_NORMAL
    }

    private fun <T> open(uri: Uri, work: (InputStream) -> T): T {
        val stream = try {
            context.contentResolver.openInputStream(uri)
        } catch (error: FileNotFoundException) {
            throw error
        } catch (error: SecurityException) {
            throw error
        } catch (error: RuntimeException) {
            // Another app's provider may throw anything.
            throw IOException(error.message)
        }
        return (stream ?: throw FileNotFoundException()).use(work)
    }

    companion object {
        /** 36 MB as pixels of three bytes: what an app's heap holds beside everything else. */
        const val MAX_PIXELS = 12_000_000L

        /** The power of two by which the sides are divided. */
        fun sampleSize(width: Int, height: Int): Int {
            var size = 1
            while ((width.toLong() / size) * (height / size) > MAX_PIXELS) size *= 2
            return size
        }
    }
}
