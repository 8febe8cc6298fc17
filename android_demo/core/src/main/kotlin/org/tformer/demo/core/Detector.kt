package org.tformer.demo.core

/**
 * One thing in a picture.
 *
 * @property index of its class in `labels.txt`, from 0. @property score over 0 and under 1.
 * @property left with [top], [right], [bottom] in the picture's pixels, inside it.
 */
class DetectedObject(
    val index: Int,
    val label: String,
    val score: Double,
    val left: Double,
    val top: Double,
    val right: Double,
    val bottom: Double,
)

/** A model file that finds objects, in an interpreter that the caller opened and closes. See [ImageModel]. */
class Detector(file: ModelFile, engine: Engine) : ImageModel(file, Contract.DETECTION, engine) {
    private val decoder = DetectionDecoder(contract, engine.outputs)
    private var frame = PictureFrame(contract.preprocessing, 1, 1)

    /** The contract's own. */
    val scoreThreshold: Double = checkNotNull(contract.detection).scoreThreshold

    /**
     * The objects in [image], the best first.
     *
     * @param scoreThreshold over 0 and under 1: a score must exceed it.
     * @throws EngineException where the interpreter fails.
     * @throws ModelError for outputs of which no boxes come: NaN, or infinite deltas.
     */
    fun detect(image: RgbImage, scoreThreshold: Double = this.scoreThreshold): Timed<List<DetectedObject>> =
        timed(image) { outputs -> answer(outputs, image.height, image.width, scoreThreshold) }

    /** The same, of what the model gave for a picture of [height] × [width]. */
    internal fun answer(outputs: List<ByteArray>, height: Int, width: Int, scoreThreshold: Double): List<DetectedObject> {
        if (frame.height != height || frame.width != width) frame = PictureFrame(contract.preprocessing, height, width)
        // The first image of the batch.
        val found = decoder.decode(outputs, 0, scoreThreshold)
        return List(found.count) { index ->
            val boxes = found.boxes
            DetectedObject(
                found.labels[index],
                file.labels[found.labels[index]],
                found.score(index),
                frame.pictureX(boxes[4 * index]),
                frame.pictureY(boxes[4 * index + 1]),
                frame.pictureX(boxes[4 * index + 2]),
                frame.pictureY(boxes[4 * index + 3]),
            )
        }
    }
}
