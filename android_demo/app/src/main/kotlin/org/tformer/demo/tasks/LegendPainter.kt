package org.tformer.demo.tasks

import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Paint
import android.graphics.RectF
import org.tformer.demo.core.Answer
import org.tformer.demo.core.ClassMap
import org.tformer.demo.core.Palette
import java.text.NumberFormat

/**
 * What [mask] draws, and a legend of the largest classes in the picture's corner: for a picture that leaves the app.
 *
 * @param colours 0xRRGGBB a class. @param height of a line.
 */
class LegendPainter(private val mask: AnswerPainter, private val names: List<String>, private val colours: IntArray, private val height: Float) :
    AnswerPainter {
    private val percent = oneDigitPercent()
    private val fill = Paint()
    private val pen = Paint(Paint.ANTI_ALIAS_FLAG).apply { textSize = height * 0.8f }
    private var map: ClassMap? = null

    override fun take(answer: Answer?) {
        mask.take(answer)
        map = answer as? ClassMap
    }

    override fun paint(canvas: Canvas, picture: RectF, width: Int, height: Int) {
        mask.paint(canvas, picture, width, height)
        val seen = map ?: return
        canvas.save()
        canvas.clipRect(picture)
        for (place in 0 until minOf(SegmentationTask.SHOWN, seen.areaCount)) {
            val index = seen.areaIndex(place)
            val text = "${names[index]} ${percent.format(seen.areaShare(place))}"
            val top = picture.top + place * this.height
            fill.color = Color.BLACK or colours[index]
            canvas.drawRect(picture.left, top, picture.left + pen.measureText(text) + this.height / 2, top + this.height, fill)
            pen.color = if (Palette.wantsBlack(colours[index])) Color.BLACK else Color.WHITE
            canvas.drawText(text, picture.left + this.height / 4, top + this.height / 2 - (pen.ascent() + pen.descent()) / 2, pen)
        }
        canvas.restore()
    }
}

/** "12.3 %" as the user's language writes it. */
internal fun oneDigitPercent(): NumberFormat = NumberFormat.getPercentInstance().apply {
    minimumFractionDigits = 1
    maximumFractionDigits = 1
}
