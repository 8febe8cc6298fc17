package org.tformer.demo.core

internal fun wrong(name: String, expected: String, received: Any?): Refusal =
    Refusal("contract-field", "$name of model.json to be $expected", quoted(received.toString()))

/** Checked access to one object of `model.json`: each refusal has the rule `contract-field` and names the field. */
internal class Fields(private val values: Map<*, *>, private val prefix: String = "") {
    fun name(key: String) = prefix + key

    fun has(key: String) = key in values

    fun any(key: String): Any? {
        if (key !in values) throw Refusal("contract-field", "${name(key)} in model.json", "none")
        return values[key]
    }

    fun map(key: String): Map<String, Any?> {
        val value = any(key) as? Map<*, *> ?: throw wrong(name(key), "an object", any(key))
        @Suppress("UNCHECKED_CAST") // all keys of StrictJson's maps are strings
        return value as Map<String, Any?>
    }

    fun mapOrNull(key: String): Map<String, Any?>? = if (any(key) == null) null else map(key)

    fun fields(key: String) = Fields(map(key), "${name(key)}.")

    fun list(key: String): List<Any?> = any(key) as? List<*> ?: throw wrong(name(key), "an array", any(key))

    fun string(key: String): String = any(key) as? String ?: throw wrong(name(key), "a string", any(key))

    /** Written without fraction and exponent. */
    fun integer(key: String, range: LongRange): Long {
        val value = any(key)
        if (value !is Long || value !in range) throw wrong(name(key), "an integer from ${range.first} to ${range.last}", value)
        return value
    }

    fun integer(key: String, range: IntRange): Int = integer(key, range.first.toLong()..range.last.toLong()).toInt()

    fun number(key: String): Double = (any(key) as? Number ?: throw wrong(name(key), "a number", any(key))).toDouble()

    fun numbers(key: String): List<Double> =
        list(key).map { (it as? Number ?: throw wrong(name(key), "an array of numbers", it)).toDouble() }

    /** A name: 1 to 100 bytes of printable text. */
    fun text(key: String): String {
        val value = string(key)
        if (!isPrintable(value, MAX_TEXT_BYTES)) {
            throw wrong(name(key), "1 to $MAX_TEXT_BYTES bytes of text without control characters", value)
        }
        return value
    }

    fun sha256(key: String): String {
        val value = string(key)
        if (value.length != 64 || !value.all { it in '0'..'9' || it in 'a'..'f' }) {
            throw wrong(name(key), "a SHA-256 of 64 lower-case hexadecimal digits", value)
        }
        return value
    }

    /** The one of [choices] that is written as `key`'s value. */
    fun <T> oneOf(key: String, choices: Iterable<T>, text: (T) -> String): T {
        val value = string(key)
        return choices.firstOrNull { text(it) == value }
            ?: throw wrong(name(key), "one of ${choices.joinToString(transform = text)}", value)
    }

    companion object {
        const val MAX_TEXT_BYTES = 100
    }
}
