package org.tformer.demo.core

/**
 * From a detector's maps to boxes, to the last bit as `tformer_edge/detections.py` (docs/contract.md, "Of a detector"). It allocates
 * when it is made and no more: what [decode] gives is filled again by the next call. One thread at a time uses it.
 *
 * @param contract of a detector of format 2.
 * @param tensors the output tensors, in the contract's order and of its shapes.
 * @throws ModelError for integers without a scale.
 */
class DetectionDecoder(contract: Contract, tensors: List<TensorInfo>) {
    private val rule = checkNotNull(contract.detection) { "a contract without detection" }
    private val classes = contract.labelCount
    private val inputHeight = contract.preprocessing.height.toDouble()
    private val inputWidth = contract.preprocessing.width.toDouble()
    private val levels = contract.outputs.indices.step(2).map { Level(contract, tensors, it) }
    private val highest = HighestValues(rule.perLevel, levels.maxOf { it.logitCount })
    private val candidates = RankedCandidates(levels.sumOf { minOf(rule.perLevel, it.logitCount) })
    private val suppression = Suppression(classes, rule.maxBoxes)
    private val kept = Detections(rule.maxBoxes)
    private var threshold = rule.scoreThreshold
    private var thresholdLogit = Exponential.logit(threshold)

    /** The two maps of a level. @property outputs where they stand among the model's. */
    private inner class Level(contract: Contract, tensors: List<TensorInfo>, val outputs: Int) {
        val stride = contract.outputs[outputs].stride
        val anchors = contract.outputs[outputs].anchors.size
        val sides = DoubleArray(2 * anchors) { contract.outputs[outputs].anchors[it / 2].run { if (it % 2 == 0) first else second } }
        val columns = (contract.preprocessing.width + stride - 1) / stride
        private val rows = (contract.preprocessing.height + stride - 1) / stride
        val logitCount = rows * columns * anchors * contract.labelCount
        val deltaCount = rows * columns * anchors * 4
        val logits = MapValues(tensors[outputs])
        val deltas = MapValues(tensors[outputs + 1])
    }

    /**
     * What the maps say of image [image] of the batch.
     *
     * @param maps the output tensors' bytes.
     * @param scoreThreshold over 0 and under 1: a score must exceed it. The contract's own where none is given.
     * @throws ModelError for logits that are NaN, and a candidate's deltas that are not finite.
     */
    fun decode(maps: List<ByteArray>, image: Int = 0, scoreThreshold: Double = rule.scoreThreshold): Detections {
        if (scoreThreshold != threshold) {
            thresholdLogit = Exponential.logit(scoreThreshold)
            threshold = scoreThreshold
        }
        candidates.clear()
        for (index in levels.indices) {
            val level = levels[index]
            level.logits.bytes = maps[level.outputs]
            level.deltas.bytes = maps[level.outputs + 1]
            val start = image * level.logitCount
            highest.find(level.logits, start, start + level.logitCount, thresholdLogit)
            for (place in 0 until highest.count) add(level, highest.found[place], start, image * level.deltaCount)
        }
        candidates.rank()
        suppression.keep(candidates, rule.iouThreshold, kept)
        return kept
    }

    private fun add(level: Level, index: Int, start: Int, deltaStart: Int) {
        val place = (index - start) / classes
        val label = (index - start) % classes
        val anchor = place % level.anchors
        val cell = place / level.anchors
        val at = deltaStart + 4 * place
        val dx = level.deltas.real(at)
        val dy = level.deltas.real(at + 1)
        if (!(dx.isFinite() && dy.isFinite() && level.deltas.real(at + 2).isFinite() && level.deltas.real(at + 3).isFinite())) {
            throw ModelError("Expected finite deltas, received NaN or infinity; choose another model.")
        }
        val w = level.sides[2 * anchor]
        val h = level.sides[2 * anchor + 1]
        val x = (cell % level.columns + 0.5) * level.stride + dx * w
        val y = (cell / level.columns + 0.5) * level.stride + dy * h
        val halfWidth = w * level.deltas.factor(at + 2) * 0.5
        val halfHeight = h * level.deltas.factor(at + 3) * 0.5
        candidates.add(
            label, level.logits.real(index),
            clip(x - halfWidth, inputWidth), clip(y - halfHeight, inputHeight), clip(x + halfWidth, inputWidth), clip(y + halfHeight, inputHeight),
        )
    }

    private fun clip(value: Double, most: Double): Double = minOf(maxOf(value, 0.0), most)
}
