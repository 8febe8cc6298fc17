package org.tformer.demo.tasks

import android.graphics.RectF
import org.tformer.demo.core.Preprocessing

/** The part of a picture that preprocessing keeps: the centre that its crop leaves. */
object SeenRegion {
    /** @return in pixels of the picture; with a `stretch` resize all of it. */
    fun of(preprocessing: Preprocessing, width: Int, height: Int): RectF {
        val resized = preprocessing.resizedSize(height, width)
        val top = (resized.height - preprocessing.height) / 2
        val left = (resized.width - preprocessing.width) / 2
        val vertical = height.toFloat() / resized.height
        val horizontal = width.toFloat() / resized.width
        return RectF(
            left * horizontal,
            top * vertical,
            (left + preprocessing.width) * horizontal,
            (top + preprocessing.height) * vertical,
        )
    }
}
