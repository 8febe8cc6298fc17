#!/usr/bin/env bash
# Makes FOLDER an emulated Raspberry Pi: Debian 12's Python for arm64 with NumPy, Pillow, LiteRT and TUF, run by QEMU.
#
#   tools/pi_sysroot.sh FOLDER            15 s, 180 MB; does nothing where FOLDER is ready already
#   qemu-aarch64 -cpu cortex-a72 -L FOLDER FOLDER/usr/bin/python3.11 program.py
#   PI_CORE=cortex-a76 FOLDER/usr/bin/pi-python program.py                  the same; may start other programs of it
#
# cortex-a72 is a Pi 4's core, cortex-a76 a Pi 5's. Never "-cpu max": QEMU 7.2 computes wrong int8 results with it.
# Results are a Pi's to the bit, times are not. Nothing outside FOLDER is changed, and no root is needed.
set -euo pipefail

litert=2.3.0 # the version that setup.cfg asks for
python=3.11  # Debian 12's, and Raspberry Pi OS's

fail() {
    echo "tools/pi_sysroot.sh: $*" >&2
    exit 2
}

[[ $# -eq 1 && $1 != -* ]] || fail "expected one folder to make, received '$*': tools/pi_sysroot.sh build/pi-sysroot"
for need in apt-get:apt dpkg:dpkg qemu-aarch64:qemu-user python3:python3; do
    command -v "${need%%:*}" >/dev/null \
        || fail "expected the command ${need%%:*}, found none: apt-get install ${need##*:}"
done
python3 -m pip --version >/dev/null 2>&1 || fail "expected pip for python3, found none: apt-get install python3-pip"

# What the folder is made of stands in it, so that another version of this script makes it anew.
recipe=$(sha256sum "${BASH_SOURCE[0]}" | cut -d' ' -f1)
if [[ -e $1 ]]; then
    [[ -f $1/.made-by ]] || fail "expected a new folder or one that this script made, received $1: choose another"
    [[ $(<"$1/.made-by") != "$recipe" ]] || exit 0
fi

# Everything happens in a folder beside the wanted one, which is renamed at the end.
mkdir -p "$(dirname "$1")"
root=$(mktemp -d "$(cd "$(dirname "$1")" && pwd)/.pi-sysroot.XXXXXX")
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"

# apt as an arm64 Debian 12 would run it, with lists and cache of its own and the keys that Debian ships.
state=$root/.state
mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/debs" "$state/wheels" "$state/none"
key=/usr/share/keyrings/debian-archive-keyring.gpg
[[ -f $key ]] || fail "expected Debian's keys in $key, found none: apt-get install debian-archive-keyring"
cat >"$state/sources.list" <<SOURCES
deb [signed-by=$key] ${DEBIAN_MIRROR:-http://deb.debian.org/debian} bookworm main
deb [signed-by=$key] ${DEBIAN_MIRROR:-http://deb.debian.org/debian} bookworm-updates main
SOURCES
apt() {
    apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User="$(id -un)" \
        -o Dir::Etc::SourceList="$state/sources.list" -o Dir::Etc::SourceParts="$state/none" \
        -o Dir::State::Lists="$state/lists" -o Dir::State::Status=/dev/null -o Dir::Cache="$state/cache" "$@"
}
apt update || fail "Debian's package lists could not be read: check the network, or name a mirror in DEBIAN_MIRROR"
(cd "$state/debs" && apt download \
    "python$python" "python$python-minimal" "libpython$python-stdlib" "libpython$python-minimal" libc6 libgcc-s1 \
    libstdc++6 zlib1g libexpat1 libssl3 libffi8 libbz2-1.0 liblzma5 libsqlite3-0 libuuid1 libcrypt1) \
    || fail "Debian's arm64 packages could not be fetched: check the network, or name a mirror in DEBIAN_MIRROR"
for package in "$state"/debs/*.deb; do dpkg -x "$package" "$root"; done

site=$root/usr/lib/python3/dist-packages
mkdir -p "$site"
platforms=()
for glibc in 2_36 2_35 2_34 2_31 2_28 2_27 2_17; do platforms+=(--platform "manylinux_${glibc}_aarch64"); done
python3 -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --only-binary=:all: \
    --root-user-action=ignore --target "$site" --python-version "$python" --implementation cp \
    "${platforms[@]}" --platform manylinux2014_aarch64 \
    "ai-edge-litert==$litert" 'numpy>=2.1,<3' 'pillow>=11,<14' flatbuffers ml_dtypes protobuf tqdm \
    typing_extensions backports.strenum \
    'tuf>=7.0.1,<8' 'securesystemslib>=1.6,<2' urllib3 'cryptography>=45' cffi pycparser \
    || fail "wheels for arm64 could not be fetched: check pip's settings (PIP_INDEX_URL)"

# The emulated Python cannot be started from within by its own name: the kernel does not run arm64. A script can be, and a
# program that is called by this name (qemu-aarch64 -0 FOLDER/usr/bin/pi-python …) takes it for its interpreter.
cat >"$root/usr/bin/pi-python" <<'SCRIPT'
#!/bin/sh
root=$(dirname "$(dirname "$(dirname "$0")")")
exec qemu-aarch64 -cpu "${PI_CORE:-cortex-a72}" -0 "$0" -L "$root" "$root/usr/bin/python3.11" "$@"
SCRIPT
chmod 755 "$root/usr/bin/pi-python"

# QEMU looks absolute paths up here first. Without these files LiteRT counts the host's cores and crashes.
mkdir -p "$root/sys/devices/system/cpu"
for list in possible present; do echo 0-3 >"$root/sys/devices/system/cpu/$list"; done

rm -rf "$state"
qemu-aarch64 -cpu cortex-a72 -L "$root" "$root/usr/bin/python$python" -c '
import platform
import cryptography.hazmat.primitives.asymmetric.ed25519
import numpy
import tuf.ngclient
from ai_edge_litert.interpreter import Interpreter
print(f"emulated Raspberry Pi: {platform.machine()}, Python {platform.python_version()}, NumPy {numpy.__version__}")' \
    || fail "the emulated Python did not start"
echo "$recipe" >"$root/.made-by"
rm -rf "$1"
mv "$root" "$1"
trap - EXIT
