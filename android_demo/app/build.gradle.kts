plugins {
    id("com.android.application")
    id("org.jetbrains.kotlin.android")
}

android {
    namespace = "org.tformer.demo"
    compileSdk = 34
    defaultConfig {
        applicationId = "org.tformer.demo"
        minSdk = 26
        targetSdk = 34
        versionCode = 1
        versionName = "0.1.0"
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }
    kotlinOptions.jvmTarget = "1.8"
    androidResources.noCompress += "tflite"
    sourceSets["main"].assets.srcDir(layout.buildDirectory.dir("assets"))
}

// The bundled models and their list, as android_demo/build.sh makes them.
val models by tasks.registering(Copy::class) {
    from(rootProject.file("../build/android/bundled"))
    into(layout.buildDirectory.dir("assets/models"))
}
tasks.named("preBuild") { dependsOn(models) }

dependencies {
    implementation(project(":core"))
    // With libraries for pages of 16 kB; the same classes as org.tensorflow:tensorflow-lite:2.16.1.
    implementation("com.google.ai.edge.litert:litert:1.0.1")
}
