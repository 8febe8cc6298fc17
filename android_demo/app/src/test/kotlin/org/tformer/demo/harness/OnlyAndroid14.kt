package org.tformer.demo.harness

import javax.annotation.Priority
import javax.inject.Inject
import org.robolectric.internal.dependency.DependencyResolver
import org.robolectric.pluginapi.Sdk
import org.robolectric.plugins.DefaultSdkProvider
import java.util.TreeMap

/**
 * The one Android that Maven has fetched. Robolectric by itself also asks for the newest that it knows, 150 MB more, only to look
 * up resource names in it.
 */
@Priority(1)
class OnlyAndroid14 @Inject constructor(resolver: DependencyResolver) : DefaultSdkProvider(resolver) {
    @Suppress("PLATFORM_CLASS_MAPPED_TO_KOTLIN")
    override fun populateSdks(knownSdks: TreeMap<Int, Sdk>) {
        super.populateSdks(knownSdks)
        knownSdks.keys.retainAll(setOf(34))
    }
}
