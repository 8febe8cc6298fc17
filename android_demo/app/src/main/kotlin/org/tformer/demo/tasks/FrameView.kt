package org.tformer.demo.tasks

import android.content.Context
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Paint
import android.graphics.RectF
import android.util.AttributeSet
import android.view.View

/** Four corners around what the model sees, white with a dark edge: visible on any picture. */
class FrameView(context: Context, attributes: AttributeSet?) : View(context, attributes) {
    private val density = resources.displayMetrics.density
    private val seen = RectF()
    private val edge = stroke(Color.argb(120, 0, 0, 0), 5f)
    private val line = stroke(Color.WHITE, 2.5f)

    init {
        importantForAccessibility = IMPORTANT_FOR_ACCESSIBILITY_NO
    }

    /** @param region in this view's pixels. */
    fun place(region: RectF) {
        if (seen == region) return
        seen.set(region)
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        if (seen.isEmpty) return
        val inset = 4 * density
        val box = RectF(seen).apply { inset(inset, inset) }
        val arm = minOf(24 * density, box.width() / 4, box.height() / 4)
        for (paint in listOf(edge, line)) {
            for ((x, inwards) in listOf(box.left to arm, box.right to -arm)) {
                for ((y, down) in listOf(box.top to arm, box.bottom to -arm)) {
                    canvas.drawLine(x, y, x + inwards, y, paint)
                    canvas.drawLine(x, y, x, y + down, paint)
                }
            }
        }
    }

    private fun stroke(color: Int, width: Float) = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        style = Paint.Style.STROKE
        strokeCap = Paint.Cap.ROUND
        strokeWidth = width * density
        this.color = color
    }
}
