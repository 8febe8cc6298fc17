package org.tformer.demo.core

import kotlin.math.roundToInt

/** Colours to draw classes in, as `tformer_edge/palette.py`: neighbours differ, and none is near black or white. */
object Palette {
    /** The golden ratio's fraction: hues of consecutive classes stand far apart however many there are. */
    private const val TURN = 0.618033988749895
    private val SATURATIONS = doubleArrayOf(0.9, 0.6, 0.75)
    private val VALUES = doubleArrayOf(0.95, 0.8, 0.6)

    /** 0xRRGGBB of each class of [contract]: its own colours, or ours. */
    fun of(contract: Contract): IntArray = IntArray(contract.labelCount) { index ->
        contract.colours.getOrNull(index)?.let { (red, green, blue) -> (red shl 16) or (green shl 8) or blue } ?: colour(index)
    }

    internal fun colour(index: Int): Int {
        val value = VALUES[index % 3]
        val hue = (0.02 + index * TURN) % 1.0 * 6
        val saturation = SATURATIONS[index % 3]
        val part = hue.toInt()
        val rest = hue - part
        val p = value * (1 - saturation)
        val q = value * (1 - saturation * rest)
        val t = value * (1 - saturation * (1 - rest))
        val (red, green, blue) = when (part % 6) {
            0 -> Triple(value, t, p)
            1 -> Triple(q, value, p)
            2 -> Triple(p, value, t)
            3 -> Triple(p, q, value)
            4 -> Triple(t, p, value)
            else -> Triple(value, p, q)
        }
        return ((255 * red).roundToInt() shl 16) or ((255 * green).roundToInt() shl 8) or (255 * blue).roundToInt()
    }

    /** Whether black is more legible than white on [colour], 0xRRGGBB (luma of BT.601). */
    fun wantsBlack(colour: Int): Boolean =
        299 * (colour shr 16 and 0xff) + 587 * (colour shr 8 and 0xff) + 114 * (colour and 0xff) > 140_000
}
