package org.tformer.demo.core

/**
 * The class of each pixel of a part of a picture, and the classes that are there, the largest first; equal ones by lower index.
 *
 * @property names of all classes.
 */
class ClassMap internal constructor(val names: List<String>) : Answer() {
    /** With [left], [height] and [width]: the part that the model sees whole, in the picture's pixels; perhaps nothing. */
    var top = 0
        internal set
    var left = 0
        internal set
    var height = 0
        internal set
    var width = 0
        internal set

    /** Of that part's pixels, row by row: 16 bits without a sign. */
    var classes = ShortArray(0)
        internal set

    /** Classes that are there. */
    var areaCount = 0
        internal set

    // The pixels of a class above what makes the lower index greater, so that sorted numbers are sorted areas.
    private val ordered = LongArray(names.size)
    private val counts = IntArray(names.size)

    /** The class of area [place], from 0, the largest. */
    fun areaIndex(place: Int): Int = Int.MAX_VALUE - (ordered[names.size - 1 - place] and INDEX).toInt()

    /** Pixels of area [place]. */
    fun areaPixels(place: Int): Int = (ordered[names.size - 1 - place] shr INDEX_BITS).toInt()

    /** The share of the pixels that the model sees, over 0 to 1, of area [place]. */
    fun areaShare(place: Int): Double = areaPixels(place) / (height.toDouble() * width)

    internal fun countAreas() {
        counts.fill(0)
        for (one in classes) counts[one.toInt() and 0xffff]++
        areaCount = 0
        for (index in counts.indices) {
            ordered[index] = (counts[index].toLong() shl INDEX_BITS) or (Int.MAX_VALUE - index).toLong()
            if (counts[index] > 0) areaCount++
        }
        ordered.sort()
    }

    private companion object {
        const val INDEX_BITS = 31
        const val INDEX = (1L shl INDEX_BITS) - 1
    }
}

/** A model file that gives each pixel a class, in an interpreter that the caller opened and closes. See [ImageModel]. */
class Segmenter(file: ModelFile, engine: Engine) : ImageModel<ClassMap>(file, Contract.SEGMENTATION, engine) {
    private val shape = engine.outputs.single().shape
    private val mapper = ClassMapper(shape[1], shape[2], shape[3], contract.outputType)
    private var frame = PictureFrame(contract.preprocessing, 1, 1)
    private var window: Window? = null

    override fun blank() = ClassMap(file.labels)

    public override fun read(outputs: List<ByteArray>, height: Int, width: Int, into: ClassMap) {
        if (frame.height != height || frame.width != width) {
            frame = PictureFrame(contract.preprocessing, height, width)
            window = null
        }
        val seen = frame
        into.top = seen.seenTop
        into.left = seen.seenLeft
        into.height = if (seen.seenWidth == 0) 0 else seen.seenHeight
        into.width = if (seen.seenHeight == 0) 0 else seen.seenWidth
        if (into.classes.size != into.height * into.width) into.classes = ShortArray(into.height * into.width)
        if (into.classes.isNotEmpty()) {
            val shown = window ?: seen.window(shape[1], shape[2]).also { window = it }
            // The first image of the batch.
            mapper.map(outputs[0], 0, seen.seenHeight, seen.seenWidth, shown, into.classes)
        }
        into.countAreas()
    }
}
