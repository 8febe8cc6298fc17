package org.tformer.demo.photo

import android.graphics.Bitmap
import android.graphics.Color
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.tformer.demo.harness.Demo
import java.io.ByteArrayOutputStream

@RunWith(RobolectricTestRunner::class)
class PhotoLoaderTest {
    private fun bytes(bitmap: Bitmap, format: Bitmap.CompressFormat): ByteArray =
        ByteArrayOutputStream().also { bitmap.compress(format, 95, it) }.toByteArray()

    @Test
    fun `large sides are divided by the smallest power of two that fits`() {
        assertEquals(1, PhotoLoader.sampleSize(4000, 3000))
        assertEquals(2, PhotoLoader.sampleSize(4001, 3001))
        assertEquals(4, PhotoLoader.sampleSize(12_000, 9_000))
        assertEquals(1, PhotoLoader.sampleSize(1, 12_000_000))
        assertEquals(16, PhotoLoader.sampleSize(65_500, 30_000))
    }

    @Test
    fun `a huge photo is decoded small`() {
        val huge = Bitmap.createBitmap(5000, 4000, Bitmap.Config.RGB_565).apply { eraseColor(Color.RED) }
        val image = PhotoLoader(Demo.app).load(Demo.document("huge.jpg", bytes(huge, Bitmap.CompressFormat.JPEG)))
        assertEquals(2500 to 2000, image.width to image.height)
    }

    @Test
    fun `transparent pixels lie over white`() {
        val bitmap = Bitmap.createBitmap(2, 1, Bitmap.Config.ARGB_8888).apply {
            setPixel(0, 0, Color.TRANSPARENT)
            setPixel(1, 0, Color.rgb(10, 20, 30))
        }
        val image = PhotoLoader(Demo.app).load(Demo.document("two.png", bytes(bitmap, Bitmap.CompressFormat.PNG)))
        assertArrayEquals(byteArrayOf(-1, -1, -1, 10, 20, 30), image.pixels)
    }

    @Test
    fun `the EXIF orientation turns the photo`() {
        val wide = Bitmap.createBitmap(64, 32, Bitmap.Config.ARGB_8888).apply {
            eraseColor(Color.BLUE)
            for (x in 0 until 32) for (y in 0 until 32) setPixel(x, y, Color.RED)
        }
        val jpeg = bytes(wide, Bitmap.CompressFormat.JPEG)
        val image = PhotoLoader(Demo.app).load(Demo.document("turned.jpg", withOrientation(jpeg, 6)))
        assertEquals(32 to 64, image.width to image.height)
        // The left half is now the upper one.
        assertEquals(listOf(true, false), listOf(3 * (10 * 32 + 16), 3 * (54 * 32 + 16)).map { image.pixels[it].toInt() and 0xff > 128 })
    }

    /** A JPEG file with an EXIF segment of one entry put behind its first marker. */
    private fun withOrientation(jpeg: ByteArray, orientation: Int): ByteArray {
        val tiff = "4d4d002a00000008" + "0001" + "0112000300000001" + "%04x0000".format(orientation) + "00000000"
        val body = "Exif".toByteArray() + byteArrayOf(0, 0) + tiff.chunked(2).map { it.toInt(16).toByte() }.toByteArray()
        val length = body.size + 2
        return jpeg.copyOf(2) + byteArrayOf(-1, 0xe1.toByte(), (length shr 8).toByte(), length.toByte()) + body + jpeg.copyOfRange(2, jpeg.size)
    }
}
