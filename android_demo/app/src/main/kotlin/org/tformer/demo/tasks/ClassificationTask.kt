package org.tformer.demo.tasks

import android.view.ViewGroup
import org.tformer.demo.core.Classifier
import org.tformer.demo.core.Engine
import org.tformer.demo.core.ImageModel
import org.tformer.demo.core.ModelFile
import org.tformer.demo.models.Calibration

/** Labels with their probabilities: the first three as bars, and a frame around what the model sees. */
object ClassificationTask : Task {
    override fun model(file: ModelFile, engine: Engine, calibration: Calibration?) = Classifier(file, engine, calibration?.temperature ?: 1.0)

    override fun overlay(parent: ViewGroup, model: ImageModel<*>, calibration: Calibration?): TaskOverlay =
        ClassificationOverlay(parent, model as Classifier, calibration)

    override fun painter(model: ImageModel<*>, side: Int): AnswerPainter = LabelPainter(DrawnSizes.labelText(side))
}
