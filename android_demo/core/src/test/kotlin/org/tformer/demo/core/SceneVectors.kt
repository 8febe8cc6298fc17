package org.tformer.demo.core

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.security.MessageDigest

/** Python's vectors of detectors and segmenters, and the tensors that their recipes describe (`tests/contract/scene_tensors.py`). */
@Suppress("UNCHECKED_CAST")
object SceneVectors {
    private val all = SharedFiles.json("scenes/index.json") as Map<String, Any?>

    val exponential = all["exponential"] as Map<String, Any?>
    val frames = objects(all["frames"])
    val detection = objects(all["detection"])
    val segmentation = objects(all["segmentation"])

    /** SplitMix64. */
    fun noise(seed: Long, count: Int) = LongArray(count) { index ->
        var state = seed + (index + 1L) * -0x61c8864680b583ebL
        state = (state xor (state ushr 30)) * -0x40a7b892e31b1a47L
        state = (state xor (state ushr 27)) * -0x6b2fb644ecceee15L
        state xor (state ushr 31)
    }

    fun tensor(recipe: Map<String, Any?>, type: TensorType, count: Int): ByteArray {
        val span = recipe["span"] as Long
        val low = recipe["low"] as Long
        val numbers = noise(recipe["seed"] as Long, count).map { java.lang.Long.remainderUnsigned(it, span) + low }
        val bytes = ByteBuffer.allocate(count * type.bytes).order(ByteOrder.LITTLE_ENDIAN)
        for (number in numbers) if (type == TensorType.FLOAT32) bytes.putFloat((number / 1024.0).toFloat()) else bytes.put(number.toByte())
        for ((index, value) in (recipe["places"] as List<List<Long>>).map { it[0].toInt() to it[1] }) {
            if (type == TensorType.FLOAT32) bytes.putInt(4 * index, value.toInt()) else bytes.put(index, value.toByte())
        }
        return bytes.array()
    }

    fun type(case: Map<String, Any?>) = TensorType.entries.single { it.text == case["type"] }

    fun integers(value: Any?) = (value as List<Long>).map(Long::toInt)

    fun double(bits: Any?) = Double.fromBits(java.lang.Long.parseUnsignedLong(bits as String, 16))

    fun bits(value: Double) = "%016x".format(value.toRawBits())

    fun sha256(bytes: ByteArray) = hex(MessageDigest.getInstance("SHA-256").digest(bytes))

    fun sha256(values: DoubleArray): String {
        val bytes = ByteBuffer.allocate(8 * values.size).order(ByteOrder.LITTLE_ENDIAN)
        values.forEach { bytes.putDouble(it) }
        return sha256(bytes.array())
    }

    fun image(size: List<Int>, resize: String, crop: Double = 1.0): Preprocessing {
        val rule = Resize.entries.single { it.text == resize }
        return Preprocessing(
            size[0], size[1], rule, crop, List(3) { 0.0 }, List(3) { 1.0 }, padValue = if (rule == Resize.LETTERBOX) 114 else null,
        )
    }

    /** A model file whose contract is the case's, with golden vectors where they are given. */
    fun file(
        case: Map<String, Any?>, task: String, outputs: List<Output>, rule: DetectionRule?, resize: String, golden: List<Golden> = emptyList(),
    ): ModelFile {
        val classes = (case["classes"] as Long).toInt()
        val records = golden.map { GoldenRecord(it.name, "", "", it.xnnpackDifference, it.answerSha256) }
        val contract = Contract(
            case["name"] as String, task, (case["batch"] as Long).toInt(), image(integers(case["input"]), resize), TensorType.INT8, type(case),
            Meaning.LOGITS, classes, "", 8, "", records, emptyMap(), null, emptyMap(), outputs, rule,
        )
        return ModelFile(ByteArray(8), contract, List(classes) { "L$it" }, golden)
    }

    /** An engine of these outputs, which gives [maps] for any input. */
    fun engine(file: ModelFile, infos: List<TensorInfo>, maps: List<ByteArray>): FakeEngine {
        val contract = file.contract!!
        val image = contract.preprocessing
        return FakeEngine(FakeModels.tensor(TensorType.INT8, contract.batch, image.height, image.width, 3), infos) { maps }
    }
}

/** One case of a detector. */
class DetectionCase(private val case: Map<String, Any?>) {
    val name = case["name"] as String
    val answer = case["answer_sha256"] as String?
    private val type = SceneVectors.type(case)
    private val rule = (case["rule"] as Map<*, *>).let { rule ->
        DetectionRule(
            (rule["score_threshold"] as Number).toDouble(), (rule["iou_threshold"] as Number).toDouble(),
            (rule["per_level"] as Long).toInt(), (rule["max_boxes"] as Long).toInt(),
        )
    }
    private val levels = objects(case["levels"])
    private val outputs = levels.flatMap { level ->
        val anchors = (level["anchors"] as List<*>).map { pair -> (pair as List<*>).map { (it as Number).toDouble() }.let { it[0] to it[1] } }
        listOf(OutputKind.LOGITS, OutputKind.DELTAS).map { Output(it.text, it, (level["stride"] as Long).toInt(), anchors) }
    }
    private val recipes = levels.flatMap { level -> listOf("logits", "deltas").map { @Suppress("UNCHECKED_CAST") (level[it] as Map<String, Any?>) } }
    val file = file()
    val contract = file.contract!!
    val infos = outputs.zip(recipes) { output, recipe ->
        val image = contract.preprocessing
        val shape = output.shape(contract.batch, image.height, image.width, contract.labelCount)
        TensorInfo(shape, type, (recipe["scale"] as Number).toDouble().toFloat(), (recipe["zero_point"] as Long).toInt())
    }
    val maps = infos.zip(recipes) { info, recipe -> SceneVectors.tensor(recipe, type, (info.bytes / type.bytes).toInt()) }

    fun file(golden: List<Golden> = emptyList()) = SceneVectors.file(case, Contract.DETECTION, outputs, rule, "letterbox", golden)

    operator fun get(key: String) = case[key]
}

/** One case of a segmenter. */
class SegmentationCase(private val case: Map<String, Any?>) {
    val name = case["name"] as String
    val answer = case["answer_sha256"] as String?
    private val type = SceneVectors.type(case)
    val file = file()
    private val contract = file.contract!!
    val info = contract.preprocessing.let { image ->
        TensorInfo(contract.outputs.single().shape(contract.batch, image.height, image.width, contract.labelCount), type, 0.5f, 0)
    }
    @Suppress("UNCHECKED_CAST")
    val map = SceneVectors.tensor(case["logits"] as Map<String, Any?>, type, (info.bytes / type.bytes).toInt())
    val picture = SceneVectors.integers(case["picture"])

    fun file(golden: List<Golden> = emptyList()): ModelFile {
        val output = Output("classes", OutputKind.CLASS_LOGITS, (case["stride"] as Long).toInt(), emptyList())
        return SceneVectors.file(case, Contract.SEGMENTATION, listOf(output), null, case["resize"] as String, golden)
    }

    operator fun get(key: String) = case[key]
}
