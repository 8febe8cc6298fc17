package org.tformer.demo.agreement

import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.tensorflow.lite.TensorFlowLite
import org.tformer.demo.core.Classifier
import org.tformer.demo.core.Engine
import org.tformer.demo.core.ModelFile
import org.tformer.demo.harness.Demo
import org.tformer.demo.photo.PhotoLoader
import java.io.File
import kotlin.math.abs

/** The app's answers beside those of `tformer_edge`, from equal pixels and, apart, from equal JPEG files. */
@RunWith(RobolectricTestRunner::class)
class AgreementTest {
    private val file by lazy { ModelFile.read(Demo.bundledModel) }
    private lateinit var engine: Engine
    private val classifier by lazy { Classifier(file, engine) }

    @Before
    fun open() {
        Demo.needInterpreter()
        engine = org.tformer.demo.engine.TfliteEngine(java.nio.ByteBuffer.allocateDirect(file.flatbuffer.size).order(java.nio.ByteOrder.nativeOrder()).also { it.put(file.flatbuffer); it.rewind() }, 1, false)
    }

    @After
    fun close() {
        if (::engine.isInitialized) engine.close()
    }

    private fun margin(output: ByteArray): Int = output.sortedDescending().let { it[0] - it[1] }

    private fun best(output: ByteArray): Int = output.indices.maxByOrNull { output[it].toInt() }!!

    private fun difference(one: ByteArray, other: ByteArray): Int = one.indices.maxOf { abs(one[it] - other[it]) }

    @Test
    fun `equal pixels give outputs within 4 units and, beyond a margin of 8, the same label`() {
        val crops = Answered.read(File(Demo.agreement, "crops.bin"))
        assertTrue("${crops.size} crops", crops.size >= 100)
        val received = crops.map { classifier.run(classifier.prepare(it.image)) }
        val differences = crops.indices.map { difference(crops[it].output, received[it]) }
        val others = crops.indices.filter { best(crops[it].output) != best(received[it]) }
        val report = StringBuilder()
        report.appendLine("${crops.size} crops of two photographs: TensorFlow Lite ${TensorFlowLite.runtimeVersion()} (the app's library, its own kernels)")
        report.appendLine("against LiteRT's reference kernels in tformer_edge (${File(Demo.agreement, "versions.txt").readLines().joinToString()}).")
        report.appendLine("\n| largest difference of the 10 outputs, units of the last place | crops |\n|---|---|")
        for ((units, group) in differences.groupBy { it }.toSortedMap()) report.appendLine("| $units | ${group.size} |")
        report.appendLine("\nsame first label: ${crops.size - others.size} of ${crops.size}")
        for (index in others) {
            val (there, here) = crops[index].output to received[index]
            report.appendLine(
                "crop $index: ${file.labels[best(there)]} there, ${file.labels[best(here)]} here, margin ${margin(there)} units",
            )
        }
        File(Demo.agreement, "agreement.md").writeText(report.toString())
        println(report)
        assertTrue("a difference of ${differences.max()} units", differences.max() <= 4)
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
            val output = classifier.run(classifier.prepare(image))
            val units = difference(expected.output, output)
            report.appendLine(
                "| $name | %.2f %% | ${differences.max()} | %.4f | $units |".format(
                    100.0 * differences.count { it > 0 } / differences.size, differences.average(),
                ),
            )
            // Another decoder, not another picture.
            assertTrue("$name: ${differences.average()}", differences.average() < 2.0)
            assertTrue("$name: $units units", units <= 16)
        }
        File(Demo.agreement, "jpeg.md").writeText(report.toString())
        println(report)
    }
}
