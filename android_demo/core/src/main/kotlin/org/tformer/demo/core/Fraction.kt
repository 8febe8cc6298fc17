package org.tformer.demo.core

import java.math.BigInteger

/** An exact fraction, reduced. @property denominator over 0. */
internal class Fraction private constructor(val numerator: BigInteger, val denominator: BigInteger) : Comparable<Fraction> {
    operator fun plus(other: Fraction) = of(numerator * other.denominator + other.numerator * denominator, denominator * other.denominator)

    operator fun minus(other: Fraction) = this + Fraction(-other.numerator, other.denominator)

    operator fun times(other: Fraction) = of(numerator * other.numerator, denominator * other.denominator)

    operator fun div(other: Fraction) = of(numerator * other.denominator, denominator * other.numerator)

    override fun compareTo(other: Fraction): Int = (numerator * other.denominator).compareTo(other.numerator * denominator)

    fun floor(): Int = numerator.divideAndRemainder(denominator).let { (whole, rest) ->
        (if (rest.signum() < 0) whole - BigInteger.ONE else whole).toInt()
    }

    fun ceil(): Int = -Fraction(-numerator, denominator).floor()

    /** The nearest float64, of a numerator and a denominator within 53 bits. */
    fun toDouble(): Double {
        check(numerator.bitLength() <= EXACT_BITS && denominator.bitLength() <= EXACT_BITS) { "a fraction that is too long" }
        return numerator.toDouble() / denominator.toDouble()
    }

    override fun toString() = "$numerator/$denominator"

    companion object {
        private const val EXACT_BITS = 53

        fun of(numerator: Long, denominator: Long = 1): Fraction = of(BigInteger.valueOf(numerator), BigInteger.valueOf(denominator))

        private fun of(numerator: BigInteger, denominator: BigInteger): Fraction {
            require(denominator.signum() != 0) { "Expected a denominator other than 0." }
            val common = numerator.gcd(denominator).let { if (denominator.signum() < 0) -it else it }
            return Fraction(numerator / common, denominator / common)
        }
    }
}
