package org.tformer.demo.screens

import android.content.Context
import android.content.res.Configuration
import android.graphics.Bitmap
import android.graphics.Matrix
import android.graphics.RectF
import android.util.AttributeSet
import android.view.Gravity
import android.view.View
import android.widget.FrameLayout
import android.widget.ImageView
import org.tformer.demo.camera.CameraGeometry
import org.tformer.demo.models.RunningModel
import org.tformer.demo.models.Shot
import org.tformer.demo.tasks.SeenRegion
import org.tformer.demo.tasks.TaskOverlay

/**
 * A picture with what a task draws over it. The picture is the camera's preview, a still one, or the still one over the preview;
 * it keeps its proportions and stands at the top in portrait and at the start in landscape, where the overlay's answers lie beside it.
 */
class PictureArea(context: Context, attributes: AttributeSet?) : FrameLayout(context, attributes) {
    private val still = ImageView(context).apply {
        scaleType = ImageView.ScaleType.FIT_XY
        visibility = GONE
    }
    private var preview: View? = null
    private var overlay: TaskOverlay? = null
    private var model: RunningModel? = null
    /** What is shown, and where the picture lies in this view. */
    var shown: Shot? = null
        private set
    val picture = RectF()
    private var pictureWidth = 0
    private var pictureHeight = 0

    init {
        addView(still, LayoutParams(0, 0))
        addOnLayoutChangeListener { _, left, top, right, bottom, oldLeft, oldTop, oldRight, oldBottom ->
            if (right - left != oldRight - oldLeft || bottom - top != oldBottom - oldTop) post { arrange() }
        }
    }

    /** Puts the camera's view at the bottom of the pile, in the place of any before it. */
    fun setPreview(view: View?) {
        preview?.let(::removeView)
        preview = view
        view?.let { addView(it, 0, LayoutParams(1, 1)) }
        arrange()
    }

    /** Called where a still picture's answer is to be found again. */
    var askAgain: () -> Unit = {}

    /** Whose answers are shown from now on. */
    fun setModel(next: RunningModel) {
        if (next === model) return
        model = next
        overlay?.let { removeView(it.view) }
        overlay = next.task.overlay(this, next.model).also {
            addView(it.view)
            it.askAgain = { askAgain() }
        }
        arrange()
    }

    /** The size in pixels of the upright picture that the preview shows. */
    fun setPictureSize(width: Int, height: Int) {
        if (width == pictureWidth && height == pictureHeight) return
        pictureWidth = width
        pictureHeight = height
        arrange()
    }

    /** Shows a still picture, with what it is as content description; null takes it away. */
    fun setStill(bitmap: Bitmap?, description: CharSequence?) {
        still.setImageBitmap(bitmap)
        still.contentDescription = description
        still.visibility = if (bitmap == null) GONE else VISIBLE
        if (bitmap != null) setPictureSize(bitmap.width, bitmap.height)
    }

    /** See [TaskOverlay.show]. Another model's answer is none. */
    fun show(shot: Shot?, live: Boolean) {
        shown = shot
        overlay?.show(if (shot != null && shot.model === model) shot.answer else null, live)
    }

    private fun arrange() {
        if (width == 0 || height == 0 || pictureWidth == 0) return
        val landscape = resources.configuration.orientation == Configuration.ORIENTATION_LANDSCAPE
        val start = if (layoutDirection == LAYOUT_DIRECTION_RTL) 1f else 0f
        val area = RectF(0f, 0f, width.toFloat(), height.toFloat())
        val picture = CameraGeometry.fit(
            pictureWidth, pictureHeight, area,
            alignX = if (landscape) start else 0.5f,
            alignY = if (landscape) 0.5f else 0f,
        )
        this.picture.set(picture)
        place(still, picture)
        preview?.let { place(it, picture) }
        val seen = model?.let { SeenRegion.of(it.model.contract.preprocessing, pictureWidth, pictureHeight) } ?: return
        Matrix().apply { setRectToRect(RectF(0f, 0f, pictureWidth.toFloat(), pictureHeight.toFloat()), picture, Matrix.ScaleToFit.FILL) }
            .mapRect(seen)
        overlay?.place(picture, pictureWidth, pictureHeight, seen)
    }

    private fun place(view: View, picture: RectF) {
        // Left, not the start: pictures and what is drawn over them are not mirrored where letters run from right to left.
        view.layoutParams = LayoutParams(picture.width().toInt(), picture.height().toInt(), Gravity.LEFT or Gravity.TOP).apply {
            leftMargin = picture.left.toInt()
            topMargin = picture.top.toInt()
        }
    }
}
