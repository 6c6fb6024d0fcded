/* Which instructions this machine has: those of the CPU whose registers the system saves. */
#define _DEFAULT_SOURCE /* syscall */
#include "levels.h"

#if defined(__x86_64__)

/* CPUID directly: compilers learned the names of newer features for __builtin_cpu_supports later than the features. */
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* Bits of CPUID leaf 1, ecx; leaf 7.0, ebx and ecx; leaf 7.1, eax. Source: Intel SDM, volume 2, "CPUID". */
static const uint32_t FMA = 1u << 12;
static const uint32_t OSXSAVE = 1u << 27;
static const uint32_t F16C = 1u << 29;
static const uint32_t AVX2 = 1u << 5;
static const uint32_t AVX512_F_DQ_BW_VL = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
static const uint32_t AVX512_VBMI = 1u << 1;
static const uint32_t AVX512_VNNI = 1u << 11;
static const uint32_t AVX_VNNI = 1u << 4;
static const uint32_t AVX512_BF16 = 1u << 5;

/* Leaf 7.0, edx. */
static const uint32_t AMX_TILE_BF16 = 1u << 22 | 1u << 24;

/* Registers that the system saves, bits of XCR0: xmm and ymm; for zmm also masks and both halves; for tiles their shapes
 * and data. */
static const uint32_t YMM = 1u << 1 | 1u << 2;
static const uint32_t TILES = 1u << 17 | 1u << 18;
static const uint32_t ZMM = 1u << 1 | 1u << 2 | 1u << 5 | 1u << 6 | 1u << 7;

struct cpu {
    uint32_t leaf1_ecx, leaf7_ebx, leaf7_ecx, leaf7_edx, leaf71_eax, saved;
};

static struct cpu cpu(void) {
    struct cpu it = {0, 0, 0, 0, 0, 0};
    uint32_t a, b, c, d, leaves;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & OSXSAVE)) {
        return it;
    }
    it.leaf1_ecx = c;
    __asm__("xgetbv" : "=a"(it.saved), "=d"(d) : "c"(0));
    if (__get_cpuid_count(7, 0, &leaves, &it.leaf7_ebx, &it.leaf7_ecx, &it.leaf7_edx) && leaves >= 1) {
        __get_cpuid_count(7, 1, &it.leaf71_eax, &b, &c, &d);
    }
    return it;
}

static int has(uint32_t flags, uint32_t wanted) {
    return (flags & wanted) == wanted;
}

int m4j_runs_avx2(void) {
    struct cpu it = cpu();
    return has(it.leaf1_ecx, FMA | F16C) && has(it.leaf7_ebx, AVX2) && has(it.saved, YMM);
}

int m4j_runs_avxvnni(void) {
    struct cpu it = cpu();
    return m4j_runs_avx2() && has(it.leaf71_eax, AVX_VNNI);
}

int m4j_runs_avx512vnni(void) {
    struct cpu it = cpu();
    return m4j_runs_avx2() && has(it.leaf7_ebx, AVX512_F_DQ_BW_VL) && has(it.leaf7_ecx, AVX512_VNNI)
        && has(it.saved, ZMM);
}

int m4j_runs_avx512(void) {
    struct cpu it = cpu();
    return m4j_runs_avx512vnni() && has(it.leaf7_ecx, AVX512_VBMI) && has(it.leaf71_eax, AVX512_BF16);
}

#ifndef MIXTRAL4J_EMULATE_AMX /* see amx.c */
#define MIXTRAL4J_EMULATE_AMX 0
#endif

/* Linux gives a process tile registers when it asks for them, once, for all of its threads.
 * Source: Documentation/arch/x86/xstate.rst of Linux. */
int m4j_runs_amx(void) {
    if (MIXTRAL4J_EMULATE_AMX) {
        return m4j_runs_avx512();
    }
    struct cpu it = cpu();
    if (!m4j_runs_avx512() || !has(it.leaf7_edx, AMX_TILE_BF16) || !has(it.saved, TILES)) {
        return 0;
    }
#if defined(__linux__)
    const long request = 0x1023, tile_data = 18; /* ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA */
    return syscall(SYS_arch_prctl, request, tile_data) == 0;
#else
    return 0;
#endif
}

#else

int m4j_runs_avx2(void) {
    return 0;
}

int m4j_runs_avxvnni(void) {
    return 0;
}

int m4j_runs_avx512vnni(void) {
    return 0;
}

int m4j_runs_avx512(void) {
    return 0;
}

int m4j_runs_amx(void) {
    return 0;
}

#endif

#if defined(__aarch64__)

#include <sys/auxv.h>

/* NEON itself belongs to every aarch64; the dot product is bit 20 of Linux's AT_HWCAP, HWCAP_ASIMDDP. */
int m4j_runs_neon(void) {
    return (getauxval(AT_HWCAP) >> 20 & 1) != 0;
}

#else

int m4j_runs_neon(void) {
    return 0;
}

#endif
