package org.tformer.demo.tasks

import android.view.ViewGroup
import org.tformer.demo.core.Detector
import org.tformer.demo.core.Engine
import org.tformer.demo.core.ImageModel
import org.tformer.demo.core.ModelFile
import org.tformer.demo.core.Palette

/** Boxes with labels and scores, and how many of each class there are. */
object DetectionTask : Task {
    override fun model(file: ModelFile, engine: Engine) = Detector(file, engine)

    override fun overlay(parent: ViewGroup, model: ImageModel<*>): TaskOverlay =
        DetectionOverlay(parent, model as Detector)

    override fun painter(model: ImageModel<*>, side: Int): AnswerPainter =
        BoxPainter(model.file.labels, Palette.of(model.contract), DrawnSizes.line(side), DrawnSizes.boxText(side))
}
