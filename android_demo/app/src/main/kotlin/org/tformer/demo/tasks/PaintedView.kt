package org.tformer.demo.tasks

import android.content.Context
import android.graphics.Canvas
import android.graphics.RectF
import android.util.AttributeSet
import android.view.MotionEvent
import android.view.View
import org.tformer.demo.core.Answer

/** Draws answers over the picture with an [AnswerPainter], and says where the picture was touched. */
class PaintedView(context: Context, attributes: AttributeSet?) : View(context, attributes) {
    private val picture = RectF()
    private var pictureWidth = 0
    private var pictureHeight = 0

    /** What draws. */
    var painter: AnswerPainter? = null

    /** Told where the picture was touched, in its own pixels, and how many of those a finger covers; null: touches go elsewhere. */
    var touched: ((x: Double, y: Double, reach: Double) -> Unit)? = null

    init {
        // What is drawn is said in words by the panel beside it.
        importantForAccessibility = IMPORTANT_FOR_ACCESSIBILITY_NO
    }

    /** @param region where the picture of [width] × [height] pixels lies in this view. */
    fun place(region: RectF, width: Int, height: Int) {
        if (region == picture && width == pictureWidth && height == pictureHeight) return
        picture.set(region)
        pictureWidth = width
        pictureHeight = height
        invalidate()
    }

    fun show(answer: Answer?) {
        painter?.take(answer)
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        if (!picture.isEmpty && pictureWidth > 0) painter?.paint(canvas, picture, pictureWidth, pictureHeight)
    }

    override fun onTouchEvent(event: MotionEvent): Boolean {
        if (touched == null || picture.isEmpty || !picture.contains(event.x, event.y)) return false
        if (event.action == MotionEvent.ACTION_UP) {
            val scale = pictureWidth / picture.width().toDouble()
            touched?.invoke(
                (event.x - picture.left) * scale,
                (event.y - picture.top) * pictureHeight / picture.height().toDouble(),
                REACH * resources.displayMetrics.density * scale,
            )
            performClick()
        }
        return true
    }

    private companion object {
        /** Points around a fingertip's middle. */
        const val REACH = 16
    }
}
