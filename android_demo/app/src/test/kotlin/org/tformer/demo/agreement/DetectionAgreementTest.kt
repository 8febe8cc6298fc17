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
        engine = Demo.app.engines().here(file.flatbuffer, 2)
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
        val groups = mapOf("crops of photographs" to pictures.dropLast(CELLS), "cells" to pictures.takeLast(CELLS))
        val app = groups.mapValues { Matches() }
        val xnnpack = groups.mapValues { Matches() }
        for ((name, group) in groups) {
            for (picture in group) {
                assertArrayEquals("the input is equal to the last bit", picture.input, detector.prepare(picture.image))
                val there = boxes(picture.output, picture)
                app.getValue(name).add(there, list(detector.answer(picture.image)))
                xnnpack.getValue(name).add(there, boxes(picture.fast, picture))
            }
        }
        report("detection", pictures.size) {
            appendLine("| against LiteRT's reference kernels | boxes there / here | matched, of both | mean IoU | least IoU | largest difference of a score |")
            appendLine("|---|---|---|---|---|---|")
            for (name in groups.keys) {
                appendLine("| app, $name | ${app.getValue(name).line()} |")
                appendLine("| LiteRT's own XNNPACK, $name | ${xnnpack.getValue(name).line()} |")
            }
        }
        // Near the threshold and among equals a unit of the last place decides: LiteRT's own kernels are no nearer to each other.
        for ((name, one) in app) {
            val own = xnnpack.getValue(name)
            assertTrue("$name: ${one.there} boxes", one.there >= CELLS)
            assertTrue("$name: ${one.line()}", one.share >= own.share - MARGIN && one.share >= LEAST)
            assertTrue("$name: ${one.line()}", one.meanOverlap >= own.meanOverlap - MARGIN && one.meanOverlap >= LEAST)
        }
    }

    private companion object {
        // tests/android/make_agreement.py's.
        const val LOW = 0.05
        const val CELLS = 12
        const val MARGIN = 0.03
        const val LEAST = 0.9
    }
}
