package org.tformer.demo.agreement

import org.junit.After
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.tformer.demo.core.Classifier
import org.tformer.demo.core.Engine
import org.tformer.demo.core.ModelFile
import org.tformer.demo.harness.Demo
import org.tformer.demo.photo.PhotoLoader
import java.io.File
import kotlin.math.abs

/** The app's labels beside those of `tformer_edge`, from equal pixels and, apart, from equal JPEG files. */
@RunWith(RobolectricTestRunner::class)
class ClassificationAgreementTest {
    private val file by lazy { ModelFile.read(Demo.bundledModel) }
    private lateinit var engine: Engine
    private val classifier by lazy { Classifier(file, engine) }

    @Before
    fun open() {
        Demo.needInterpreter()
        engine = Demo.app.engines().here(file.flatbuffer, 1)
    }

    @After
    fun close() {
        if (::engine.isInitialized) engine.close()
    }

    private fun margin(output: ByteArray): Int = output.sortedDescending().let { it[0] - it[1] }

    private fun best(output: ByteArray): Int = output.indices.maxByOrNull { output[it].toInt() }!!

    private fun difference(one: ByteArray, other: ByteArray): Int = one.indices.maxOf { abs(one[it] - other[it]) }

    /** How many crops have each largest difference of their outputs. */
    private fun counts(pairs: List<Pair<ByteArray, ByteArray>>): Map<Int, Int> =
        pairs.groupingBy { (one, other) -> difference(one, other) }.eachCount()

    @Test
    fun `equal pixels give the same input tensor, and outputs as near as LiteRT's own kernels are to each other`() {
        val crops = Answered.read(File(Demo.agreement, "classification.bin"))
        assertTrue("${crops.size} crops", crops.size >= 100)
        for (crop in crops) assertArrayEquals("the input is equal to the last bit", crop.input, classifier.prepare(crop.image))
        val received = crops.map { classifier.outputs(it.input).single().copyOf() }
        val app = counts(crops.indices.map { crops[it].output to received[it] })
        val xnnpack = counts(crops.map { it.output to it.fast })
        val others = crops.indices.filter { best(crops[it].output) != best(received[it]) }
        report("classification", crops.size) {
            appendLine("| largest difference of the outputs from LiteRT's reference kernels, units of the last place | app, crops | LiteRT's own XNNPACK, crops |")
            appendLine("|---|---|---|")
            for (units in (app.keys + xnnpack.keys).sorted()) appendLine("| $units | ${app[units] ?: 0} | ${xnnpack[units] ?: 0} |")
            appendLine("\nSame first label: ${crops.size - others.size} of ${crops.size}. The others:\n")
            for (index in others) {
                val (there, here) = crops[index].output to received[index]
                appendLine("- crop $index: ${file.labels[best(there)]} there, ${file.labels[best(here)]} here, margin ${margin(there)} units")
            }
        }
        // Kernels of one version differ by up to 9 units among themselves [measured]: a wrong picture differs by dozens.
        assertTrue("a difference of ${app.keys.max()} units", app.keys.max() <= LARGEST)
        val within = app.filterKeys { it <= 4 }.values.sum()
        assertTrue("$within crops are within 4 units", within >= crops.size * 2 / 3)
        assertEquals(emptyList<Int>(), others.filter { margin(crops[it].output) > 8 })
    }

    @Test
    fun `equal JPEG files differ by their decoders alone`() {
        val report = StringBuilder("\nWhole photographs, each side with its own JPEG decoder:\n\n")
        report.appendLine("| photograph | pixel values that differ | largest | mean | outputs, units |\n|---|---|---|---|---|")
        val photos = listOf("china.jpg", "flower.jpg").zip(Answered.read(File(Demo.agreement, "photos.bin")))
        for ((name, expected) in photos) {
            val image = PhotoLoader(Demo.app).load(Demo.document(name, Demo.photoFile(name).readBytes()))
            assertEquals(expected.image.width to expected.image.height, image.width to image.height)
            val differences = image.pixels.indices.map { abs((image.pixels[it].toInt() and 0xff) - (expected.image.pixels[it].toInt() and 0xff)) }
            val output = classifier.outputs(classifier.prepare(image)).single()
            val units = difference(expected.output, output)
            report.appendLine(
                "| $name | %.2f %% | ${differences.max()} | %.4f | $units |".format(
                    100.0 * differences.count { it > 0 } / differences.size, differences.average(),
                ),
            )
            // Another decoder, not another picture.
            assertTrue("$name: ${differences.average()}", differences.average() < 2.0)
            assertTrue("$name: $units units", units <= LARGEST)
        }
        File(Demo.agreement, "jpeg.md").writeText(report.toString())
        println(report)
    }

    private companion object {
        /** 10 was seen with TensorFlow Lite 2.16.1 against LiteRT 2.3.0. */
        const val LARGEST = 12
    }
}
