package org.tformer.demo.agreement

import org.junit.After
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.tformer.demo.core.ClassMap
import org.tformer.demo.core.Engine
import org.tformer.demo.core.ModelFile
import org.tformer.demo.core.Segmenter
import org.tformer.demo.harness.Demo
import java.io.File

/** The app's class maps beside those of `tformer_edge`: from equal outputs, and from the phone's own kernels. */
@RunWith(RobolectricTestRunner::class)
class SegmentationAgreementTest {
    private val file by lazy { ModelFile.read(Demo.model("segmentation")) }
    private lateinit var engine: Engine
    private val segmenter by lazy { Segmenter(file, engine) }
    private val pictures by lazy { Answered.read(File(Demo.agreement, "segmentation.bin")) }

    @Before
    fun open() {
        Demo.needInterpreter()
        engine = Demo.app.engines().here(file.flatbuffer, 1)
    }

    @After
    fun close() {
        if (::engine.isInitialized) engine.close()
    }

    private fun map(output: ByteArray, picture: Answered): ClassMap = segmenter.blank().also {
        segmenter.read(listOf(output), picture.image.height, picture.image.width, it)
    }

    /** The class of each pixel of the picture, −1 where the model sees none. */
    private fun whole(map: ClassMap, picture: Answered): ShortArray = ShortArray(picture.image.width * picture.image.height) { at ->
        val x = at % picture.image.width - map.left
        val y = at / picture.image.width - map.top
        if (x in 0 until map.width && y in 0 until map.height) map.classes[y * map.width + x] else -1
    }

    @Test
    fun `equal outputs give equal class maps`() {
        assertTrue("${pictures.size} pictures", pictures.size >= 60)
        val seen = HashSet<Int>()
        for (picture in pictures) {
            val expected = picture.answer.asShortBuffer().let { buffer -> ShortArray(buffer.remaining()).also(buffer::get) }
            val map = map(picture.output, picture)
            assertArrayEquals(expected, whole(map, picture))
            for (place in 0 until map.areaCount) {
                seen += map.areaIndex(place)
                assertEquals(expected.count { it.toInt() == map.areaIndex(place) }, map.areaPixels(place))
            }
        }
        // A map of one class everywhere would prove nothing.
        assertTrue("${seen.size} classes of ${file.labels.size} appear", seen.size >= 3)
    }

    @Test
    fun `equal pixels give the same input tensor, and class maps as near as LiteRT's own kernels are to each other`() {
        val app = ArrayList<Double>()
        val xnnpack = ArrayList<Double>()
        for (picture in pictures) {
            assertArrayEquals("the input is equal to the last bit", picture.input, segmenter.prepare(picture.image))
            val there = map(picture.output, picture).classes
            app += same(there, segmenter.answer(picture.image).classes)
            xnnpack += same(there, map(picture.fast, picture).classes)
        }
        report("segmentation", pictures.size) {
            appendLine("| against LiteRT's reference kernels | pixels of the same class, mean | least picture |\n|---|---|---|")
            for ((name, one) in listOf("app" to app, "LiteRT's own XNNPACK" to xnnpack)) {
                appendLine("| $name | %.2f %% | %.2f %% |".format(100 * one.average(), 100 * one.min()))
            }
        }
        assertTrue("${app.average()}", app.average() >= 0.9 && app.average() >= xnnpack.average() - 0.02)
        assertTrue("${app.min()}", app.min() >= xnnpack.min() - 0.1)
    }

    private fun same(one: ShortArray, other: ShortArray): Double = one.indices.count { one[it] == other[it] } / one.size.toDouble()
}
