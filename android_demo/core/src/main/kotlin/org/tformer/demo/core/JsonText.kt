package org.tformer.demo.core

/** Writes JSON that every strict parser reads: the counterpart of StrictJson. */
object JsonText {
    /**
     * [value] as JSON in one line.
     *
     * @param value of maps with text keys, iterables, text, booleans, null, and numbers of the kinds that Kotlin has.
     * @throws IllegalArgumentException for NaN, infinity, and values of other kinds.
     */
    fun of(value: Any?): String = StringBuilder().also { write(value, it) }.toString()

    private fun write(value: Any?, out: StringBuilder) {
        when (value) {
            null, is Boolean, is Int, is Long, is Short, is Byte -> out.append(value)
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
                write(inside, out)
            }
            is Iterable<*> -> writeAll(value, '[', ']', out) { write(it, out) }
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
        out.append('"')
        for (character in text) {
            when {
                character == '"' || character == '\\' -> out.append('\\').append(character)
                // Surrogates as escapes: half of a pair stays visible and breaks no encoder.
                character < ' ' || character.code in 0x7f..0x9f || character.code in 0x2028..0x2029 || character.isSurrogate() ->
                    out.append("\\u").append(hex(character.code.toLong(), 4))
                else -> out.append(character)
            }
        }
        out.append('"')
    }
}
