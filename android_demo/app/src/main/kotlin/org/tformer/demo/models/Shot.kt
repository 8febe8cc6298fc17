package org.tformer.demo.models

import org.tformer.demo.core.Answer
import org.tformer.demo.core.RgbImage

/** A picture with what a model says about it. A live picture's are filled again and again. */
class Shot {
    /** Upright. */
    var image: RgbImage? = null
        private set

    /** Which model it was, and its answer. */
    var model: RunningModel? = null
        private set
    var answer: Answer? = null
        private set

    /** For turning a camera's frame into [image]. */
    var convertNanos = 0L
    var framesPerSecond = 0.0

    /** Fills this with what [model] says about [image], in the answer of before where that was this model's. */
    fun fill(image: RgbImage, model: RunningModel) {
        this.image = image
        val before = answer.takeIf { this.model === model }
        this.model = null
        answer = model.answer(image, before)
        this.model = model
    }
}
