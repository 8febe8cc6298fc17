package org.tformer.demo.core

/** What an output tensor is, as the contract writes it. */
enum class OutputKind {
    SCORES,
    LOGITS,
    DELTAS,
    CLASS_LOGITS,
    ;

    /** As the contract writes it. */
    val text: String = name.lowercase()

    internal val ofLevel: Boolean get() = this == LOGITS || this == DELTAS
}

/**
 * One output tensor (docs/contract.md, "Outputs").
 *
 * @property stride pixels of the input between two cells of the map; 0 of scores.
 * @property anchors width and height of each anchor of a cell in pixels of the input; of logits and deltas alone.
 */
data class Output(val name: String, val kind: OutputKind, val stride: Int, val anchors: List<Pair<Double, Double>>) {
    /** The tensor's shape, for an input of [height] × [width] and a batch. */
    internal fun shape(batch: Int, height: Int, width: Int, labels: Int): List<Int> = when (kind) {
        OutputKind.SCORES -> listOf(batch, labels)
        OutputKind.CLASS_LOGITS -> listOf(batch, cells(height), cells(width), labels)
        // Both factors are within 22 bits.
        OutputKind.LOGITS -> listOf(batch, cells(height), cells(width), anchors.size * labels)
        OutputKind.DELTAS -> listOf(batch, cells(height), cells(width), anchors.size * 4)
    }

    /** Values of the tensor; null where there are too many for any file. */
    internal fun values(batch: Int, height: Int, width: Int, labels: Int): Long? =
        // At most 1024 · 8192² · 64 · 65,536: within 63 bits.
        shape(batch, height, width, labels).fold(1L) { product, side -> product * side }.takeIf { it <= Int.MAX_VALUE }

    private fun cells(side: Int): Int = (side + stride - 1) / stride

    internal companion object {
        private const val MAX_OUTPUTS = 64
        private const val MAX_STRIDE = 8192
        private const val MAX_ANCHORS = 64
        private const val MAX_ANCHOR_SIDE = 65_536.0

        /** `outputs` of a `model.json` of [task]. */
        fun parse(document: Fields, task: String): List<Output> {
            val given = document.list("outputs")
            if (given.size !in 1..MAX_OUTPUTS) throw wrong("outputs", "1 to $MAX_OUTPUTS objects", given.size)
            val outputs = given.mapIndexed { index, one ->
                val where = "outputs[$index]"
                output(Fields(one as? Map<*, *> ?: throw wrong(where, "an object", one), "$where."))
            }
            if (!fits(outputs, task)) throw wrong("outputs", "those of $task, as docs/contract.md has them", outputs.map { it.kind.text })
            return outputs
        }

        private fun output(fields: Fields): Output {
            val kind = fields.oneOf("kind", OutputKind.entries, OutputKind::text)
            val stride = if (kind == OutputKind.SCORES) 0 else fields.integer("stride", 1..MAX_STRIDE)
            val anchors = if (kind.ofLevel) anchors(fields) else emptyList()
            return Output(fields.text("name"), kind, stride, anchors)
        }

        private fun anchors(fields: Fields): List<Pair<Double, Double>> {
            val given = fields.list("anchors")
            if (given.size !in 1..MAX_ANCHORS) throw wrong(fields.name("anchors"), "1 to $MAX_ANCHORS pairs", given.size)
            return given.map { pair ->
                val sides = (pair as? List<*>)?.map { (it as? Number)?.toDouble() }
                if (sides == null || sides.size != 2 || !sides.all { it != null && it > 0 && it <= MAX_ANCHOR_SIDE }) {
                    throw wrong(fields.name("anchors"), "pairs of numbers over 0 and up to $MAX_ANCHOR_SIDE", pair)
                }
                sides[0]!! to sides[1]!!
            }
        }

        private fun fits(outputs: List<Output>, task: String): Boolean {
            val kinds = outputs.map { it.kind }
            if (task == Contract.CLASSIFICATION) return kinds == listOf(OutputKind.SCORES)
            if (task == Contract.SEGMENTATION) return kinds == listOf(OutputKind.CLASS_LOGITS)
            val pairs = outputs.chunked(2)
            return kinds.chunked(2).all { it == listOf(OutputKind.LOGITS, OutputKind.DELTAS) } &&
                pairs.all { (logits, deltas) -> logits.stride == deltas.stride && logits.anchors == deltas.anchors } &&
                pairs.zipWithNext().all { (finer, coarser) -> finer[0].stride < coarser[0].stride } &&
                outputs.all { it.anchors.size == outputs[0].anchors.size }
        }
    }
}

/** How a detector's boxes are found (docs/contract.md, "Of a detector"). */
data class DetectionRule(val scoreThreshold: Double, val iouThreshold: Double, val perLevel: Int, val maxBoxes: Int) {
    internal companion object {
        private const val MAX_PER_LEVEL = 100_000
        private const val MAX_BOXES = 10_000

        fun parse(fields: Fields): DetectionRule {
            val score = fields.number("score_threshold")
            if (!(score > 0 && score < 1)) throw wrong(fields.name("score_threshold"), "a number over 0 and under 1", score)
            val overlap = fields.number("iou_threshold")
            if (!(overlap in 0.0..1.0)) throw wrong(fields.name("iou_threshold"), "a number from 0 to 1", overlap)
            return DetectionRule(
                score,
                overlap,
                fields.integer("per_level", 1..MAX_PER_LEVEL),
                fields.integer("max_boxes", 1..MAX_BOXES),
            )
        }
    }
}

/** `labels.colours`: a red, green and blue of 0 to 255 for each of [count] labels, or none. */
internal fun parseColours(labels: Fields, count: Int): List<List<Int>> {
    if (!labels.has("colours")) return emptyList()
    val colours = labels.list("colours").map { colour ->
        val parts = (colour as? List<*>)?.map { (it as? Long)?.takeIf { part -> part in 0..255 }?.toInt() }
        if (parts == null || parts.size != 3 || parts.any { it == null }) {
            throw wrong(labels.name("colours"), "triples of integers from 0 to 255", colour)
        }
        parts.filterNotNull()
    }
    if (colours.isNotEmpty() && colours.size != count) throw wrong(labels.name("colours"), "$count triples", colours.size)
    return colours
}
