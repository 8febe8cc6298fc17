package org.tformer.demo.core

import java.io.File
import java.io.FileInputStream
import java.io.IOException
import java.security.MessageDigest

/**
 * One input and the output that LiteRT's reference kernels give for it: the tensors' bytes, row-major, float32 as little-endian.
 * Several outputs stand one behind the other.
 *
 * @property xnnpackDifference as in [GoldenRecord], and [answerSha256].
 */
class Golden(
    val name: String,
    val input: ByteArray,
    val output: ByteArray,
    val xnnpackDifference: Double,
    val answerSha256: String? = null,
)

/**
 * A model file, checked: a flatbuffer with its contract, labels and golden vectors behind it (docs/contract.md).
 *
 * @property contract null, with [labels] and [golden] empty, for a file without one: nothing vouches for its flatbuffer then, and
 * a hostile one can crash the interpreter.
 */
class ModelFile(val flatbuffer: ByteArray, val contract: Contract?, val labels: List<String>, val golden: List<Golden>) {
    companion object {
        private const val MAX_FILE_BYTES = Contract.MAX_FLATBUFFER_BYTES + (64 shl 20)
        private const val IDENTIFIER = "TFL3"
        private const val JSON_NAME = "model.json"
        private const val LABELS_NAME = "labels.txt"
        private const val FILE_ADVICE = "give the path of a .tflite file"

        /**
         * Reads and checks a whole file.
         *
         * @param name what a refusal calls the file.
         * @throws Refusal naming the broken rule of docs/contract.md, and never any other exception, whatever the bytes are.
         */
        fun read(data: ByteArray, name: String? = null): ModelFile =
            try {
                check(data)
            } catch (refusal: Refusal) {
                throw if (name == null) refusal else refusal.ofFile(name)
            }

        /**
         * The same for a file that is read here. One of hundreds of megabytes may want more memory than there is, which is an
         * [OutOfMemoryError] as anywhere.
         */
        fun read(file: File): ModelFile {
            val data = try {
                load(file)
            } catch (refusal: Refusal) {
                throw refusal.ofFile(file.name)
            }
            return read(data, file.name)
        }

        private fun load(file: File): ByteArray {
            try {
                // Before opening, since opening a pipe waits for whoever writes to it.
                if (!file.isFile) throw Refusal("file", "a file", "none or something else", FILE_ADVICE)
                val length = file.length()
                if (length > MAX_FILE_BYTES) throw tooLong()
                val data = ByteArray(length.toInt())
                FileInputStream(file).use { stream ->
                    var at = 0
                    while (at < data.size) {
                        val count = stream.read(data, at, data.size - at)
                        if (count < 0) return data.copyOf(at)
                        at += count
                    }
                    if (stream.read() >= 0) throw Refusal("file", "a file that stays as it is", "one that grows", FILE_ADVICE)
                }
                return data
            } catch (error: IOException) {
                throw Refusal("file", "a file that can be read", quoted(error.message ?: error.javaClass.simpleName), FILE_ADVICE)
            } catch (_: SecurityException) {
                throw Refusal("file", "a file that can be read", "no permission", FILE_ADVICE)
            }
        }

        private fun tooLong() = Refusal("file-size", "a file of up to $MAX_FILE_BYTES bytes", "a longer one")

        private fun check(data: ByteArray): ModelFile {
            if (data.size > MAX_FILE_BYTES) throw tooLong()
            if (data.size < 8 || IDENTIFIER.indices.any { data[4 + it] != IDENTIFIER[it].code.toByte() }) {
                throw Refusal("flatbuffer-identifier", "'$IDENTIFIER' at byte 4, as a .tflite file has it", "another file")
            }
            val zip = StrictZip.read(data, JSON_NAME) ?: return ModelFile(data, null, emptyList(), emptyList())
            checkNames(zip.entries.keys.toList())
            val contract = Contract.parse(zip.entries.getValue(JSON_NAME))
            if (zip.start != contract.flatbufferBytes) {
                throw Refusal("flatbuffer-size", "a flatbuffer of ${contract.flatbufferBytes} bytes", "${zip.start}")
            }
            checkSha256("flatbuffer-sha256", "the flatbuffer", data, zip.start, contract.flatbufferSha256)
            val labels = zip.entries.getValue(LABELS_NAME)
            checkSha256("labels-sha256", LABELS_NAME, labels, labels.size, contract.labelsSha256)
            val lines = parseLabels(labels, contract.labelCount)
            val golden = golden(zip.entries, contract)
            return ModelFile(data.copyOf(zip.start), contract, lines, golden)
        }

        /** `model.json`, `labels.txt`, `golden/0.in`, `golden/0.out`, … in this order and no other. */
        private fun checkNames(names: List<String>) {
            val count = (names.size / 2 - 1).coerceIn(0, Contract.MAX_GOLDEN)
            val expected = listOf(JSON_NAME, LABELS_NAME) + (0 until count).flatMap { listOf("golden/$it.in", "golden/$it.out") }
            if (names != expected) {
                throw Refusal(
                    "entries",
                    "the entries model.json, labels.txt and golden/N.in, golden/N.out for N = 0, 1, … in this order",
                    quoted(names.joinToString(), 200),
                )
            }
        }

        private fun golden(entries: Map<String, ByteArray>, contract: Contract): List<Golden> {
            if (entries.size != 2 + 2 * contract.golden.size) {
                throw Refusal(
                    "golden-count",
                    "${contract.golden.size} golden vectors, as the contract says",
                    "${entries.size / 2 - 1}",
                )
            }
            return contract.golden.mapIndexed { index, record ->
                val input = entries.getValue("golden/$index.in")
                val output = entries.getValue("golden/$index.out")
                checkSha256("golden-sha256", "golden/$index.in", input, input.size, record.inputSha256)
                checkSha256("golden-sha256", "golden/$index.out", output, output.size, record.outputSha256)
                val image = contract.preprocessing
                val values = contract.batch.toLong() * image.height * image.width * image.channels
                checkSize("golden/$index.in", input, values * contract.inputType.bytes)
                if (contract.task == Contract.CLASSIFICATION) {
                    val scores = contract.batch.toLong() * contract.labelCount
                    checkSize("golden/$index.out", output, scores * contract.outputType.bytes)
                } else if (contract.outputs.isNotEmpty()) {
                    val parts = contract.outputs.map { it.values(contract.batch, image.height, image.width, contract.labelCount) }
                    val total = parts.sumOf { it ?: Int.MAX_VALUE.toLong() }
                    checkSize("golden/$index.out", output, total * contract.outputType.bytes)
                }
                Golden(record.name, input, output, record.xnnpackDifference, record.answerSha256)
            }
        }

        private fun checkSize(name: String, data: ByteArray, expected: Long) {
            if (data.size.toLong() != expected) {
                throw Refusal("golden-size", "$name of $expected bytes, one tensor of the contract's shape", "${data.size}")
            }
        }

        private fun checkSha256(rule: String, name: String, data: ByteArray, length: Int, expected: String) {
            val digest = MessageDigest.getInstance("SHA-256").apply { update(data, 0, length) }.digest()
            val received = digest.joinToString("") { hex(it.toLong() and 0xff, 2) }
            if (received != expected) throw Refusal(rule, "$name with SHA-256 $expected", received)
        }
    }
}
