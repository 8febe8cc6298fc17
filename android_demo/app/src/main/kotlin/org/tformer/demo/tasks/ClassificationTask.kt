package org.tformer.demo.tasks

import android.view.ViewGroup
import org.tformer.demo.core.Classifier
import org.tformer.demo.core.Engine
import org.tformer.demo.core.ImageModel
import org.tformer.demo.core.ModelFile

/** Labels with their probabilities: the first three as bars, and a frame around what the model sees. */
object ClassificationTask : Task {
    override fun model(file: ModelFile, engine: Engine) = Classifier(file, engine)

    override fun overlay(parent: ViewGroup, model: ImageModel<*>): TaskOverlay = ClassificationOverlay(parent, model as Classifier)

    override fun painter(model: ImageModel<*>, side: Int): AnswerPainter = LabelPainter(DrawnSizes.labelText(side))
}
