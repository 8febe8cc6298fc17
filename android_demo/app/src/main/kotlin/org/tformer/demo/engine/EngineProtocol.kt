package org.tformer.demo.engine

import android.os.IBinder
import android.os.Parcel
import org.tformer.demo.core.TensorInfo
import org.tformer.demo.core.TensorType

/**
 * What [RemoteEngine] says to [EngineService] over Binder. Each answer begins with [DONE], or with [FAILED] and a sentence.
 * Tensors travel in pieces, because Binder carries 1 MB at a time for all calls of a process together.
 */
internal object EngineProtocol {
    /** File descriptor, bytes of the flatbuffer, threads → handle, input, number of outputs, outputs. */
    const val OPEN = IBinder.FIRST_CALL_TRANSACTION

    /** Handle, offset, piece of the input tensor. */
    const val INPUT = IBinder.FIRST_CALL_TRANSACTION + 1

    /** Handle. */
    const val RUN = IBinder.FIRST_CALL_TRANSACTION + 2

    /** Handle, number of the output, offset, bytes → piece of the output tensor. */
    const val OUTPUT = IBinder.FIRST_CALL_TRANSACTION + 3

    /** Handle. */
    const val CLOSE = IBinder.FIRST_CALL_TRANSACTION + 4

    const val DONE = 0
    const val FAILED = 1
    const val PIECE_BYTES = 1 shl 18

    fun write(parcel: Parcel, info: TensorInfo) {
        parcel.writeIntArray(info.shape.toIntArray())
        parcel.writeInt(info.type.ordinal)
        parcel.writeFloat(info.scale)
        parcel.writeInt(info.zeroPoint)
    }

    /** The other side runs a stranger's model, so what it says is checked; the contract is compared with it afterwards. */
    fun readInfo(parcel: Parcel): TensorInfo {
        val shape = parcel.createIntArray() ?: throw IllegalArgumentException("no shape")
        val type = TensorType.entries.getOrNull(parcel.readInt()) ?: throw IllegalArgumentException("no such type")
        return TensorInfo(shape.toList(), type, parcel.readFloat(), parcel.readInt())
    }

    /** Bytes of a tensor, or an IllegalArgumentException where they are out of all reason. */
    fun bytes(info: TensorInfo): Int {
        var bytes = info.type.bytes.toLong()
        for (side in info.shape) {
            require(side in 1..(1 shl 28)) { "a side of $side" }
            bytes *= side
            require(bytes <= 1 shl 28) { "a tensor of $bytes bytes" }
        }
        return bytes.toInt()
    }
}
