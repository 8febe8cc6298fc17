package org.tformer.demo.screens

import android.app.Activity
import android.os.Bundle
import android.view.MenuItem
import org.tformer.demo.DemoApplication
import org.tformer.demo.models.ModelSession
import org.tformer.demo.photo.PhotoProblem

/** What the screens have in common: the way up, and work on the inference thread. */
abstract class Screen : Activity() {
    val app: DemoApplication get() = application as DemoApplication

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        if (!isTaskRoot || parentActivityIntent != null) actionBar?.setDisplayHomeAsUpEnabled(parentActivityIntent != null)
    }

    override fun onOptionsItemSelected(item: MenuItem): Boolean {
        if (item.itemId != android.R.id.home) return super.onOptionsItemSelected(item)
        // Up from a photo that another app shared leads into this app, not back to the other.
        val up = parentActivityIntent ?: return super.onOptionsItemSelected(item)
        if (isTaskRoot || shouldUpRecreateTask(up)) startActivity(up)
        finish()
        return true
    }

    /**
     * Runs [work] on the inference thread and hands what comes of it to [done] on the main thread, unless the screen is gone by then.
     * Errors that a model or a photo can cause arrive as their sentence at [failed]; any other is a fault of the program and ends it.
     */
    fun <T> background(work: () -> T, done: (T) -> Unit, failed: (String) -> Unit) {
        app.inference.execute {
            val outcome = runCatching(work)
            val error = outcome.exceptionOrNull()
            val sentence = error?.let(::sentence)
            if (error != null && sentence == null) throw error
            app.onMainThread {
                if (!isDestroyed) {
                    if (sentence == null) done(outcome.getOrThrow()) else failed(sentence)
                }
            }
        }
    }

    private fun sentence(error: Throwable): String? = if (error is PhotoProblem) error.message else ModelSession.sentence(error)
}
