package org.tformer.demo.screens

import android.Manifest
import android.view.View
import android.widget.Button
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.tformer.demo.R
import org.tformer.demo.harness.Demo
import kotlin.math.abs

/** The picture lies where what is drawn over it thinks that it lies, whichever way letters run and the screen is turned. */
@RunWith(RobolectricTestRunner::class)
class PictureAreaTest {
    @Before
    fun allow() {
        Demo.needInterpreter()
        shadowOf(Demo.app).grantPermissions(Manifest.permission.CAMERA)
    }

    private fun check(qualifiers: String, atLeft: Boolean?) {
        RuntimeEnvironment.setQualifiers(qualifiers)
        val activity = Robolectric.buildActivity(CameraActivity::class.java).setup().get()
        Demo.settle()
        Demo.app.camera.send(Demo.photo("flower.jpg", 480, 640))
        Demo.settle()
        activity.findViewById<Button>(R.id.freeze).performClick()
        Demo.settle()
        val area = activity.findViewById<PictureArea>(R.id.area)
        val found = ArrayList<View>()
        area.findViewsWithText(found, activity.getString(R.string.frozen_picture), View.FIND_VIEWS_WITH_CONTENT_DESCRIPTION)
        val still = found.single()
        val sides = listOf(still.left, still.top, still.right, still.bottom)
        val expected = area.picture.run { listOf(left, top, right, bottom) }
        assertTrue("$qualifiers: $sides, $expected", sides.zip(expected).all { (one, other) -> abs(one - other) <= 1 })
        if (atLeft != null) assertEquals(qualifiers, atLeft, still.left == 0)
    }

    @Test
    fun `from left to right`() = check("+ldltr-port", null)

    @Test
    fun `from right to left`() = check("+ldrtl-port", null)

    @Test
    fun `in landscape at the left`() = check("+ldltr-w891dp-h411dp-land", true)

    @Test
    fun `in landscape from right to left at the right`() = check("+ldrtl-w891dp-h411dp-land", false)
}
