#!/usr/bin/env bash
# resources.sh SOURCES PLATFORM.jar MODELS OUT: makes OUT/resources.apk (manifest, resources, the folder MODELS as assets) and
# OUT/r/…/R.java with aapt2.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
sources=$1 platform=$2 models=$3 out=$4
need aapt2 aapt
if [[ ! -f $models/bundled.txt ]]; then
    echo "Expected the bundled models and their list bundled.txt in $models, found none; android_demo/build.sh apk makes them" >&2
    exit 2
fi

rm -rf "$out/assets/models"
mkdir -p "$out/assets/models" "$out/r"
cp "$models"/* "$out/assets/models/"
aapt2 compile --dir "$sources/res" -o "$out/resources.zip"
# Robolectric reads this APK too. Models stay uncompressed, so that the app can map them.
aapt2 link -I "$platform" --manifest "$sources/AndroidManifest.xml" -A "$out/assets" -0 .tflite \
    --java "$out/r" -o "$out/resources.tmp.apk" "$out/resources.zip"
mv "$out/resources.tmp.apk" "$out/resources.apk"
