package org.tformer.demo.core

private const val MAX_LABEL_BYTES = 256
private const val LINES =
    "lines of 1 to $MAX_LABEL_BYTES bytes of UTF-8 without control characters, each ending in a line feed"

/**
 * The [count] labels in [data], the bytes of `labels.txt`, in the order of the model's scores.
 *
 * @throws Refusal for other text or another number.
 */
internal fun parseLabels(data: ByteArray, count: Int): List<String> {
    // Counted before splitting, so that a file of nothing but line feeds costs no memory.
    val lineFeeds = data.count { it == '\n'.code.toByte() }
    if (lineFeeds != count) throw Refusal("labels-count", "$count lines in labels.txt, as the contract says", "$lineFeeds")
    val text = utf8(data) ?: throw Refusal("labels-text", LINES, "other bytes in labels.txt")
    val lines = text.split('\n')
    if (lines.last().isNotEmpty()) throw Refusal("labels-text", LINES, "a labels.txt whose last line has no end")
    val labels = lines.dropLast(1)
    for ((number, line) in labels.withIndex()) {
        if (!isPrintable(line, MAX_LABEL_BYTES)) throw Refusal("labels-text", LINES, "${quoted(line, 40)} for label $number")
    }
    return labels
}
