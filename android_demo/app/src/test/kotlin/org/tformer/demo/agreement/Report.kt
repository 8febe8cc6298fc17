package org.tformer.demo.agreement

import org.tensorflow.lite.TensorFlowLite
import org.tformer.demo.harness.Demo
import java.io.File

/** Writes what was seen to build/android/agreement/NAME.md, with the versions that it was seen with. */
internal fun report(name: String, pictures: Int, lines: StringBuilder.() -> Unit) {
    val text = StringBuilder()
    text.appendLine("$name: $pictures pictures; input tensors equal to the last bit.")
    text.appendLine("The app's library: TensorFlow Lite ${TensorFlowLite.runtimeVersion()} for x86_64, whose XNNPACK does not run here.")
    text.appendLine("`tformer_edge`: ${File(Demo.agreement, "versions.txt").readLines().joinToString()}.\n")
    text.lines()
    File(Demo.agreement, "$name.md").writeText(text.toString())
    println(text)
}

/** The parts of [whole] that have these sizes, one behind the other. */
internal fun split(whole: ByteArray, sizes: List<Long>): List<ByteArray> {
    var at = 0
    return sizes.map { size -> whole.copyOfRange(at, at + size.toInt()).also { at += it.size } }
}
