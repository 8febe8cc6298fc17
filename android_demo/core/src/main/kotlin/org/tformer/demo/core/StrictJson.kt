package org.tformer.demo.core

/**
 * JSON in which two parsers cannot disagree: RFC 8259, bounded, with every key once (docs/contract.md, "JSON").
 *
 * Objects become `Map<String, Any?>` in the text's order, arrays `List<Any?>`, numbers [Long] (written without fraction and
 * exponent) or [Double], the others [String], [Boolean] and null.
 */
internal class StrictJson private constructor(private val text: String) {
    private var at = 0
    private var halfSurrogate = false

    private fun document(): Any? {
        skipSpace()
        val value = value()
        skipSpace()
        if (at != text.length) throw syntax("nothing behind the value")
        return value
    }

    private fun value(): Any? = when (val character = peek()) {
        '{' -> readObject()
        '[' -> readArray()
        '"' -> string()
        '-', in '0'..'9' -> number()
        else -> {
            val (word, value) = WORDS.firstOrNull { text.startsWith(it.first, at) } ?: throw syntax("a value", character)
            at += word.length
            value
        }
    }

    private fun readObject(): Map<String, Any?> {
        val result = LinkedHashMap<String, Any?>()
        var twice: String? = null
        at++
        skipSpace()
        if (peek() == '}') return result.also { at++ }
        while (true) {
            if (peek() != '"') throw syntax("a key")
            val key = string()
            skipSpace()
            expect(':')
            skipSpace()
            val value = value()
            if (key in result && twice == null) twice = key
            result[key] = value
            skipSpace()
            if (peek() == '}') break
            expect(',')
            skipSpace()
        }
        at++
        if (twice != null) throw Refusal("json-duplicate-key", "every key of an object once", "${quoted(twice)} twice")
        return result
    }

    private fun readArray(): List<Any?> {
        val result = ArrayList<Any?>()
        at++
        skipSpace()
        if (peek() == ']') return result.also { at++ }
        while (true) {
            result += value()
            skipSpace()
            if (peek() == ']') break
            expect(',')
            skipSpace()
        }
        at++
        return result
    }

    private fun string(): String {
        val result = StringBuilder()
        at++
        while (true) {
            val character = peek()
            when {
                character == '"' -> break
                character < ' ' -> throw syntax("a closing quotation mark", character)
                character == '\\' -> {
                    at++
                    result.append(escape())
                }
                else -> {
                    result.append(character)
                    at++
                }
            }
        }
        at++
        return result.toString().also { if (!isUnicode(it)) halfSurrogate = true }
    }

    private fun escape(): Char {
        val letter = peek()
        at++
        if (letter != 'u') return ESCAPES[letter] ?: throw syntax("an escape", letter)
        var code = 0
        repeat(4) {
            val digit = Character.digit(peek(), 16)
            // Character.digit knows the digits of all scripts.
            if (digit < 0 || peek() > 'f') throw syntax("four hexadecimal digits")
            code = code * 16 + digit
            at++
        }
        return code.toChar()
    }

    private fun number(): Number {
        val start = at
        if (peek() == '-') at++
        if (peek() == '0') at++ else digits()
        var isInteger = true
        // A dot or an "e" without digits behind it is no part of the number, and an error after it.
        if (peek() == '.' && isDigit(at + 1)) {
            isInteger = false
            at++
            digits()
        }
        if (peek() == 'e' || peek() == 'E') {
            val sign = if (at + 1 < text.length && text[at + 1] in "+-") 1 else 0
            if (isDigit(at + 1 + sign)) {
                isInteger = false
                at += 1 + sign
                digits()
            }
        }
        val written = text.substring(start, at)
        if (written.length <= MAX_NUMBER_CHARACTERS) {
            if (isInteger) {
                val value = written.toLongOrNull()
                if (value != null && value in -MAX_INTEGER..MAX_INTEGER) return value
            } else {
                val value = written.toDouble()
                if (!value.isInfinite()) return value
            }
        }
        throw Refusal(
            "json-number",
            "numbers of up to $MAX_NUMBER_CHARACTERS characters, finite, integers up to 2**53 - 1",
            written.take(50),
        )
    }

    private fun digits() {
        if (!isDigit(at)) throw syntax("a digit")
        while (isDigit(at)) at++
    }

    private fun isDigit(index: Int) = index < text.length && text[index] in '0'..'9'

    /** The character at [at]; U+0000, which stands nowhere in JSON, at the end. */
    private fun peek(): Char = if (at < text.length) text[at] else '\u0000'

    private fun expect(character: Char) {
        if (peek() != character) throw syntax("'$character'")
        at++
    }

    private fun skipSpace() {
        while (at < text.length && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r')) at++
    }

    private fun syntax(expected: String, received: Char = peek()): Refusal {
        val what = if (at < text.length) quoted(received.toString()) else "the end"
        return Refusal("json-syntax", "JSON as RFC 8259 defines it: $expected", "$what at character $at")
    }

    companion object {
        private const val MAX_BYTES = 64 shl 10
        private const val MAX_DEPTH = 16
        private const val MAX_NUMBER_CHARACTERS = 40

        /** The integers that a float64 holds exactly, as in RFC 7493. */
        private const val MAX_INTEGER = (1L shl 53) - 1

        private val WORDS = listOf<Pair<String, Any?>>("true" to true, "false" to false, "null" to null)
        private val ESCAPES = mapOf(
            '"' to '"', '\\' to '\\', '/' to '/', 'b' to '\b', 'f' to '\u000c', 'n' to '\n', 'r' to '\r', 't' to '\t',
        )

        /**
         * The object that [data] holds.
         *
         * @throws Refusal for anything else.
         */
        fun parseObject(data: ByteArray): Map<String, Any?> {
            if (data.size > MAX_BYTES) throw Refusal("json-size", "JSON of up to $MAX_BYTES bytes", "${data.size}")
            val text = utf8(data) ?: throw Refusal("json-text", "JSON in UTF-8", "other bytes")
            checkDepth(text)
            val parser = StrictJson(text)
            val value = parser.document() as? Map<*, *> ?: throw Refusal("json-syntax", "a JSON object", "another value")
            if (parser.halfSurrogate) throw Refusal("json-text", "strings of Unicode characters", "half of a surrogate pair")
            @Suppress("UNCHECKED_CAST") // readObject made it
            return value as Map<String, Any?>
        }

        /** Before parsing, since the parser recurses: counts brackets outside strings. */
        private fun checkDepth(text: String) {
            var depth = 0
            var inString = false
            var index = 0
            while (index < text.length) {
                when (text[index]) {
                    '"' -> inString = !inString
                    '\\' -> if (inString) index++
                    '[', '{' -> if (!inString && ++depth > MAX_DEPTH) {
                        throw Refusal("json-depth", "objects and arrays up to $MAX_DEPTH deep", "deeper ones")
                    }
                    ']', '}' -> if (!inString) depth--
                }
                index++
            }
        }
    }
}
