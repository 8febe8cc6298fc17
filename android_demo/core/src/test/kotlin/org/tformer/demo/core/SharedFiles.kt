package org.tformer.demo.core

import java.io.File

/** The files under tests/contract that Python made and both languages read. */
object SharedFiles {
    private val folder: File = run {
        val start = File(System.getProperty("module.folder") ?: System.getProperty("user.dir")).absoluteFile
        generateSequence(start) { it.parentFile }
            .map { File(it, "tests/contract") }
            .firstOrNull { File(it, "examples/index.json").isFile }
            ?: throw IllegalStateException("Expected tests/contract above $start; run this inside the repository.")
    }

    val root: File = folder.parentFile.parentFile

    fun file(path: String) = File(folder, path)

    /** The good and bad examples: each with `file`, `accepted`, and `contract` or `rule`. */
    val examples: List<Map<String, Any?>> by lazy { objects(json("examples/index.json")) }

    fun json(path: String): Any? = TestJson(file(path).readText()).value()

    fun example(name: String): ByteArray = file("examples/$name").readBytes()

    /** The rules that docs/contract.md lists. */
    val rules: Set<String> by lazy {
        val text = File(root, "docs/contract.md").readText().substringAfter("\n## Rules\n")
        Regex("^\\| `([a-z0-9-]+)` \\|", RegexOption.MULTILINE).findAll(text).map { it.groupValues[1] }.toSet()
    }
}

@Suppress("UNCHECKED_CAST")
fun objects(value: Any?) = value as List<Map<String, Any?>>

fun bytes(hex: Any?): ByteArray = (hex as String).chunked(2).map { it.toInt(16).toByte() }.toByteArray()

fun hex(bytes: ByteArray): String = bytes.joinToString("") { "%02x".format(it) }

/** JSON of any size, for the tests' own indexes: no part of what is tested. */
class TestJson(private val text: String) {
    private var at = 0

    fun value(): Any? {
        space()
        return when (text[at]) {
            '{' -> all('}') { string().also { space(); at++ } to value() }.let { pairs -> pairs.toMap() }
            '[' -> all(']') { value() }
            '"' -> string()
            't' -> true.also { at += 4 }
            'f' -> false.also { at += 5 }
            'n' -> null.also { at += 4 }
            else -> {
                val start = at
                while (at < text.length && text[at] in "+-.eE0123456789") at++
                val written = text.substring(start, at)
                written.toLongOrNull() ?: written.toDouble()
            }
        }
    }

    private fun <T> all(end: Char, one: () -> T): List<T> {
        val result = ArrayList<T>()
        at++
        space()
        while (text[at] != end) {
            result += one()
            space()
            if (text[at] == ',') at++
            space()
        }
        at++
        return result
    }

    private fun string(): String = buildString {
        at++
        while (text[at] != '"') {
            if (text[at] != '\\') { append(text[at++]); continue }
            at++
            when (val letter = text[at++]) {
                'u' -> append(text.substring(at, at + 4).toInt(16).toChar()).also { at += 4 }
                'n' -> append('\n')
                'r' -> append('\r')
                't' -> append('\t')
                'b' -> append('\b')
                'f' -> append('\u000c')
                else -> append(letter)
            }
        }
        at++
    }

    private fun space() {
        while (at < text.length && text[at].isWhitespace()) at++
    }
}
