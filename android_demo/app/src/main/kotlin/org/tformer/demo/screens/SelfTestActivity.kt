package org.tformer.demo.screens

import android.os.Bundle
import android.view.ViewGroup
import android.widget.Button
import android.widget.TextView
import org.tformer.demo.R
import org.tformer.demo.core.GoldenResult
import org.tformer.demo.core.SelfTest
import org.tformer.demo.models.ModelSession
import java.util.Locale

/** Proves that this device computes what the exporter computed, with the golden vectors in the model file. */
class SelfTestActivity : Screen() {
    private lateinit var start: Button
    private lateinit var verdict: TextView
    private lateinit var list: ViewGroup
    private var results: List<GoldenResult>? = null

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContentView(R.layout.activity_self_test)
        start = findViewById(R.id.start)
        verdict = findViewById(R.id.verdict)
        list = findViewById(R.id.list)
        start.setOnClickListener { test() }
        @Suppress("UNCHECKED_CAST")
        (lastNonConfigurationInstance as? List<GoldenResult>)?.let(::show)
    }

    @Deprecated("The framework's own way without androidx")
    override fun onRetainNonConfigurationInstance(): Any? = results

    private fun test() {
        start.isEnabled = false
        verdict.setText(R.string.testing)
        background(
            {
                val model = app.session.current()
                app.session.engine(model.id, model.file, ModelSession.THREADS).use { engine ->
                    SelfTest.run(model.file, engine, reference = false)
                }
            },
            ::show,
            { sentence ->
                start.isEnabled = true
                verdict.text = sentence
            },
        )
    }

    private fun show(tested: List<GoldenResult>) {
        results = tested
        start.isEnabled = true
        verdict.setText(if (tested.all { it.passed }) R.string.self_test_passed else R.string.self_test_failed)
        list.removeAllViews()
        for (one in tested) {
            val row = layoutInflater.inflate(R.layout.row_self_test, list, false)
            row.findViewById<TextView>(R.id.name).text = one.name
            row.findViewById<TextView>(R.id.detail).text = getString(
                if (one.passed) R.string.golden_passed else R.string.golden_failed,
                String.format(Locale.getDefault(), "%.4g", one.difference).trimZeros(),
                String.format(Locale.getDefault(), "%.4g", one.allowed).trimZeros(),
            )
            list.addView(row)
        }
    }

    private fun String.trimZeros(): String = if ('e' in this || '.' !in this && ',' !in this) this else trimEnd('0').trimEnd('.', ',')
}
