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

/**
 * What was found in a picture, the best first: of each array the first [count].
 *
 * @property names of all classes. @property indices of the classes of what was found.
 * @property boxes left, top, right, bottom of each, in the picture's pixels, inside it.
 */
class DetectedObjects internal constructor(val names: List<String>, most: Int) : Answer() {
    var count = 0
        internal set
    val indices = IntArray(most)
    val scores = DoubleArray(most)
    val boxes = DoubleArray(4 * most)

    /** Object [place] by itself. */
    operator fun get(place: Int): DetectedObject {
        if (place !in 0 until count) throw IndexOutOfBoundsException("$place of $count")
        val at = 4 * place
        return DetectedObject(indices[place], names[indices[place]], scores[place], boxes[at], boxes[at + 1], boxes[at + 2], boxes[at + 3])
    }
}

/** A model file that finds objects, in an interpreter that the caller opened and closes. See [ImageModel]. */
class Detector(file: ModelFile, engine: Engine) : ImageModel<DetectedObjects>(file, Contract.DETECTION, engine) {
    private val rule = checkNotNull(contract.detection)
    private val decoder = DetectionDecoder(contract, engine.outputs)
    private var frame = PictureFrame(contract.preprocessing, 1, 1)

    /** Over 0 and under 1: what a score must exceed from the next answer on; the contract's own to begin with. Any thread may set it. */
    @Volatile
    var scoreThreshold: Double = rule.scoreThreshold
        set(value) {
            require(value > 0 && value < 1) { "Expected a threshold over 0 and under 1, received $value." }
            field = value
        }

    override fun blank() = DetectedObjects(file.labels, rule.maxBoxes)

    public override fun read(outputs: List<ByteArray>, height: Int, width: Int, into: DetectedObjects) {
        if (frame.height != height || frame.width != width) frame = PictureFrame(contract.preprocessing, height, width)
        // The first image of the batch.
        val found = decoder.decode(outputs, 0, scoreThreshold)
        for (place in 0 until found.count) {
            into.indices[place] = found.labels[place]
            into.scores[place] = found.score(place)
            val at = 4 * place
            into.boxes[at] = frame.pictureX(found.boxes[at])
            into.boxes[at + 1] = frame.pictureY(found.boxes[at + 1])
            into.boxes[at + 2] = frame.pictureX(found.boxes[at + 2])
            into.boxes[at + 3] = frame.pictureY(found.boxes[at + 3])
        }
        into.count = found.count
    }
}
