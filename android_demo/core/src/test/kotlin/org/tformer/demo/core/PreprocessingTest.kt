package org.tformer.demo.core

import net.jqwik.api.ForAll
import net.jqwik.api.Property
import net.jqwik.api.constraints.DoubleRange
import net.jqwik.api.constraints.IntRange
import net.jqwik.api.constraints.Scale
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import java.security.MessageDigest
import java.util.Random
import kotlin.math.abs

/** From pixels to the input tensor: Python's vectors to the last bit, and what holds for every image. */
class PreprocessingTest {
    private val plain = listOf(0.0, 0.0, 0.0) to listOf(1.0, 1.0, 1.0)

    private fun preprocessing(height: Int, width: Int, resize: Resize = Resize.STRETCH, crop: Double = 1.0, pad: Byte = 0) =
        Preprocessing(
            height, width, resize, crop, plain.first, plain.second,
            padValue = if (resize == Resize.LETTERBOX) pad.toInt() and 0xff else null,
        )

    private fun noise(width: Int, height: Int, seed: Long) =
        RgbImage(width, height, ByteArray(3 * width * height).also(Random(seed)::nextBytes))

    private fun readPpm(data: ByteArray): RgbImage {
        val header = Regex("P6\n(\\d+) (\\d+)\n255\n").matchAt(String(data, Charsets.ISO_8859_1), 0)!!
        val (width, height) = header.destructured
        return RgbImage(width.toInt(), height.toInt(), data.drop(header.value.length).toByteArray())
    }

    @Suppress("UNCHECKED_CAST")
    @Test
    fun `every vector comes out to the last bit`() {
        val cases = objects(SharedFiles.json("vectors/index.json"))
        assertTrue(cases.size >= 20)
        for (case in cases) {
            val given = case["input"] as Map<String, Any?>
            val numbers = { key: String -> (given[key] as List<Number>).map(Number::toDouble) }
            val preprocessing = Preprocessing(
                (given["height"] as Long).toInt(),
                (given["width"] as Long).toInt(),
                Resize.entries.single { it.text == given["resize"] },
                given["crop_fraction"] as Double,
                numbers("mean"),
                numbers("std"),
                (given["channels"] as Long).toInt(),
                given["encoding"] == "pixels",
                (given["pad_value"] as Long?)?.toInt(),
            )
            val image = readPpm(SharedFiles.file("vectors/${case["image"]}").readBytes())
            val resized = preprocessing.resizedSize(image.height, image.width)
            assertEquals(case["resized"], listOf(resized.height.toLong(), resized.width.toLong()))
            val pixels = preprocessing.pixels(image)
            val channels = preprocessing.channels
            // Grey is kept in three equal channels, of which the tensor takes one.
            val kept = pixels.pixels.filterIndexed { index, _ -> index % 3 < channels }.toByteArray()
            assertEquals(case["pixels_sha256"], sha256(kept), "$case")
            val type = TensorType.entries.single { it.text == given["type"] }
            val scale = (case["scale"] as Double).toFloat()
            val info = TensorInfo(listOf(1, pixels.height, pixels.width, channels), type, scale, (case["zero_point"] as Long).toInt())
            val tensor = InputTensor(preprocessing, info).of(pixels)
            assertEquals(case["tensor_sha256"], sha256(tensor), "$case")
            if ("tensor" in case) assertArrayEquals(bytes(case["tensor"]), tensor)
        }
    }

    @Property(tries = 300)
    fun `a constant image stays constant`(
        @ForAll @IntRange(min = 1, max = 90) width: Int,
        @ForAll @IntRange(min = 1, max = 90) height: Int,
        @ForAll @IntRange(min = 1, max = 60) toWidth: Int,
        @ForAll @IntRange(min = 1, max = 60) toHeight: Int,
        @ForAll value: Byte,
    ) {
        val image = RgbImage(width, height, ByteArray(3 * width * height) { value })
        for (resize in Resize.entries) assertTrue(preprocessing(toHeight, toWidth, resize, pad = value).pixels(image).pixels.all { it == value })
    }

    @Property(tries = 100)
    fun `the same size changes nothing`(
        @ForAll @IntRange(min = 1, max = 70) width: Int,
        @ForAll @IntRange(min = 1, max = 70) height: Int,
        @ForAll seed: Long,
    ) {
        val image = noise(width, height, seed)
        assertArrayEquals(image.pixels, preprocessing(height, width).pixels(image).pixels)
    }

    /** The document's rule in its own words, for each pixel of the whole image, then the crop. */
    @Property(tries = 200)
    fun `the window equals the rule of the document`(
        @ForAll @IntRange(min = 1, max = 40) width: Int,
        @ForAll @IntRange(min = 1, max = 40) height: Int,
        @ForAll @IntRange(min = 1, max = 24) toWidth: Int,
        @ForAll @IntRange(min = 1, max = 24) toHeight: Int,
        @ForAll @DoubleRange(min = 0.3, max = 1.0) crop: Double,
        @ForAll seed: Long,
    ) {
        val image = noise(width, height, seed)
        val preprocessing = preprocessing(toHeight, toWidth, Resize.SHORTER, crop)
        val size = preprocessing.resizedSize(height, width)
        val narrow = Array(height) { y -> axis(width, size.width) { x, c -> image.pixels[3 * (y * width + x) + c].toInt() and 0xff } }
        val tall = Array(size.width) { x -> axis(height, size.height) { y, c -> narrow[y][x][c] } }
        val top = (size.height - toHeight) / 2
        val left = (size.width - toWidth) / 2
        val expected = ByteArray(3 * toWidth * toHeight) {
            tall[left + it / 3 % toWidth][top + it / 3 / toWidth][it % 3].toByte()
        }
        assertArrayEquals(expected, preprocessing.pixels(image).pixels)
    }

    private fun axis(source: Int, target: Int, pixel: (Int, Int) -> Int): Array<IntArray> {
        val scale = source.toDouble() / target
        val stretch = maxOf(scale, 1.0)
        return Array(target) { x ->
            val centre = (x + 0.5) * scale
            val first = maxOf(0, (centre - stretch + 0.5).toInt())
            val last = minOf(source, (centre + stretch + 0.5).toInt())
            val weights = (first until last).map { maxOf(0.0, 1 - abs((it - centre + 0.5) * (1 / stretch))) }
            val sum = weights.fold(0.0, Double::plus)
            IntArray(3) { c ->
                val total = weights.withIndex().sumOf { (i, weight) -> (0.5 + weight / sum * 4194304).toInt() * pixel(first + i, c) }
                ((2097152 + total) shr 22).coerceIn(0, 255)
            }
        }
    }

    @Property(tries = 300)
    fun `the table is monotone and clipped`(
        @ForAll @DoubleRange(min = 0.0, max = 1.0) mean: Double,
        @ForAll @Scale(6) @DoubleRange(min = 1e-6, max = 10.0) std: Double,
        @ForAll @Scale(6) @DoubleRange(min = 1e-6, max = 2.0) scale: Double,
        @ForAll @IntRange(min = -128, max = 127) zeroPoint: Int,
    ) {
        val image = RgbImage(256, 1, ByteArray(768) { (it / 3).toByte() })
        val preprocessing = Preprocessing(1, 256, Resize.STRETCH, 1.0, List(3) { mean }, List(3) { std })
        val tensor = InputTensor(preprocessing, TensorInfo(listOf(2, 1, 256, 3), TensorType.INT8, scale.toFloat(), zeroPoint)).of(image)
        for (index in 3 until 768) assertTrue(tensor[index] >= tensor[index - 3])
        assertArrayEquals(tensor.copyOf(768), tensor.copyOfRange(768, 1536))
    }

    @Test
    fun `a scale and a zero point that no tensor has are refused`() {
        for ((scale, zeroPoint) in listOf(0f to 0, -1f to 0, Float.NaN to 0, Float.POSITIVE_INFINITY to 0, 0.1f to 128, 0.1f to -129)) {
            assertThrows<ModelError> { InputTensor(preprocessing(1, 1), TensorInfo(listOf(1, 1, 1, 3), TensorType.INT8, scale, zeroPoint)) }
        }
    }

    @Test
    fun `the longest strips stay within memory and 31 bits`() {
        val size = preprocessing(8192, 8192, Resize.SHORTER, 0.25).resizedSize(1, RgbImage.MAX_SIDE)
        assertEquals(Size(32768, 65535 * 32768), size)
        assertEquals(224, preprocessing(224, 224, Resize.SHORTER, 0.9).pixels(RgbImage(65_535, 1, ByteArray(3 * 65_535))).width)
    }

    @Test
    fun `a camera frame is prepared quickly`() {
        val image = noise(640, 480, 1)
        val preprocessing = preprocessing(224, 224, Resize.SHORTER, 0.9)
        val tensor = InputTensor(preprocessing, TensorInfo(listOf(1, 224, 224, 3), TensorType.INT8, 0.01f, -14))
        val times = DoubleArray(60) {
            val start = System.nanoTime()
            tensor.of(preprocessing.pixels(image))
            (System.nanoTime() - start) / 1e6
        }
        val median = Percentiles.of(times.copyOfRange(20, 60), 50.0)
        println("640x480 to 224x224 (crop 0.9) and its table: median %.2f ms".format(median))
        // Ten times what an idle machine takes.
        assertTrue(median < 60, "$median ms")
    }

    private fun sha256(data: ByteArray) = hex(MessageDigest.getInstance("SHA-256").digest(data))
}
