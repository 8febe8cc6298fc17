#!/usr/bin/env bash
# host_runtime.sh LIBRARY.so DIR: puts TensorFlow Lite's Android library for x86_64 into DIR in a form that this machine's JVM
# loads. Without a C compiler, or on another processor, DIR holds a sentence in why_not.txt instead, and tests that need the
# interpreter are skipped with it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
library=$1 dir=$2
rm -rf "$dir"
mkdir -p "$dir"
if [[ $(uname -s)-$(uname -m) != Linux-x86_64 ]]; then
    echo "Expected Linux on x86_64, whose library the Android archive has, received $(uname -s) on $(uname -m)." >"$dir/why_not.txt"
    exit 0
fi
compiler=$(command -v cc || command -v gcc || command -v clang || true)
if [[ -z $compiler ]]; then
    echo "Expected a C compiler for the shim, found none; on Debian: apt-get install gcc libc6-dev" >"$dir/why_not.txt"
    exit 0
fi
python3 "$here/hide_symbol_versions.py" "$library" "$dir/libtensorflowlite_jni.so"
"$compiler" -O1 -fno-builtin -shared -fPIC -o "$dir/libc.so" "$here/bionic_shim.c" \
    -Wl,-soname,libc.so -Wl,--no-as-needed -lm -ldl -lpthread
# The others that the library names are part of glibc or of the shim.
for name in m dl log; do
    "$compiler" -shared -fPIC -o "$dir/lib$name.so" -x c /dev/null -Wl,-soname,"lib$name.so" -Wl,--no-as-needed -lm
done
