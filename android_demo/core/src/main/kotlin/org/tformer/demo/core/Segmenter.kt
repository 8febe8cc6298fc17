package org.tformer.demo.core

/** One class of a segmented picture. @property share of the pixels that the model sees, over 0 to 1. */
class ClassArea(val index: Int, val label: String, val pixels: Int, val share: Double)

/**
 * The class of each pixel of a part of a picture.
 *
 * @property top with [left], [height] and [width]: the part that the model sees whole, in the picture's pixels; perhaps nothing.
 * @property classes of that part's pixels, row by row: 16 bits without a sign.
 * @property areas of the classes that are there, the largest first; equal ones by lower index.
 */
class ClassMap(val top: Int, val left: Int, val height: Int, val width: Int, val classes: ShortArray, val areas: List<ClassArea>)

/** A model file that gives each pixel a class, in an interpreter that the caller opened and closes. See [ImageModel]. */
class Segmenter(file: ModelFile, engine: Engine) : ImageModel(file, Contract.SEGMENTATION, engine) {
    private val shape = engine.outputs.single().shape
    private val mapper = ClassMapper(shape[1], shape[2], shape[3], contract.outputType)
    private val counts = IntArray(contract.labelCount)
    private var frame = PictureFrame(contract.preprocessing, 1, 1)
    private var window: Window? = null

    /**
     * The class of each pixel of [image].
     *
     * @throws EngineException where the interpreter fails.
     * @throws ModelError for logits that are not finite.
     */
    fun segment(image: RgbImage): Timed<ClassMap> = timed(image) { outputs -> answer(outputs.single(), image.height, image.width) }

    /** The same, of what the model gave for a picture of [height] × [width]. */
    internal fun answer(output: ByteArray, height: Int, width: Int): ClassMap {
        if (frame.height != height || frame.width != width) {
            frame = PictureFrame(contract.preprocessing, height, width)
            window = null
        }
        val seen = frame
        if (seen.seenHeight == 0 || seen.seenWidth == 0) return ClassMap(seen.seenTop, seen.seenLeft, 0, 0, ShortArray(0), emptyList())
        val shown = window ?: seen.window(shape[1], shape[2]).also { window = it }
        // The first image of the batch; copied, because the next frame fills the mapper's own array again.
        val classes = mapper.map(output, 0, seen.seenHeight, seen.seenWidth, shown).copyOf()
        counts.fill(0)
        for (one in classes) counts[one.toInt() and 0xffff]++
        val total = classes.size.toDouble()
        val areas = counts.indices.filter { counts[it] > 0 }.sortedByDescending { counts[it] }
            .map { ClassArea(it, file.labels[it], counts[it], counts[it] / total) }
        return ClassMap(seen.seenTop, seen.seenLeft, seen.seenHeight, seen.seenWidth, classes, areas)
    }
}
