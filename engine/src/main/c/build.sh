#!/bin/sh
# Builds the C kernels: build.sh [--strict] OUT makes OUT/linux-<arch>/libmixtral4j.so for this machine and, where
# aarch64-linux-gnu-gcc is there, for aarch64. Without a compiler it says so and succeeds: the library is never needed.
# A level that the compiler cannot compile is left out. --strict makes all of that, and warnings, errors.
# The compiler is $CC, or the first of gcc, cc, clang; $CPPFLAGS adds definitions.

case $0 in */*) src=${0%/*} ;; *) src=. ;; esac
strict=
if [ "${1:-}" = --strict ]; then
    strict=-Werror
    shift
fi
[ $# -eq 1 ] || { echo "usage: build.sh [--strict] OUT" >&2; exit 2; }
out=$1

# No -march=native and no -ffast-math: the same library from every machine, the same sums from every compiler.
flags="-std=c11 -O3 -fPIC -fvisibility=hidden -ffp-contract=off -Wall -Wextra $strict ${CPPFLAGS:-}"

# note MESSAGE: one line about what is missing.
note() {
    echo "native kernels: $*"
    [ -z "$strict" ] || exit 1
}

avx2="-mavx2 -mfma -mf16c"
avx512="-mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mavx512vbmi -mavx512bf16 -mfma -mf16c"

level_flags() {
    case $1 in
        avx2) echo "$avx2" ;;
        avxvnni) echo "$avx2 -mavxvnni" ;;
        avx512vnni) echo "$avx2 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni" ;;
        avx512) echo "$avx512" ;;
        amx) echo "$avx512 -mamx-tile -mamx-bf16" ;;
        neon) echo -march=armv8.2-a+dotprod ;;
    esac
}

# compile LEVEL: makes objects of LEVEL.c and LEVEL_*.c in $work, with $cc.
compile() {
    level=$1
    set -- "$src/$level.c"
    for more in "$src/${level}"_*.c; do
        [ ! -f "$more" ] || set -- "$@" "$more"
    done
    # shellcheck disable=SC2046,SC2086 # lists of flags
    (cd "$work" && "$cc" $flags $(level_flags "$level") -c "$@")
}

# build COMPILER ARCH LEVEL…: makes the library of one architecture, if a source is newer than it.
build() {
    cc=$1
    lib=$out/linux-$2/libmixtral4j.so
    arch=$2
    shift 2
    if [ -f "$lib" ] && [ -z "$(find "$src" -newer "$lib")" ]; then
        return
    fi
    # An old library would pass for one of these sources.
    rm -f "$lib"
    if [ -z "$cc" ]; then
        note "not built for $arch, there is no C compiler (gcc, cc or clang); the Vector API is used"
        return
    fi
    work=$(mktemp -d) || exit 1
    trap 'rm -rf "$work"' EXIT
    levels=
    for level in "$@"; do
        [ -f "$src/$level.c" ] || continue
        # amx leaves to avx512 what does not fill a tile.
        [ "$level" != amx ] || [ -f "$work/avx512.o" ] || continue
        if compile "$level" 2>"$work/log"; then
            cat "$work/log" >&2
            levels="$levels -DM4J_WITH_$(echo "$level" | tr a-z A-Z)=1"
        else
            rm -f "$work/$level.o" "$work/$level"_*.o
            note "level $level left out for $arch, $cc cannot compile it: $(grep -m 1 error "$work/log")"
        fi
    done
    # shellcheck disable=SC2086 # lists of flags
    if mkdir -p "${lib%/*}" \
        && (cd "$work" && for unit in check cpu decode levels scalar; do
            "$cc" $flags $levels -c "$src/$unit.c" || exit 1
        done) && "$cc" -shared -Wl,-Bsymbolic -o "$lib.$$" "$work"/*.o -lm; then
        mv "$lib.$$" "$lib"
    else
        rm -f "$lib.$$"
        note "not built for $arch, $cc failed; the Vector API is used"
    fi
    rm -rf "$work"
    trap - EXIT
}

# find_compiler NAME…: prints the first that is there.
find_compiler() {
    for name in "$@"; do
        if command -v "$name" >/dev/null; then
            echo "$name"
            return
        fi
    done
}

src=$(CDPATH= cd -- "$src" && pwd) || exit 1
host=$(uname -m)
case $(uname -s)-$host in
    Linux-x86_64) build "$(find_compiler "${CC:-gcc}" cc clang)" x86_64 avx2 avxvnni avx512vnni avx512 amx ;;
    Linux-aarch64) build "$(find_compiler "${CC:-gcc}" cc clang)" aarch64 neon ;;
    *) note "not built for $(uname -s) on $host, only for Linux on x86_64 and aarch64; the Vector API is used" ;;
esac
cross=$(find_compiler aarch64-linux-gnu-gcc)
if [ "$host" != aarch64 ] && [ -n "$cross" ]; then
    build "$cross" aarch64 neon
fi
exit 0
