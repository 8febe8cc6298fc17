package org.tformer.demo.core

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.security.MessageDigest

/** What a golden output says, by the contract's own thresholds and without a picture (docs/contract.md, "Golden answers"). */
internal class GoldenAnswer private constructor(private val contract: Contract, private val tensors: List<TensorInfo>) {
    /**
     * The SHA-256 of the answer of `golden/N.out`, in hexadecimal.
     *
     * @throws ModelError for an output of which no answer comes.
     */
    fun sha256(output: ByteArray): String {
        var at = 0
        val maps = tensors.map { info -> output.copyOfRange(at, at + info.bytes.toInt()).also { at += it.size } }
        val digest = MessageDigest.getInstance("SHA-256")
        if (contract.task == Contract.DETECTION) addBoxes(maps, digest) else addClasses(maps.single(), digest)
        return digest.digest().joinToString("") { hex(it.toLong() and 0xff, 2) }
    }

    private fun addBoxes(maps: List<ByteArray>, digest: MessageDigest) {
        val decoder = DetectionDecoder(contract, tensors)
        for (image in 0 until contract.batch) digest.update(bytesOf(decoder.decode(maps, image)))
    }

    private fun addClasses(map: ByteArray, digest: MessageDigest) {
        val (_, rows, columns, classes) = tensors.single().shape
        val mapper = ClassMapper(rows, columns, classes, contract.outputType)
        for (image in 0 until contract.batch) {
            val found = mapper.map(map, image, contract.preprocessing.height, contract.preprocessing.width, null)
            val bytes = ByteBuffer.allocate(2 * found.size).order(ByteOrder.LITTLE_ENDIAN)
            bytes.asShortBuffer().put(found)
            digest.update(bytes.array())
        }
    }

    companion object {
        private const val BOX_BYTES = 4 + 5 * 8

        /** Null where the contract knows no answers: of a classifier, and in format 1. */
        fun of(contract: Contract, tensors: List<TensorInfo>): GoldenAnswer? =
            if (contract.task == Contract.CLASSIFICATION || contract.outputs.isEmpty()) null else GoldenAnswer(contract, tensors)

        /** The number of boxes, then of each its label, logit, left, top, right and bottom. */
        fun bytesOf(found: Detections): ByteArray {
            val bytes = ByteBuffer.allocate(4 + BOX_BYTES * found.count).order(ByteOrder.LITTLE_ENDIAN)
            bytes.putInt(found.count)
            for (index in 0 until found.count) {
                bytes.putInt(found.labels[index]).putDouble(found.logits[index])
                for (side in 0 until 4) bytes.putDouble(found.boxes[4 * index + side])
            }
            return bytes.array()
        }
    }
}
