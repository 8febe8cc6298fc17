package org.tformer.demo.core

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** The values of a tensor as they stand in [bytes]: integers, or float32 widened, which loses nothing. */
internal fun tensorValues(bytes: ByteArray, type: TensorType): DoubleArray = when (type) {
    TensorType.INT8 -> DoubleArray(bytes.size) { bytes[it].toDouble() }
    TensorType.UINT8 -> DoubleArray(bytes.size) { (bytes[it].toInt() and 0xff).toDouble() }
    TensorType.FLOAT32 -> {
        val floats = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
        DoubleArray(bytes.size / 4) { floats.get(it).toDouble() }
    }
}
