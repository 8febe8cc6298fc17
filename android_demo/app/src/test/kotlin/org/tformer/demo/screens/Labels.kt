package org.tformer.demo.screens

/** What the bundled model knows. */
object Labels {
    val cifar10 = setOf("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
}
