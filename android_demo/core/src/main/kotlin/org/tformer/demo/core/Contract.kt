package org.tformer.demo.core

/** What a classifier's scores are: logits want a softmax, probabilities are one already. */
enum class Meaning {
    LOGITS,
    PROBABILITIES,
    ;

    /** As the contract writes it. */
    val text: String = name.lowercase()
}

/**
 * What `model.json` says about one golden vector.
 *
 * @property inputSha256 of the bytes of `golden/N.in`; [outputSha256] of `golden/N.out`.
 * @property xnnpackDifference the largest that the exporter saw under XNNPACK: units of the last place for an integer output,
 * absolute for float32.
 * @property answerSha256 of what the output says (docs/contract.md, "Golden answers"); null for a classifier.
 */
data class GoldenRecord(
    val name: String,
    val inputSha256: String,
    val outputSha256: String,
    val xnnpackDifference: Double,
    val answerSha256: String? = null,
)

/**
 * What a model file takes, gives, is made of and was made from: the fields of docs/contract.md, "model.json".
 *
 * @property task `classification`, `detection` or `segmentation`; a program refuses by itself one that it cannot do.
 * @property batch images in one input tensor, whose shape is (batch, height, width, channels).
 * @property labelCount lines of `labels.txt`.
 * @property flatbufferBytes of the file before the zip.
 * @property source the configuration that built the model: any JSON object. Numbers are [Long] or [Double].
 * @property accuracy what was measured with this very flatbuffer, null where nothing was.
 * @property versions {program: version} that made the file.
 * @property outputs what each output is, in the model's order; none in format 1.
 * @property detection how a detector's boxes are found; null for other tasks and in format 1.
 * @property colours red, green, blue of each label, or none.
 * @property certainty from which probability on a classifier's answer is one; null where nobody measured it.
 */
class Contract(
    val name: String,
    val task: String,
    val batch: Int,
    val preprocessing: Preprocessing,
    val inputType: TensorType,
    val outputType: TensorType,
    val outputMeaning: Meaning,
    val labelCount: Int,
    val labelsSha256: String,
    val flatbufferBytes: Int,
    val flatbufferSha256: String,
    val golden: List<GoldenRecord>,
    val source: Map<String, Any?>,
    val accuracy: Map<String, Any?>?,
    val versions: Map<String, String>,
    val outputs: List<Output> = emptyList(),
    val detection: DetectionRule? = null,
    val colours: List<List<Int>> = emptyList(),
    val certainty: Certainty? = null,
) {
    companion object {
        const val CLASSIFICATION = "classification"
        const val DETECTION = "detection"
        const val SEGMENTATION = "segmentation"
        internal const val MAX_GOLDEN = 16
        private const val FORMAT = 2L
        private const val MAX_BATCH = 1024
        private const val MAX_LABELS = 65_536
        internal const val MAX_FLATBUFFER_BYTES = 512 shl 20
        private val TASKS = listOf(CLASSIFICATION, DETECTION, SEGMENTATION)

        /**
         * Reads `model.json`. Keys that it does not know are ignored.
         *
         * @throws Refusal for all that docs/contract.md refuses.
         */
        fun parse(data: ByteArray): Contract {
            val document = Fields(StrictJson.parseObject(data))
            if (document.integer("format", Long.MIN_VALUE..Long.MAX_VALUE) > FORMAT) {
                throw Refusal("contract-format", "a contract of a format up to $FORMAT", "a greater one", "update this program")
            }
            val later = document.integer("format", 1..FORMAT) > 1
            val input = document.fields("input")
            val output = document.fields("output")
            val labels = document.fields("labels")
            val flatbuffer = document.fields("flatbuffer")
            val task = document.oneOf("task", TASKS) { it }
            val labelCount = labels.integer("count", 1..MAX_LABELS)
            val outputType = output.oneOf("type", TensorType.entries, TensorType::text)
            val meaning = output.oneOf("meaning", Meaning.entries, Meaning::text)
            val golden = document.list("golden")
            if (golden.size > MAX_GOLDEN) throw wrong("golden", "up to $MAX_GOLDEN records", golden.size)
            return Contract(
                name = document.text("name"),
                task = task,
                batch = input.integer("batch", 1..MAX_BATCH),
                preprocessing = Preprocessing.parse(input, later),
                inputType = input.oneOf("type", TensorType.entries, TensorType::text),
                outputType = outputType,
                outputMeaning = meaning,
                labelCount = labelCount,
                labelsSha256 = labels.sha256("sha256"),
                flatbufferBytes = flatbuffer.integer("bytes", 8..MAX_FLATBUFFER_BYTES),
                flatbufferSha256 = flatbuffer.sha256("sha256"),
                golden = golden.mapIndexed { index, record ->
                    goldenRecord(record, "golden[$index]", outputType, later && task != CLASSIFICATION)
                },
                source = document.map("source"),
                accuracy = document.mapOrNull("accuracy"),
                versions = versions(document.map("versions")),
                outputs = if (later) Output.parse(document, task) else emptyList(),
                detection = if (later && task == DETECTION) DetectionRule.parse(document.fields("detection")) else null,
                colours = if (later) parseColours(labels, labelCount) else emptyList(),
                certainty = Certainty.parse(document, task, meaning),
            )
        }

        private fun goldenRecord(value: Any?, where: String, outputType: TensorType, answers: Boolean): GoldenRecord {
            val record = Fields(value as? Map<*, *> ?: throw wrong(where, "an object", value), "$where.")
            val key = "xnnpack_difference"
            val difference = if (outputType == TensorType.FLOAT32) record.number(key) else record.integer(key, 0..255).toDouble()
            if (difference < 0) throw wrong(record.name(key), "a number of at least 0", difference)
            return GoldenRecord(
                record.text("name"),
                record.sha256("input_sha256"),
                record.sha256("output_sha256"),
                difference,
                if (answers) record.sha256("answer_sha256") else null,
            )
        }

        private fun versions(values: Map<String, Any?>): Map<String, String> {
            val fields = Fields(values, "versions.")
            for (key in values.keys) {
                if (!isPrintable(key, Fields.MAX_TEXT_BYTES)) throw wrong("versions", "an object whose keys are text", key)
            }
            return values.keys.associateWith(fields::text)
        }
    }
}
