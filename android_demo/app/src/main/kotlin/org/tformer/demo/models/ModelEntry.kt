package org.tformer.demo.models

import org.tformer.demo.core.Contract

/**
 * A model in the list.
 *
 * @property id what the app remembers: the origin and the file's name.
 * @property bytes of the whole file.
 * @property problem one sentence where the file can no longer be read; then there is no contract.
 */
class ModelEntry(val id: String, val bytes: Long, val contract: Contract?, val problem: String?) {
    val bundled: Boolean get() = id.startsWith(BUNDLED)

    /** The file's name. */
    val fileName: String get() = id.substringAfter(':')

    val title: String get() = contract?.name ?: fileName

    companion object {
        const val BUNDLED = "bundled:"
        const val ADDED = "added:"
    }
}
