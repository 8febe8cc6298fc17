package org.tformer.demo.harness

import org.tformer.demo.DemoApplication
import org.tformer.demo.camera.CameraSource
import org.tformer.demo.engine.AppEngines
import org.tformer.demo.engine.Engines

/** The app with an injected camera, and with the interpreter unless a test puts another one in its place. */
class TestApplication : DemoApplication() {
    val camera = FakeCamera()
    var testEngines: Engines = AppEngines(this)

    override fun cameraSource(): CameraSource = camera

    override fun engines(): Engines = testEngines
}
