package org.tformer.demo.core

/** All that was read from a file, as `canonical` of tests/contract/make_mutations.py writes it. */
object Canonical {
    fun of(file: ModelFile): String = write(listOf(hex(file.flatbuffer), describe(file)))

    /** The same as `describe_file` of tests/contract/make_examples.py. */
    fun describe(file: ModelFile): Map<String, Any?>? {
        val contract = file.contract ?: return null
        val image = contract.preprocessing
        val later = if (contract.outputs.isEmpty()) emptyMap() else mapOf(
            "outputs" to contract.outputs.map { output ->
                mapOf("name" to output.name, "kind" to output.kind.text) +
                    (if (output.kind == OutputKind.SCORES) emptyMap() else mapOf("stride" to output.stride)) +
                    if (output.anchors.isEmpty()) emptyMap() else mapOf("anchors" to output.anchors.map { it.toList() })
            },
            "detection" to contract.detection?.let {
                mapOf(
                    "score_threshold" to it.scoreThreshold,
                    "iou_threshold" to it.iouThreshold,
                    "per_level" to it.perLevel,
                    "max_boxes" to it.maxBoxes,
                )
            },
            "colours" to contract.colours,
            "answers" to file.golden.map { it.answerSha256 },
        )
        return later + mapOf(
            "name" to contract.name,
            "task" to contract.task,
            "batch" to contract.batch,
            "preprocessing" to mapOf(
                "input_size" to listOf(image.height, image.width),
                "channel_order" to if (image.channels == 1) "grey" else "rgb",
                "mean" to image.mean,
                "std" to image.std,
                "resize" to image.resize.text,
                "crop_fraction" to image.cropFraction,
            ) + (if (image.rawPixels) mapOf("encoding" to "pixels") else emptyMap()) +
                if (image.padValue == null) emptyMap() else mapOf("pad_value" to image.padValue),
            "input_type" to contract.inputType.text,
            "output_type" to contract.outputType.text,
            "output_meaning" to contract.outputMeaning.text,
            "certainty" to contract.certainty?.let { mapOf("temperature" to it.temperature, "not_sure_below" to it.notSureBelow) },
            "labels" to file.labels,
            "golden" to file.golden.map {
                mapOf(
                    "name" to it.name,
                    "input" to hex(it.input),
                    "output" to hex(it.output),
                    "xnnpack_difference" to it.xnnpackDifference,
                )
            },
            "source" to contract.source,
            "accuracy" to contract.accuracy,
            "versions" to contract.versions,
        )
    }

    /** Numbers as the bits of a float64: JSON's 1 and 1.0 are one number here. */
    fun write(value: Any?): String = when (value) {
        null, is Boolean -> "$value"
        is Number -> "%016x".format(value.toDouble().toRawBits())
        is String -> "\"${hex(value.toByteArray())}\""
        is List<*> -> value.joinToString(",", "[", "]", transform = ::write)
        is Map<*, *> -> value.map { (key, inside) -> "${write(key)}:${write(inside)}" }.sorted().joinToString(",", "{", "}")
        else -> throw IllegalArgumentException("$value")
    }
}
