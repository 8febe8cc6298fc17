package org.tformer.demo.core

/** Writes JSON that every strict parser reads: the counterpart of StrictJson, which reads back what was written. */
object JsonText {
    /** As in docs/contract.md, "JSON"; it also ends the writing of a list that holds itself. */
    private const val MAX_DEPTH = 16

    /** The integers that a float64 holds exactly. */
    private const val MAX_INTEGER = (1L shl 53) - 1

    /**
     * [value] as JSON in one line.
     *
     * @param value of maps with text keys, iterables, text, booleans, null, and numbers of the kinds that Kotlin has.
     * @throws IllegalArgumentException for values of other kinds, NaN, infinity, integers beyond ±(2⁵³ − 1), text with half of a
     * surrogate pair, and more than 16 levels.
     */
    fun of(value: Any?): String = StringBuilder().also { write(value, it, 0) }.toString()

    private fun write(value: Any?, out: StringBuilder, depth: Int) {
        require(depth < MAX_DEPTH || value !is Map<*, *> && value !is Iterable<*>) { "Expected up to $MAX_DEPTH levels, received more." }
        when (value) {
            null, is Boolean, is Int, is Short, is Byte -> out.append(value)
            is Long -> {
                require(value in -MAX_INTEGER..MAX_INTEGER) { "Expected an integer that a float64 holds, received $value." }
                out.append(value)
            }
            is Double, is Float -> {
                val number = (value as Number).toDouble()
                require(!number.isNaN() && !number.isInfinite()) { "Expected a finite number, received $value." }
                out.append(value)
            }
            is CharSequence -> writeText(value, out)
            is Map<*, *> -> writeAll(value.entries, '{', '}', out) { (key, inside) ->
                require(key is CharSequence) { "Expected keys of text, received $key." }
                writeText(key, out)
                out.append(": ")
                write(inside, out, depth + 1)
            }
            is Iterable<*> -> writeAll(value, '[', ']', out) { write(it, out, depth + 1) }
            else -> throw IllegalArgumentException("Expected a value that JSON has, received ${value.javaClass.name}.")
        }
    }

    private fun <T> writeAll(values: Iterable<T>, open: Char, close: Char, out: StringBuilder, write: (T) -> Unit) {
        out.append(open)
        values.forEachIndexed { index, value ->
            if (index > 0) out.append(", ")
            write(value)
        }
        out.append(close)
    }

    private fun writeText(text: CharSequence, out: StringBuilder) {
        require(isUnicode(text)) { "Expected text of Unicode characters, received half of a surrogate pair." }
        out.append('"')
        for (character in text) {
            when {
                character == '"' || character == '\\' -> out.append('\\').append(character)
                // What would not show, and pairs of surrogates, as escapes: ends no line and survives a narrower encoding.
                character < ' ' || character.code in 0x7f..0x9f || character.code in 0x2028..0x2029 || character.isSurrogate() ->
                    out.append("\\u").append(hex(character.code.toLong(), 4))
                else -> out.append(character)
            }
        }
        out.append('"')
    }
}
