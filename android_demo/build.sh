#!/usr/bin/env bash
# The Android demo app without the Android SDK.
#
#   android_demo/build.sh apk [--abi ABI[,ABI…]] [--skip-tests] [--out FILE.apk] [--keystore FILE --key-alias NAME]
#   android_demo/build.sh test
#
# apk builds android_demo/target/tformer-demo.apk: arm64-v8a, armeabi-v7a and x86_64 unless --abi says which; signed with a debug key
# that is made on the spot, or with a release key, whose password stands in the environment variable KEYSTORE_PASSWORD.
# test runs everything: the core, the screens on the real framework with the real interpreter, API 26, the APK's checks.
# The model inside is the shipped CIFAR-10 one, converted on the way (MODEL=FILE.tflite takes another one).
set -euo pipefail
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
mkdir -p "$build"
model=${MODEL:-$build/tformer_micro_cifar10.tflite}
if [[ -z ${MODEL:-} ]]; then
    # Made again where what it is made of is newer. Equal inputs give equal bytes.
    if [[ ! -f $model ]] || [[ -n $(find "$root/tformer_keras/deploy" "$root/tformer_keras/models/shipped" "$root/tformer_edge" -newer "$model" -type f ! -name '*.pyc' -print -quit) ]]; then
        "$python" "$root/converters/to_tflite.py" --int8 --out "$model" --force
    fi
fi
model=$(realpath "$model")
if [[ ! -f $build/agreement/versions.txt || $model -nt $build/agreement/versions.txt || $root/tests/android/make_agreement.py -nt $build/agreement/versions.txt ]]; then
    case " ${options[*]-} " in *" -DskipTests "*) ;; *) "$python" "$root/tests/android/make_agreement.py" "$model" "$build/agreement" ;; esac
fi

mvn -q -B -f "$here/pom.xml" "-Ddemo.model=$model" "-Ddemo.python=$python" "${options[@]}" verify
if [[ $command == test && -f $here/app/target/host/why_not.txt ]]; then
    echo "Tests with the interpreter were skipped: $(cat "$here/app/target/host/why_not.txt")"
fi
