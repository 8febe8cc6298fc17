package org.tformer.demo.harness

import android.app.Activity
import android.content.ComponentName
import android.content.Intent
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Canvas
import android.graphics.Rect
import android.net.Uri
import android.os.IBinder
import android.os.Looper
import android.view.View
import android.widget.TextView
import org.junit.Assume.assumeTrue
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.ShadowLooper
import org.tformer.demo.R
import org.tformer.demo.core.DetectedObject
import org.tformer.demo.core.DetectedObjects
import org.tformer.demo.core.ModelFile
import org.tformer.demo.core.RgbImage
import org.tformer.demo.engine.EngineService
import org.tformer.demo.models.ModelEntry
import org.tformer.demo.photo.BitmapPixels
import org.tformer.demo.screens.PictureArea
import java.io.File
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicReference

/** What the tests of screens have in common. */
object Demo {
    val app: TestApplication get() = RuntimeEnvironment.getApplication() as TestApplication
    private val crash = AtomicReference<Throwable>()

    init {
        Thread.setDefaultUncaughtExceptionHandler { _, error -> crash.compareAndSet(null, error) }
    }

    /** A skip where the archive's library cannot run on this machine; build.sh test says so too. */
    fun needInterpreter() {
        val why = File(System.getProperty("demo.host.dir"), "why_not.txt")
        assumeTrue(if (why.exists()) why.readText() else "", !why.exists())
    }

    /** The isolated process' binder, in this process: Robolectric starts no other. */
    fun provideEngineService(binder: IBinder = Robolectric.buildService(EngineService::class.java).create().get().onBind(Intent())) {
        shadowOf(app).setComponentNameAndServiceForBindService(ComponentName(app, EngineService::class.java), binder)
    }

    /** Waits until the inference thread and the main thread have nothing to do any more. */
    fun settle() {
        val deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(120)
        repeat(4) {
            val barrier = app.inference.submit { }
            while (!barrier.isDone) {
                idle()
                check(System.nanoTime() < deadline) { "still busy after two minutes" }
                Thread.sleep(1)
            }
            idle()
        }
        crash.getAndSet(null)?.let { throw AssertionError("a thread died", it) }
    }

    fun idle() = shadowOf(Looper.getMainLooper()).idle()

    fun text(activity: Activity, id: Int): String = activity.findViewById<TextView>(id).text.toString()

    /** Text that a person sees, from top to bottom. */
    fun visibleText(view: View): List<String> {
        if (view.visibility != View.VISIBLE) return emptyList()
        if (view is TextView) return listOf(view.text.toString()).filter(String::isNotEmpty)
        return if (view is android.view.ViewGroup) (0 until view.childCount).flatMap { visibleText(view.getChildAt(it)) } else emptyList()
    }

    /** A window as a person sees it, status bar left out, as demo.screens/NAME.png. */
    fun picture(decor: View, name: String): File {
        settle()
        // Ripples and progress bars of the first moment are over.
        ShadowLooper.idleMainLooper(2, TimeUnit.SECONDS)
        val bitmap = Bitmap.createBitmap(decor.width, decor.height, Bitmap.Config.ARGB_8888)
        decor.draw(Canvas(bitmap))
        val file = File(System.getProperty("demo.screens"), "$name.png")
        file.parentFile?.mkdirs()
        // Half size: 540 points wide is enough to look at.
        val small = Bitmap.createScaledBitmap(bitmap, decor.width / 2, decor.height / 2, true)
        file.outputStream().use { small.compress(Bitmap.CompressFormat.PNG, 100, it) }
        return file
    }

    /** A document of another app with these bytes. */
    fun document(name: String, bytes: ByteArray): Uri {
        val uri = Uri.parse("content://org.example.documents/$name")
        shadowOf(app.contentResolver).registerInputStreamSupplier(uri) { bytes.inputStream() }
        return uri
    }

    val repository = File(System.getProperty("demo.repository")).canonicalFile
    val agreement = File(repository, "build/android/agreement")
    private val models = File(System.getProperty("demo.models"))

    /** What is inside, in the order of the list. */
    val bundled: List<File> = File(models, "bundled.txt").readLines().map { File(models, it) }
    private val byTask = HashMap<String, File>()

    /** The first bundled model for a task; where no segmenter is bundled, the one that tests/android/make_agreement.py made. */
    fun model(task: String): File = byTask.getOrPut(task) {
        bundled.firstOrNull { ModelFile.read(it).contract?.task == task } ?: File(agreement, "colours.tflite")
    }

    val bundledModel: File get() = model("classification")

    /** Makes the model for a task the one in use. One that is not bundled is added, and runs in the other process. */
    fun use(task: String) {
        val file = model(task)
        val id = if (file in bundled) {
            ModelEntry.BUNDLED + file.name
        } else {
            provideEngineService()
            file.copyTo(File(app.filesDir, "models/${file.name}"), overwrite = true)
            ModelEntry.ADDED + file.name
        }
        val chosen = app.inference.submit { app.session.select(id) }
        settle()
        chosen.get()
    }

    /** The first labels and their shares, which a classifier's panel shows; empty without an answer. */
    fun labels(activity: Activity): List<String> =
        listOf(R.id.first, R.id.second, R.id.third).flatMap { visibleText(activity.findViewById(it)) }

    /** What a detector found in the picture that is shown. */
    fun objects(area: PictureArea): List<DetectedObject> = (area.shown?.answer as DetectedObjects).let { List(it.count, it::get) }

    /** A picture that tests/android/make_agreement.py put there, as it is. */
    fun image(name: String): RgbImage = BitmapPixels.rgb(checkNotNull(BitmapFactory.decodeFile(photoFile(name).path)) { "no $name" })

    /** One of scikit-learn's photographs, which tests/android/make_agreement.py puts there. */
    fun photoFile(name: String) = File(agreement, name)

    /** The middle of it, [width] × [height]. */
    fun photo(name: String, width: Int, height: Int): RgbImage {
        val whole = checkNotNull(BitmapFactory.decodeFile(photoFile(name).path)) { "no $name" }
        val scale = maxOf(width.toDouble() / whole.width, height.toDouble() / whole.height)
        val cut = Rect(0, 0, (width / scale).toInt(), (height / scale).toInt())
        cut.offset((whole.width - cut.width()) / 2, (whole.height - cut.height()) / 2)
        val target = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
        Canvas(target).drawBitmap(whole, cut, Rect(0, 0, width, height), android.graphics.Paint(android.graphics.Paint.FILTER_BITMAP_FLAG))
        return BitmapPixels.rgb(target)
    }
}
