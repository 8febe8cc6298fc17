#!/usr/bin/env bash
# resources.sh SOURCES PLATFORM.jar MODEL.tflite OUT: makes OUT/resources.apk (manifest, resources, the bundled model) and
# OUT/r/…/R.java with aapt2.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
sources=$1 platform=$2 model=$3 out=$4
need aapt2 aapt
if [[ ! -f $model ]]; then
    echo "Expected the bundled model at $model, found none; android_demo/build.sh makes it, or:" \
        "python converters/to_tflite.py --int8 --out $model" >&2
    exit 2
fi

mkdir -p "$out/assets/models" "$out/r"
cp "$model" "$out/assets/models/"
aapt2 compile --dir "$sources/res" -o "$out/resources.zip"
# Robolectric reads this APK too. Models stay uncompressed, so that the app can map them.
aapt2 link -I "$platform" --manifest "$sources/AndroidManifest.xml" -A "$out/assets" -0 .tflite \
    --java "$out/r" -o "$out/resources.tmp.apk" "$out/resources.zip"
mv "$out/resources.tmp.apk" "$out/resources.apk"
