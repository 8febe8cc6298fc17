package org.tformer.demo.agreement

import org.junit.After
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.tformer.demo.core.DetectedObject
import org.tformer.demo.core.DetectedObjects
import org.tformer.demo.core.Detector
import org.tformer.demo.core.Engine
import org.tformer.demo.core.ModelFile
import org.tformer.demo.harness.Demo
import java.io.File

/** The app's boxes beside those of `tformer_edge`: from equal outputs, and from the phone's own kernels. */
@RunWith(RobolectricTestRunner::class)
class DetectionAgreementTest {
    private val file by lazy { ModelFile.read(Demo.model("detection")) }
    private lateinit var engine: Engine
    private val detector by lazy { Detector(file, engine) }
    private val pictures by lazy { Answered.read(File(Demo.agreement, "detection.bin")) }

    @Before
    fun open() {
        Demo.needInterpreter()
        engine = Demo.app.engines().here(file.flatbuffer, 1)
    }

    @After
    fun close() {
        if (::engine.isInitialized) engine.close()
    }

    private fun list(objects: DetectedObjects) = List(objects.count, objects::get)

    /** What [outputs] say about a picture. */
    private fun boxes(outputs: ByteArray, picture: Answered): List<DetectedObject> {
        val answer = detector.blank()
        detector.read(split(outputs, engine.outputs.map { it.bytes }), picture.image.height, picture.image.width, answer)
        return list(answer)
    }

    private fun text(one: DetectedObject) =
        "${one.index} " + listOf(one.score, one.left, one.top, one.right, one.bottom).joinToString(" ") { "%016x".format(it.toRawBits()) }

    @Test
    fun `equal outputs give equal boxes and scores to the last bit, with the contract's threshold and a low one`() {
        assertTrue("${pictures.size} pictures", pictures.size >= 60)
        var found = 0
        val own = detector.scoreThreshold
        for (picture in pictures) {
            val expected = picture.answer
            for (threshold in listOf(own, LOW)) {
                detector.scoreThreshold = threshold
                val lines = List(expected.int) { "${expected.int} " + List(5) { "%016x".format(expected.double.toRawBits()) }.joinToString(" ") }
                assertEquals(lines, boxes(picture.output, picture).map(::text))
                found += lines.size
            }
            assertTrue(!expected.hasRemaining())
        }
        assertTrue("$found boxes", found > 1000)
    }

    @Test
    fun `equal pixels give the same input tensor, and boxes as near as LiteRT's own kernels are to each other`() {
        val app = Matches()
        val xnnpack = Matches()
        for (picture in pictures) {
            assertArrayEquals("the input is equal to the last bit", picture.input, detector.prepare(picture.image))
            val there = boxes(picture.output, picture)
            app.add(there, list(detector.answer(picture.image)))
            xnnpack.add(there, boxes(picture.fast, picture))
        }
        report("detection", pictures.size) {
            appendLine("| against LiteRT's reference kernels | boxes there / here | matched, of both | mean IoU | least IoU | largest difference of a score |")
            appendLine("|---|---|---|---|---|---|")
            for ((name, one) in listOf("app" to app, "LiteRT's own XNNPACK" to xnnpack)) appendLine("| $name | ${one.line()} |")
        }
        assertTrue("${app.there} boxes", app.there >= 100)
        assertTrue(app.line(), app.share >= 0.97 && app.meanOverlap >= 0.97)
    }

    private companion object {
        /** tests/android/make_agreement.py's. */
        const val LOW = 0.05
    }
}
