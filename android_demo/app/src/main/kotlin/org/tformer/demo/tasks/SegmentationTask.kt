package org.tformer.demo.tasks

import android.view.ViewGroup
import org.tformer.demo.core.Engine
import org.tformer.demo.core.ImageModel
import org.tformer.demo.core.ModelFile
import org.tformer.demo.core.Palette
import org.tformer.demo.core.Segmenter

/** The class of each pixel blended over the picture, and a legend of the largest classes. */
object SegmentationTask : Task {
    /** Classes in a legend, as `tformer_edge` shows them. */
    const val SHOWN = 5

    override fun model(file: ModelFile, engine: Engine) = Segmenter(file, engine)

    override fun overlay(parent: ViewGroup, model: ImageModel<*>): TaskOverlay =
        SegmentationOverlay(parent, model as Segmenter)

    override fun painter(model: ImageModel<*>, side: Int): AnswerPainter {
        val colours = Palette.of(model.contract)
        return LegendPainter(MaskPainter(colours), model.file.labels, colours, DrawnSizes.legendText(side))
    }
}
