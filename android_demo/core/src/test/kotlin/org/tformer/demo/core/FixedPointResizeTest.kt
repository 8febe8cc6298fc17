package org.tformer.demo.core

import net.jqwik.api.ForAll
import net.jqwik.api.Property
import net.jqwik.api.constraints.IntRange
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.TestFactory
import java.security.MessageDigest
import java.util.Random

/** The resize at the sizes of cameras, photos and hopeless strips, where the shared vectors' small images do not reach. */
class FixedPointResizeTest {
    /** What `tformer_edge.preprocessing.Preprocessing.pixels` gave for [image]: the beginning of its SHA-256. */
    @TestFactory
    fun `large, long and tiny images come out as Python's`(): List<DynamicTest> = listOf(
        case(640, 480, 224, 224, Resize.SHORTER, 0.9, Size(249, 332), "1dc9de4e137c70f704df1d04db837ca4"),
        case(480, 640, 224, 224, Resize.SHORTER, 0.875, Size(341, 256), "bb1e59a45ea87b4dbe7abad7cdae2d73"),
        case(1281, 719, 224, 192, Resize.SHORTER, 1.0, Size(224, 399), "a6ed416597eeb99467550a881183d94e"),
        case(4032, 3024, 224, 224, Resize.SHORTER, 0.95, Size(236, 314), "6a36707be8b6d85644da61c233c90bff"),
        case(2000, 3, 32, 32, Resize.SHORTER, 1.0, Size(32, 21333), "7099e6ae5b5904480096e634fc856329"),
        case(3, 2000, 32, 32, Resize.SHORTER, 1.0, Size(21333, 32), "e4a6c9617b6b792e417aca01508f1020"),
        case(65535, 1, 16, 24, Resize.STRETCH, 1.0, Size(16, 24), "0966b5197c43020ec5366c28f29eb80b"),
        case(1, 65535, 24, 16, Resize.STRETCH, 1.0, Size(24, 16), "297e2512381883ac37c82f0b00e69ec6"),
        case(1, 9000, 8, 8, Resize.SHORTER, 0.5, Size(144000, 16), "e09e3b6f2f2f34ecbcb8aae9ad0aada0"),
        case(7, 5, 301, 299, Resize.SHORTER, 0.3, Size(1003, 1404), "fe4d6ecff04b5ae0b01f55cfc6a20d70"),
        case(223, 225, 224, 224, Resize.STRETCH, 1.0, Size(224, 224), "2a74d0ed44acd172f96105ed368b5577"),
        case(2, 2, 511, 257, Resize.STRETCH, 1.0, Size(511, 257), "c96d85b18240b7712e3ad0a24b2126ac"),
        case(1000, 1000, 1, 1, Resize.SHORTER, 1.0, Size(1, 1), "d8d83e152275cdecf91efea09d7aebf3"),
    )

    private fun case(width: Int, height: Int, toHeight: Int, toWidth: Int, resize: Resize, crop: Double, size: Size, sha256: String) =
        dynamicTest("$width x $height to $toWidth x $toHeight, ${resize.text} $crop") {
            val preprocessing = Preprocessing(toHeight, toWidth, resize, crop, List(3) { 0.0 }, List(3) { 1.0 })
            assertEquals(size, preprocessing.resizedSize(height, width))
            val pixels = preprocessing.pixels(image(width, height))
            assertEquals(Size(toHeight, toWidth), Size(pixels.height, pixels.width))
            assertEquals(sha256, hex(MessageDigest.getInstance("SHA-256").digest(pixels.pixels)).take(32))
        }

    /** In NumPy: `i = arange(3 * w * h); (i * i // 7 + i * 31 + i // (3 * w) * 17) & 255`, in int64. */
    private fun image(width: Int, height: Int): RgbImage {
        val line = 3 * width
        return RgbImage(width, height, ByteArray(line * height) { (it.toLong() * it / 7 + it * 31L + it / line * 17).toByte() })
    }

    @Property(tries = 300)
    fun `a window equals the cut of the whole`(
        @ForAll @IntRange(min = 1, max = 60) width: Int,
        @ForAll @IntRange(min = 1, max = 60) height: Int,
        @ForAll @IntRange(min = 1, max = 40) toWidth: Int,
        @ForAll @IntRange(min = 1, max = 40) toHeight: Int,
        @ForAll seed: Long,
    ) {
        val random = Random(seed)
        val image = RgbImage(width, height, ByteArray(3 * width * height).also(random::nextBytes))
        val size = Size(toHeight, toWidth)
        val whole = resize(image, size, 0, 0, size)
        val top = random.nextInt(toHeight)
        val left = random.nextInt(toWidth)
        val window = Size(1 + random.nextInt(toHeight - top), 1 + random.nextInt(toWidth - left))
        val expected = ByteArray(3 * window.height * window.width) {
            val row = top + it / (3 * window.width)
            whole.pixels[3 * (row * toWidth + left) + it % (3 * window.width)]
        }
        assertArrayEquals(expected, resize(image, size, top, left, window).pixels)
    }

    @Property(tries = 200)
    fun `channels do not mix and the picture's ends stay its ends`(
        @ForAll @IntRange(min = 1, max = 50) width: Int,
        @ForAll @IntRange(min = 1, max = 50) toWidth: Int,
        @ForAll @IntRange(max = 2) channel: Int,
    ) {
        // A ramp in one channel alone: it stays in it, and ascends.
        val image = RgbImage(width, 1, ByteArray(3 * width) { if (it % 3 == channel) (it / 3 * 255 / width).toByte() else 0 })
        val result = resize(image, Size(1, toWidth), 0, 0, Size(1, toWidth)).pixels
        for (index in result.indices) if (index % 3 != channel) assertEquals(0, result[index].toInt())
        val ramp = result.indices.filter { it % 3 == channel }.map { result[it].toInt() and 0xff }
        assertEquals(ramp.sorted(), ramp)
    }
}
