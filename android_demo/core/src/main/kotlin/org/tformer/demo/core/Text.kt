package org.tformer.demo.core

import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException
import java.nio.charset.CodingErrorAction

/** [data] as text, or null where it is no well-formed UTF-8 (overlong forms and surrogates among them). */
internal fun utf8(data: ByteArray): String? =
    try {
        Charsets.UTF_8.newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT)
            .decode(ByteBuffer.wrap(data))
            .toString()
    } catch (_: CharacterCodingException) {
        null
    }

/** Whether each half of a surrogate pair in [text] has the other half. */
internal fun isUnicode(text: CharSequence): Boolean {
    var index = 0
    while (index < text.length) {
        val character = text[index++]
        if (!character.isSurrogate()) continue
        if (!character.isHighSurrogate() || index == text.length || !text[index++].isLowSurrogate()) return false
    }
    return true
}

/** Whether [text] has 1 to [maxBytes] bytes of UTF-8 and no character that docs/contract.md forbids in names. */
internal fun isPrintable(text: String, maxBytes: Int): Boolean =
    // A byte or more each, so that an endless text is not encoded first.
    text.length in 1..maxBytes && isUnicode(text) && text.toByteArray(Charsets.UTF_8).size <= maxBytes && text.none(::isForbidden)

/**
 * Control characters, line and paragraph separators, the byte order mark, and marks that turn the direction of the text around
 * them: a name must not change how the text beside it reads.
 */
private fun isForbidden(character: Char): Boolean = when (character.code) {
    in 0x00..0x1f, in 0x7f..0x9f, 0x2028, 0x2029, in 0x202a..0x202e, in 0x2066..0x2069, 0xfeff -> true
    else -> false
}

/** A stranger's [text] for a message: in quotes, at most [most] characters, those that would not print written as `\u….` */
internal fun quoted(text: String, most: Int = 80): String = buildString {
    append('\'')
    for (character in text.take(most)) {
        if (isForbidden(character) || character.isSurrogate()) append("\\u").append(hex(character.code.toLong(), 4)) else append(character)
    }
    if (text.length > most) append('…')
    append('\'')
}

/** [value] with [digits] hexadecimal digits, the same in every locale. */
internal fun hex(value: Long, digits: Int): String = java.lang.Long.toHexString(value).padStart(digits, '0')
