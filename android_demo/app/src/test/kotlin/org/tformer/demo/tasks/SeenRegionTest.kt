package org.tformer.demo.tasks

import android.graphics.RectF
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.tformer.demo.core.ModelError
import org.tformer.demo.core.ModelFile
import org.tformer.demo.core.Preprocessing
import org.tformer.demo.core.Resize
import org.tformer.demo.harness.Demo

@RunWith(RobolectricTestRunner::class)
class SeenRegionTest {
    private fun rule(resize: Resize, crop: Double) = Preprocessing(224, 224, resize, crop, List(3) { 0.5 }, List(3) { 0.5 })

    @Test
    fun `the shorter side and a crop leave a square in the middle`() {
        // 640 × 480 becomes 341 × 256; 224 of each are kept.
        val seen = SeenRegion.of(rule(Resize.SHORTER, 0.875), 640, 480)
        assertEquals(16 * 480 / 256f, seen.top, 0.01f)
        assertEquals(420f, seen.height(), 0.01f)
        assertEquals(58 * 640 / 341f, seen.left, 0.01f)
        assertEquals(224 * 640 / 341f, seen.width(), 0.01f)
    }

    @Test
    fun `stretching sees everything`() = assertEquals(RectF(0f, 0f, 640f, 480f), SeenRegion.of(rule(Resize.STRETCH, 1.0), 640, 480))

    @Test
    fun `the contract's task chooses what is drawn, and a file without a contract has none`() {
        val byTask = mapOf("classification" to ClassificationTask, "detection" to DetectionTask, "segmentation" to SegmentationTask)
        for ((name, task) in byTask) assertEquals(task, Tasks.of(ModelFile.read(Demo.model(name))))
        assertThrows(ModelError::class.java) { Tasks.of(ModelFile(ByteArray(8), null, emptyList(), emptyList())) }
    }
}
