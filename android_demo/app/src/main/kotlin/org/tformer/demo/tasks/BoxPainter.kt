package org.tformer.demo.tasks

import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Paint
import android.graphics.RectF
import org.tformer.demo.core.Answer
import org.tformer.demo.core.DetectedObjects
import org.tformer.demo.core.Palette
import java.text.NumberFormat
import kotlin.math.roundToInt

/**
 * A box and a label with its score for each object, the best on top, as `tformer_edge` draws them; each line has an edge, black or white, so
 * that it is seen on any ground.
 *
 * @param colours 0xRRGGBB a class. @param line width of a box's line in pixels of the canvas. @param height of a label.
 */
class BoxPainter(private val names: List<String>, private val colours: IntArray, private val line: Float, private val height: Float) :
    AnswerPainter {
    /** A label's text and how wide it is. */
    private class Tag(val text: String, val width: Float)

    private val percent = NumberFormat.getPercentInstance()

    // Of each class and percentage, made when they are first seen: text made for each frame would be garbage.
    private val tags = arrayOfNulls<Array<Tag?>>(names.size)
    private val edge = line / 3
    private val stroke = Paint(Paint.ANTI_ALIAS_FLAG).apply { style = Paint.Style.STROKE }
    private val fill = Paint()
    private val pen = Paint(Paint.ANTI_ALIAS_FLAG).apply { textSize = height * TEXT }
    private val baseline = height / 2 - (pen.ascent() + pen.descent()) / 2
    private val box = RectF()
    private var objects: DetectedObjects? = null

    override fun take(answer: Answer?) {
        objects = answer as? DetectedObjects
    }

    override fun paint(canvas: Canvas, picture: RectF, width: Int, height: Int) {
        val found = objects ?: return
        canvas.save()
        canvas.clipRect(picture)
        for (place in found.count - 1 downTo 0) {
            box.set(
                picture.left + (found.boxes[4 * place] * picture.width() / width).toFloat(),
                picture.top + (found.boxes[4 * place + 1] * picture.height() / height).toFloat(),
                picture.left + (found.boxes[4 * place + 2] * picture.width() / width).toFloat(),
                picture.top + (found.boxes[4 * place + 3] * picture.height() / height).toFloat(),
            )
            val colour = Color.BLACK or colours[found.indices[place]]
            val contrast = if (Palette.wantsBlack(colour)) Color.BLACK else Color.WHITE
            val tag = tag(found.indices[place], found.scores[place])
            val x = maxOf(picture.left, minOf(box.left, picture.right - tag.width))
            val above = box.top - this.height
            val y = if (above >= picture.top) above else minOf(box.top, picture.bottom - this.height)
            outline(canvas, colour, contrast)
            fill.color = colour
            canvas.drawRect(x, y, x + tag.width, y + this.height, fill)
            pen.color = contrast
            canvas.drawText(tag.text, x + this.height / 4, y + baseline, pen)
        }
        canvas.restore()
    }

    /** Lines run inside the box. One of less than a pixel is drawn as one. */
    private fun outline(canvas: Canvas, colour: Int, contrast: Int) {
        box.right = maxOf(box.right, box.left + 1)
        box.bottom = maxOf(box.bottom, box.top + 1)
        val inset = minOf(line / 2 + edge, box.width() / 2, box.height() / 2)
        box.inset(inset, inset)
        stroke.color = contrast
        stroke.strokeWidth = line + 2 * edge
        canvas.drawRect(box, stroke)
        stroke.color = colour
        stroke.strokeWidth = line
        canvas.drawRect(box, stroke)
    }

    private fun tag(index: Int, score: Double): Tag {
        val shown = (100 * score).roundToInt()
        val ofClass = tags[index] ?: arrayOfNulls<Tag>(PERCENTS).also { tags[index] = it }
        return ofClass[shown] ?: "${names[index]} ${percent.format(shown / 100.0)}".let { text ->
            Tag(text, pen.measureText(text) + height / 2).also { ofClass[shown] = it }
        }
    }

    private companion object {
        const val TEXT = 0.8f
        const val PERCENTS = 101
    }
}
