package org.tformer.demo.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import kotlin.random.Random

/**
 * Files damaged region by region: bits flipped, bytes taken out, put in, or copied from elsewhere, everything cut off behind. Each is
 * read to exactly the parts that the damaged bytes say, or refused by a rule of docs/contract.md, in no time.
 */
class RegionDamageTest {
    private val files = listOf("good.tflite", "good_two_golden.tflite", "good_float32.tflite", "good_labels.tflite", "good_source.tflite")
        .map(SealedFile::example)
    private val random = Random(20_261_124)
    private var slowest = 0L

    @Test
    @Timeout(300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    fun `damage as a transfer does it`() {
        val regions = linkedMapOf<String, (SealedFile) -> IntRange>(
            "flatbuffer" to { it.flatbuffer.indices },
            "local headers" to { it.header(it.entries.random(random).first) },
            "model.json" to { it.place("model.json") },
            "labels.txt" to { it.place("labels.txt") },
            "golden vectors" to { file -> file.place(file.entries.drop(2).ifEmpty { file.entries }.random(random).first) },
            "central directory" to { it.directory },
            "end record" to { it.end },
        )
        for ((region, place) in regions) {
            val verdicts = HashMap<String, Int>()
            repeat(PER_REGION) {
                val file = files.random(random)
                val damaged = damage(file.bytes, place(file))
                val read = read(damaged, verdicts) ?: return@repeat
                // The one file that is read and differs from the sound one: where no trace of a contract is left.
                if (damaged.contentEquals(file.bytes)) {
                    assertEquals(Canonical.of(ModelFile.read(file.bytes)), Canonical.of(read))
                } else {
                    assertEquals(null, read.contract, "damage in $region that nobody saw")
                    assertTrue(read.flatbuffer.contentEquals(damaged) && read.labels.isEmpty() && read.golden.isEmpty())
                }
            }
            report(region, verdicts)
        }
        println("slowest file: ${slowest / 1000} µs")
    }

    @Test
    @Timeout(300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    fun `damage as a stranger does it, who computes sizes, CRC-32 and SHA-256 anew`() {
        val verdicts = linkedMapOf<String, HashMap<String, Int>>()
        repeat(4 * PER_REGION) { number ->
            val file = files.random(random)
            val region = listOf("model.json", "labels.txt", "golden vectors", "flatbuffer")[number % 4]
            val name = if (region == "golden vectors") file.entries.drop(2).randomOrNull(random)?.first ?: "labels.txt" else region
            val sealed = when (region) {
                "flatbuffer" -> file.behind(damage(file.flatbuffer, file.flatbuffer.indices))
                "model.json" -> file.with(name, damage(file[name], file[name].indices))
                else -> file.vouchingFor(name, damage(file[name], file[name].indices))
            }
            val read = read(sealed.bytes, verdicts.getOrPut("$region, vouched for", ::HashMap)) ?: return@repeat
            assertParts(sealed, read)
        }
        verdicts.forEach(::report)
    }

    /** Against the sealed parts and the tests' own reading of the JSON. */
    private fun assertParts(sealed: SealedFile, read: ModelFile) {
        val contract = checkNotNull(read.contract) { "a file with a zip was read as one without" }
        val json = TestJson(String(sealed["model.json"], Charsets.UTF_8)).value() as Map<*, *>
        val input = json["input"] as Map<*, *>
        assertTrue(read.flatbuffer.contentEquals(sealed.flatbuffer))
        assertEquals(String(sealed["labels.txt"], Charsets.UTF_8), read.labels.joinToString("") { "$it\n" })
        assertEquals(sealed.entries.drop(2).map { hex(it.second) }, read.golden.flatMap { listOf(hex(it.input), hex(it.output)) })
        val expected = listOf(
            json["name"], json["task"], input["batch"], input["height"], input["width"], input["resize"], input["crop_fraction"],
            input["mean"], input["std"], input["type"], (json["output"] as Map<*, *>)["type"], (json["output"] as Map<*, *>)["meaning"],
            (json["labels"] as Map<*, *>)["count"], json["source"], json["accuracy"], json["versions"],
            (json["golden"] as List<*>).map { listOf((it as Map<*, *>)["name"], it["xnnpack_difference"]) },
        )
        val image = contract.preprocessing
        val received = listOf(
            contract.name, contract.task, contract.batch, image.height, image.width, image.resize.text, image.cropFraction,
            image.mean, image.std, contract.inputType.text, contract.outputType.text, contract.outputMeaning.text,
            contract.labelCount, contract.source, contract.accuracy, contract.versions,
            read.golden.map { listOf(it.name, it.xnnpackDifference) },
        )
        assertEquals(Canonical.write(expected), Canonical.write(received))
    }

    /** What was read, or null for a refusal, whose rule is counted. */
    private fun read(data: ByteArray, verdicts: MutableMap<String, Int>): ModelFile? {
        val start = System.nanoTime()
        val result = runCatching { ModelFile.read(data) }
        val nanos = System.nanoTime() - start
        slowest = maxOf(slowest, nanos)
        assertTrue(nanos < 5_000_000_000, "${nanos / 1e9} s for ${data.size} bytes")
        val verdict = when (val error = result.exceptionOrNull()) {
            null -> if (result.getOrThrow().contract == null) "no contract" else "read"
            is Refusal -> error.rule.also { assertTrue(it in SharedFiles.rules, it) }
            else -> throw AssertionError("not a Refusal, for ${hex(data)}", error)
        }
        verdicts.merge(verdict, 1, Int::plus)
        return result.getOrNull()
    }

    /** One change that begins in [place]. */
    private fun damage(data: ByteArray, place: IntRange): ByteArray {
        if (place.isEmpty()) return data + random.nextBytes(1)
        val at = place.random(random)
        fun splice(removed: Int, inserted: ByteArray) =
            data.copyOf(at) + inserted + data.copyOfRange(minOf(at + removed, data.size), data.size)
        return when (random.nextInt(6)) {
            0 -> splice(1, byteArrayOf((data[at].toInt() xor (1 shl random.nextInt(8))).toByte()))
            1 -> data.copyOf(at)
            2 -> splice(0, random.nextBytes(1 + random.nextInt(5)))
            3 -> splice(1 + random.nextInt(5), ByteArray(0))
            4 -> { // bytes from elsewhere, over as many
                val from = random.nextInt(data.size)
                val copied = data.copyOfRange(from, minOf(data.size, from + 1 + random.nextInt(46)))
                splice(copied.size, copied)
            }
            else -> splice(4, EDGES.random(random)) // the extremes of a field of 32 bits
        }
    }

    private fun report(region: String, verdicts: Map<String, Int>) {
        val counts = verdicts.entries.sortedByDescending { it.value }.joinToString { "${it.value} ${it.key}" }
        println("${verdicts.values.sum()} damaged in $region: $counts")
    }

    private companion object {
        const val PER_REGION = 400
        val EDGES = listOf("00000000", "ffffffff", "ffffff7f", "00000080", "01000000", "ffff0000", "504b0304", "504b0506").map(::bytes)
    }
}
