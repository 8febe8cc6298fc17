#!/usr/bin/env bash
# package.sh: from class files to the signed APK. Called by app/pom.xml, which says in the environment where things are:
# JDK (its home), CLASSES, LIBRARIES (folder of jars), NATIVE (folder of ABI/*.so), ABIS, TOOLS (folder of jars), PLATFORM, WORK, APK,
# KEYSTORE and KEY_ALIAS (empty: a debug key is made on the spot; else the password stands in KEYSTORE_PASSWORD).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/need.sh"
need zip zip
need zipalign zipalign
need apksigner apksigner

stage=$WORK/package
rm -rf "$stage"
mkdir -p "$stage/dex" "$(dirname "$APK")"

# 1. Kotlin's library is larger than the app: keep what is reached from the manifest's classes.
inputs=(-injars "$CLASSES(!META-INF/**)")
for jar in "$LIBRARIES"/*.jar; do inputs+=(-injars "$jar(!META-INF/**,!**.kotlin_builtins,!**.kotlin_metadata)"); done
"$JDK/bin/java" -cp "$TOOLS/*" proguard.ProGuard "${inputs[@]}" -outjars "$stage/shrunk.jar" \
    -libraryjars "$JDK/jmods/java.base.jmod(!**.jar;!module-info.class)" -libraryjars "$PLATFORM(!META-INF/**)" "@$here/proguard.pro" >"$stage/proguard.log" 2>&1 ||
    { cat "$stage/proguard.log" >&2; exit 1; }

# 2. One dex file. --min-api 26 also rewrites lambdas, string concatenation and default methods for Android 8.
"$JDK/bin/java" -cp "$TOOLS/*" com.android.tools.r8.D8 --release --min-api 26 --lib "$JDK" --lib "$PLATFORM" \
    --output "$stage/dex" "$stage/shrunk.jar" \
    2>"$stage/d8.log" || { cat "$stage/d8.log" >&2; exit 1; }

# 3. Code and libraries stand uncompressed, so that Android maps them straight from the APK.
cp "$WORK/resources.apk" "$stage/unaligned.apk"
(cd "$stage/dex" && zip -q -X -0 "$stage/unaligned.apk" classes.dex)
for abi in ${ABIS//,/ }; do
    if [[ ! -f $NATIVE/$abi/libtensorflowlite_jni.so ]]; then
        echo "Expected ABIs of $(ls "$NATIVE" | tr '\n' ' '), received $abi; correct --abi" >&2
        exit 2
    fi
    mkdir -p "$stage/lib/$abi"
    cp "$NATIVE/$abi/libtensorflowlite_jni.so" "$stage/lib/$abi/"
done
(cd "$stage" && zip -q -X -0 -r unaligned.apk lib)
zipalign -p 4 "$stage/unaligned.apk" "$stage/aligned.apk"

# 4. The signature.
if [[ -z ${KEYSTORE:-} ]]; then
    KEYSTORE=$(dirname "$APK")/debug.keystore KEY_ALIAS=debug
    export KEYSTORE_PASSWORD=android
    if [[ ! -f $KEYSTORE ]]; then
        "$JDK/bin/keytool" -genkeypair -keystore "$KEYSTORE" -storetype PKCS12 -storepass "$KEYSTORE_PASSWORD" -alias "$KEY_ALIAS" \
            -keyalg RSA -keysize 2048 -validity 10000 -dname "CN=TFormer demo debug key" 2>/dev/null
    fi
elif [[ ! -f $KEYSTORE || -z ${KEY_ALIAS:-} || -z ${KEYSTORE_PASSWORD:-} ]]; then
    echo "Expected a keystore that exists, --key-alias, and its password in the environment variable KEYSTORE_PASSWORD," \
        "received keystore $KEYSTORE, alias '${KEY_ALIAS:-}', password $([[ -n ${KEYSTORE_PASSWORD:-} ]] && echo given || echo missing);" \
        "give all three" >&2
    exit 2
fi
apksigner sign --ks "$KEYSTORE" --ks-key-alias "$KEY_ALIAS" --ks-pass env:KEYSTORE_PASSWORD --min-sdk-version 26 \
    --v1-signing-enabled false --v2-signing-enabled true --v3-signing-enabled true --out "$stage/signed.apk" "$stage/aligned.apk"
mv "$stage/signed.apk" "$APK"
echo "wrote $(realpath "$APK"), $(stat -c %s "$APK") bytes, $ABIS"
