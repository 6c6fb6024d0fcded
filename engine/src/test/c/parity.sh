#!/bin/sh
# Builds the C kernels without a warning and compares every level that runs here with plain C (parity*.c); the same for
# aarch64 under qemu-aarch64 where that and aarch64-linux-gnu-gcc are there.
set -eu
CDPATH= cd -- "$(dirname "$0")"
main=../../main/c
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# parity COMPILER ARCH [RUNNER…]
parity() {
    cc=$1
    arch=$2
    shift 2
    "$cc" -std=c11 -O2 -Wall -Wextra -Werror -I"$main" parity.c parity_attend.c parity_gemm_kn.c -o "$work/parity-$arch" -ldl -lm
    "$@" "$work/parity-$arch" "$work/linux-$arch/libmixtral4j.so"
}

if [ "$(uname -s)" != Linux ] || ! command -v gcc >/dev/null; then
    echo "parity: skipped, it needs Linux and gcc"
    exit 0
fi
"$main/build.sh" --strict "$work"
parity gcc "$(uname -m)"
if [ "$(uname -m)" = x86_64 ]; then
    # Tile instructions in plain C, for processors that have none.
    rm -r "$work/linux-x86_64"
    CPPFLAGS=-DMIXTRAL4J_EMULATE_AMX "$main/build.sh" --strict "$work"
    parity gcc x86_64
fi
[ "$(uname -m)" != aarch64 ] || exit 0
if command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64 >/dev/null; then
    parity aarch64-linux-gnu-gcc aarch64 qemu-aarch64 -L /usr/aarch64-linux-gnu
else
    echo "parity: aarch64 skipped, it needs the packages gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user"
fi
