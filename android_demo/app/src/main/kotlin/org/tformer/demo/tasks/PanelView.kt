package org.tformer.demo.tasks

import android.content.Context
import android.content.res.Configuration
import android.util.AttributeSet
import android.widget.ScrollView

/** What is said beside a picture: over its lower edge it takes half of the height at most, and scrolls where letters are large. */
class PanelView(context: Context, attributes: AttributeSet?) : ScrollView(context, attributes) {
    override fun onMeasure(widthMeasureSpec: Int, heightMeasureSpec: Int) {
        val landscape = resources.configuration.orientation == Configuration.ORIENTATION_LANDSCAPE
        val room = MeasureSpec.getSize(heightMeasureSpec)
        super.onMeasure(widthMeasureSpec, MeasureSpec.makeMeasureSpec(if (landscape) room else room / 2, MeasureSpec.AT_MOST))
    }
}
