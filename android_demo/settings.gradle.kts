// For Android Studio. The same sources as the Maven build; see README.md, "Android Studio".
pluginManagement {
    repositories { google(); mavenCentral(); gradlePluginPortal() }
}
dependencyResolutionManagement {
    repositories { google(); mavenCentral() }
}
rootProject.name = "tformer-demo"
include(":core", ":app")
