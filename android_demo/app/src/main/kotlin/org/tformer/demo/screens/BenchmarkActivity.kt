package org.tformer.demo.screens

import android.content.Intent
import android.os.Build
import android.os.Bundle
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.TextView
import org.tensorflow.lite.TensorFlowLite
import org.tformer.demo.R
import org.tformer.demo.core.Benchmark
import org.tformer.demo.core.BenchmarkResult

/** How fast this device runs the chosen model: 50 runs on 1, 2 and 4 threads. */
class BenchmarkActivity : Screen() {
    private lateinit var start: Button
    private lateinit var share: Button
    private lateinit var table: ViewGroup
    private lateinit var status: TextView
    private var result: Measured? = null

    private class Measured(val result: BenchmarkResult, val json: String)

    /** Ends a measurement that nobody waits for any more. */
    private class Left : Exception()

    @Volatile
    private var left = false

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContentView(R.layout.activity_benchmark)
        start = findViewById(R.id.start)
        share = findViewById(R.id.share)
        table = findViewById(R.id.table)
        status = findViewById(R.id.status)
        start.setOnClickListener { measure() }
        share.setOnClickListener { result?.let(::share) }
        (lastNonConfigurationInstance as? Measured)?.let(::show)
    }

    override fun onDestroy() {
        left = true
        super.onDestroy()
    }

    @Deprecated("The framework's own way without androidx")
    override fun onRetainNonConfigurationInstance(): Any? = result

    private fun measure() {
        start.isEnabled = false
        share.isEnabled = false
        status.setText(R.string.measuring)
        val phone = mapOf(
            "device" to "${Build.MANUFACTURER} ${Build.MODEL}",
            "android" to Build.VERSION.RELEASE,
            "abi" to Build.SUPPORTED_ABIS.firstOrNull().orEmpty(),
            "app" to packageManager.getPackageInfo(packageName, 0).versionName.orEmpty(),
        )
        background(
            {
                val model = app.session.current()
                val measured = try {
                    Benchmark(model.file, reader = { engine -> model.task.model(model.file, engine).reader() }) { threads ->
                        app.session.engine(model.id, model.file, threads)
                    }.run { _, _ -> if (left) throw Left() }
                } catch (_: Left) {
                    null
                }
                measured?.let { Measured(it, it.toJson(phone + ("tensorflow_lite" to TensorFlowLite.runtimeVersion()))) }
            },
            { measured -> measured?.let(::show) },
            { sentence ->
                start.isEnabled = true
                status.text = sentence
            },
        )
    }

    private fun show(measured: Measured) {
        result = measured
        start.isEnabled = true
        share.isEnabled = true
        val answer = measured.result.answer
        status.text = if (answer == null) {
            getString(R.string.benchmark_done, measured.result.model)
        } else {
            getString(R.string.benchmark_done_and_answer, measured.result.model, milliseconds(answer))
        }
        table.removeAllViews()
        row(
            getString(R.string.threads), getString(R.string.p50), getString(R.string.p90), getString(R.string.first_run),
            getString(R.string.load_time), null,
        )
        for (run in measured.result.results) {
            val cells = listOf(run.p50, run.p90, run.first, run.load).map(::oneDigit)
            row(
                run.threads.toString(), cells[0], cells[1], cells[2], cells[3],
                getString(R.string.benchmark_row, run.threads, cells[0], cells[1], cells[2], cells[3]),
            )
        }
    }

    private fun row(threads: String, p50: String, p90: String, first: String, load: String, description: String?) {
        val row = layoutInflater.inflate(R.layout.row_benchmark, table, false)
        for ((id, text) in listOf(R.id.threads to threads, R.id.p50 to p50, R.id.p90 to p90, R.id.first to first, R.id.load to load)) {
            row.findViewById<TextView>(id).text = text
        }
        row.contentDescription = description
        table.addView(row)
    }

    private fun share(measured: Measured) {
        val text = Intent(Intent.ACTION_SEND).setType("text/plain")
            .putExtra(Intent.EXTRA_SUBJECT, getString(R.string.benchmark_of, measured.result.model))
            .putExtra(Intent.EXTRA_TEXT, measured.json)
        startActivity(Intent.createChooser(text, getString(R.string.share_result)))
    }
}
