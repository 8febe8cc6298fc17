package org.tformer.demo.core

/**
 * What a model says about a picture, and what that took. A model fills it again where it is given to [ImageModel.answer], so that a
 * frame costs no memory: who wants to keep one hands in another.
 */
abstract class Answer internal constructor() {
    /** For the input: resize, crop and table. */
    var preprocessNanos = 0L
        internal set

    /** For the interpreter. */
    var inferenceNanos = 0L
        internal set

    /** For what follows: boxes, classes of pixels, the order of labels. */
    var answerNanos = 0L
        internal set
}
