package org.tformer.demo.screens

import org.tformer.demo.core.RgbImage
import org.tformer.demo.models.Shot

/**
 * Answers still pictures, and again where the user asks for something else: of wishes that come while one is in work only the last counts.
 * Lives on the main thread.
 */
class StillAnswers(private val screen: Screen, private val shown: (Shot) -> Unit, private val failed: (String) -> Unit) {
    private var busy = false
    private var wanted: RgbImage? = null

    fun answer(image: RgbImage) {
        wanted = image
        if (!busy) next()
    }

    /** What was wished for is no longer. */
    fun forget() {
        wanted = null
    }

    private fun next() {
        val image = wanted ?: return
        wanted = null
        busy = true
        screen.background(
            { Shot().also { screen.app.session.analyse(image, it) } },
            { shot ->
                busy = false
                if (wanted == null) shown(shot) else next()
            },
            { sentence ->
                busy = false
                failed(sentence)
            },
        )
    }
}
