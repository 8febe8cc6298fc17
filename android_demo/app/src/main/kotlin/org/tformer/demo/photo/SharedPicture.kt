package org.tformer.demo.photo

import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.database.Cursor
import android.database.MatrixCursor
import android.graphics.Bitmap
import android.net.Uri
import android.os.ParcelFileDescriptor
import android.provider.OpenableColumns
import org.tformer.demo.R
import java.io.File
import java.io.FileNotFoundException
import java.io.IOException

/**
 * Hands the one drawn picture that is shared to the app that the user chose, and to no other. It lies in the app's cache, in the place of
 * the one before.
 */
class SharedPicture : ContentProvider() {
    override fun onCreate(): Boolean = true

    override fun getType(uri: Uri): String = TYPE

    override fun openFile(uri: Uri, mode: String): ParcelFileDescriptor {
        val file = file(checkNotNull(context))
        if (mode != "r" || uri.path != "/$NAME" || !file.exists()) throw FileNotFoundException("$uri in mode $mode")
        return ParcelFileDescriptor.open(file, ParcelFileDescriptor.MODE_READ_ONLY)
    }

    override fun query(uri: Uri, projection: Array<String>?, selection: String?, arguments: Array<String>?, order: String?): Cursor {
        val columns = projection ?: arrayOf(OpenableColumns.DISPLAY_NAME, OpenableColumns.SIZE)
        return MatrixCursor(columns).apply {
            addRow(
                columns.map { column ->
                    when (column) {
                        OpenableColumns.DISPLAY_NAME -> NAME
                        OpenableColumns.SIZE -> file(checkNotNull(context)).length()
                        else -> null
                    }
                },
            )
        }
    }

    override fun insert(uri: Uri, values: ContentValues?): Uri? = null

    override fun update(uri: Uri, values: ContentValues?, selection: String?, arguments: Array<String>?): Int = 0

    override fun delete(uri: Uri, selection: String?, arguments: Array<String>?): Int = 0

    companion object {
        const val TYPE = "image/jpeg"
        private const val AUTHORITY = "org.tformer.demo.shared"
        private const val NAME = "tformer.jpg"
        private const val QUALITY = 92

        private fun file(context: Context) = File(File(context.cacheDir, "shared"), NAME)

        /**
         * Keeps [bitmap] until the next one comes. @return under which address.
         *
         * @throws PhotoProblem where there is no room.
         */
        fun store(context: Context, bitmap: Bitmap): Uri {
            val file = file(context)
            try {
                file.parentFile?.mkdirs()
                file.outputStream().use { if (!bitmap.compress(Bitmap.CompressFormat.JPEG, QUALITY, it)) throw IOException() }
            } catch (_: IOException) {
                file.delete()
                throw PhotoProblem(context.getString(R.string.picture_not_stored))
            }
            return Uri.Builder().scheme("content").authority(AUTHORITY).appendPath(NAME).build()
        }
    }
}
