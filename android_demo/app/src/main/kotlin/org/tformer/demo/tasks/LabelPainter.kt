package org.tformer.demo.tasks

import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Paint
import android.graphics.RectF
import org.tformer.demo.core.Answer
import org.tformer.demo.core.Prediction

/** The first labels in a picture's corner, white with a dark edge, for a picture that leaves the app. @param height of a line. */
class LabelPainter(private val height: Float) : AnswerPainter {
    private val percent = oneDigitPercent()
    private val pen = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        textSize = height * 0.8f
        strokeWidth = height / 6
        strokeJoin = Paint.Join.ROUND
    }
    private var prediction: Prediction? = null

    override fun take(answer: Answer?) {
        prediction = answer as? Prediction
    }

    override fun paint(canvas: Canvas, picture: RectF, width: Int, height: Int) {
        val given = prediction ?: return
        canvas.save()
        canvas.clipRect(picture)
        val lines = given.top.map { "${it.label} ${percent.format(it.probability)}" }
        (if (given.sure) lines else listOf(NOT_SURE) + lines).forEachIndexed { place, text ->
            val left = picture.left + this.height / 4
            val baseline = picture.top + this.height / 4 + place * this.height - pen.ascent()
            for ((style, colour) in listOf(Paint.Style.STROKE to Color.BLACK, Paint.Style.FILL to Color.WHITE)) {
                pen.style = style
                pen.color = colour
                canvas.drawText(text, left, baseline, pen)
            }
        }
        canvas.restore()
    }

    private companion object {
        // As `tformer-edge run --draw` writes it.
        const val NOT_SURE = "not sure"
    }
}
