#!/usr/bin/env bash
# The Android demo app without the Android SDK.
#
#   android_demo/build.sh apk [--abi ABI[,ABI…]] [--skip-tests] [--out FILE.apk] [--keystore FILE --key-alias NAME]
#   android_demo/build.sh test
#
# apk builds android_demo/target/tformer-demo.apk: arm64-v8a, armeabi-v7a and x86_64 unless --abi says which; signed with a debug key
# that is made on the spot, or with a release key, whose password stands in the environment variable KEYSTORE_PASSWORD.
# test runs everything: the core, the screens on the real framework with the real interpreter, API 26, the APK's checks.
# The models inside are the shipped ones below, converted on the way (MODEL=FILE.tflite takes that one alone).
set -euo pipefail
# The first one is what the app begins with.
bundled=(tformer_micro_cifar10_large detector_micro_bccd segmenter_micro_camvid)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
source "$here/packaging/need.sh"

usage() {
    sed -n '3,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

wants_value() {
    if [[ $# -lt 2 ]]; then
        echo "Expected a value behind $1, received none; see android_demo/build.sh" >&2
        exit 2
    fi
}

[[ $# -ge 1 ]] || usage
command=$1
shift
options=()
case $command in
    apk | test) ;;
    *) usage ;;
esac
while [[ $# -gt 0 ]]; do
    case $command$1 in
        apk--abi) wants_value "$@"; options+=("-Ddemo.abis=$2"); shift 2 ;;
        apk--skip-tests) options+=(-DskipTests); shift ;;
        apk--out) wants_value "$@"; options+=("-Ddemo.apk=$(realpath "$2")"); shift 2 ;;
        apk--keystore) wants_value "$@"; options+=("-Ddemo.keystore=$(realpath "$2")"); shift 2 ;;
        apk--key-alias) wants_value "$@"; options+=("-Ddemo.key.alias=$2"); shift 2 ;;
        *) usage ;;
    esac
done

need mvn maven
need javac openjdk-17-jdk-headless
need aapt2 aapt
need zip zip
need zipalign zipalign
need apksigner apksigner

python=$root/.venv/bin/python
if [[ ! -x $python ]]; then
    echo "Expected the repository's Python in .venv, found none; make it with: make $root/.venv/.installed-train" >&2
    exit 2
fi
build=$root/build/android
models=$build/bundled
# A folder of its own, so that one that is no longer bundled does not stay.
rm -rf "$models" && mkdir -p "$models"
if [[ -n ${MODEL:-} ]]; then
    files=("$(realpath "$MODEL")")
else
    files=()
    for name in "${bundled[@]}"; do
        file=$build/$name.tflite
        # Made again where what it is made of is newer. Equal inputs give equal bytes.
        if [[ ! -f $file || -n $(find "$root/tformer_keras/deploy" "$root/tformer_keras/models/shipped/$name" "$root/tformer_edge" -newer "$file" -type f ! -name '*.pyc' ! -name '*.md' -print -quit) ]]; then
            "$python" "$root/converters/to_tflite.py" "$name" --int8 --out "$file" --force
        fi
        files+=("$file")
    done
fi
for file in "${files[@]}"; do
    cp -p "$file" "$models/"
    basename "$file" >>"$models/bundled.txt"
done
agreement=$build/agreement
newest=$(ls -t "${files[@]}" "$root"/tests/android/make_*.py | head -1)
if [[ ! -f $agreement/versions.txt || $newest -nt $agreement/versions.txt ]]; then
    case " ${options[*]-} " in *" -DskipTests "*) ;; *) "$python" "$root/tests/android/make_agreement.py" "$agreement" "${files[@]}" ;; esac
fi

mvn -q -B -f "$here/pom.xml" "-Ddemo.models=$models" "-Ddemo.python=$python" "${options[@]}" verify
if [[ $command == test && -f $here/app/target/host/why_not.txt ]]; then
    echo "Tests with the interpreter were skipped: $(cat "$here/app/target/host/why_not.txt")"
fi
