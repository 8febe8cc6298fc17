package org.tformer.demo.tasks

import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Paint
import android.graphics.Rect
import android.graphics.RectF
import org.tformer.demo.core.Answer
import org.tformer.demo.core.ClassMap
import kotlin.math.roundToInt

/**
 * The colours of the classes, blended over the part of the picture that the model sees as `tformer_edge` blends them. A map of more than
 * [MOST_PIXELS] is drawn at a half, a third, … of its sides.
 *
 * @param colours 0xRRGGBB a class.
 */
class MaskPainter(colours: IntArray) : AnswerPainter {
    private val opaque = IntArray(colours.size) { Color.BLACK or colours[it] }
    private val blend = Paint().apply { alpha = (255 * BLEND).roundToInt() }
    private val from = Rect()
    private val to = RectF()
    private var stripe = IntArray(0)
    private var mask: Bitmap? = null
    private var map: ClassMap? = null

    override fun take(answer: Answer?) {
        val next = answer as? ClassMap
        map = next
        if (next != null && next.classes.isNotEmpty()) fill(next)
    }

    override fun paint(canvas: Canvas, picture: RectF, width: Int, height: Int) {
        val seen = map ?: return
        val bitmap = mask ?: return
        if (seen.classes.isEmpty()) return
        val acrossX = picture.width() / width
        val acrossY = picture.height() / height
        val step = step(seen)
        from.set(0, 0, bitmap.width, bitmap.height)
        // The last column and row of a step may stand for fewer pixels, and are clipped.
        val left = picture.left + seen.left * acrossX
        val top = picture.top + seen.top * acrossY
        to.set(left, top, left + bitmap.width * step * acrossX, top + bitmap.height * step * acrossY)
        canvas.save()
        canvas.clipRect(left, top, left + seen.width * acrossX, top + seen.height * acrossY)
        canvas.drawBitmap(bitmap, from, to, blend)
        canvas.restore()
    }

    private fun fill(map: ClassMap) {
        val step = step(map)
        val width = (map.width + step - 1) / step
        val height = (map.height + step - 1) / step
        val bitmap = mask?.takeIf { it.width == width && it.height == height }
            ?: Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888).also { mask = it }
        if (stripe.size != width * ROWS) stripe = IntArray(width * ROWS)
        val pixels = stripe
        val classes = map.classes
        var top = 0
        while (top < height) {
            val rows = minOf(ROWS, height - top)
            var at = 0
            for (row in top until top + rows) {
                var source = row * step * map.width
                for (column in 0 until width) {
                    pixels[at++] = opaque[classes[source].toInt() and 0xffff]
                    source += step
                }
            }
            bitmap.setPixels(pixels, 0, width, 0, top, width, rows)
            top += rows
        }
    }

    private fun step(map: ClassMap): Int {
        var step = 1
        while ((map.width / step).toLong() * (map.height / step) > MOST_PIXELS) step++
        return step
    }

    companion object {
        const val MOST_PIXELS = 2_000_000L

        /** The classes' share of a pixel's colour. */
        const val BLEND = 0.55
        private const val ROWS = 32
    }
}
