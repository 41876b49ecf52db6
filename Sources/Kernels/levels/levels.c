#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "../include/fk_levels.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

static const struct {
    fk_level level;
    const char *name;
} names[] = {
    {FK_LEVEL_REFERENCE, "reference"},
    {FK_LEVEL_AVX2, "avx2"},
    {FK_LEVEL_AVX512, "avx512"},
    {FK_LEVEL_AVX512VNNI, "avx512vnni"},
    {FK_LEVEL_AVX512BF16, "avx512bf16"},
    {FK_LEVEL_AMX, "amx"},
    {FK_LEVEL_NEON, "neon"},
    {FK_LEVEL_NEONDOT, "neondot"},
};
enum { name_count = sizeof names / sizeof names[0] };

const char *fk_level_name(fk_level level) {
    for (int i = 0; i < name_count; i++)
        if (names[i].level == level) return names[i].name;
    return "unknown";
}

int fk_level_named(const char *name, fk_level *level) {
    for (int i = 0; i < name_count; i++)
        if (strcmp(names[i].name, name) == 0) {
            *level = names[i].level;
            return 1;
        }
    return 0;
}

static const char *_Atomic amx_absence = "";

#if defined(__x86_64__)

#define BIT(word, n) (((word) >> (n)) & 1u)

/* Asks Linux for the tile registers of this process; see the kernel's
 * Documentation/arch/x86/xstate.rst (ARCH_REQ_XCOMP_PERM = 0x1023, XTILEDATA = 18). */
static int amx_permitted(void) {
#if defined(__linux__)
    return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
#else
    return 0;
#endif
}

static fk_level detect(const char **absence) {
    unsigned a, b, c, d;
    *absence = "the processor has none";
    if (!__get_cpuid(1, &a, &b, &c, &d) || !BIT(c, 27)) return FK_LEVEL_REFERENCE;
    unsigned fma = BIT(c, 12), f16c = BIT(c, 29);
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return FK_LEVEL_REFERENCE;
    unsigned avx2 = BIT(b, 5) && BIT(b, 8) && fma && f16c && (low & 0x6) == 0x6;
    if (!avx2) return FK_LEVEL_REFERENCE;
    unsigned avx512 =
        BIT(b, 16) && BIT(b, 17) && BIT(b, 30) && BIT(b, 31) && (low & 0xe6) == 0xe6;
    if (!avx512) return FK_LEVEL_AVX2;
    if (!BIT(c, 11)) return FK_LEVEL_AVX512;
    unsigned tiles = BIT(d, 22) && BIT(d, 24) && BIT(d, 25);
    unsigned subleaves = a;
    if (subleaves < 1 || !__get_cpuid_count(7, 1, &a, &b, &c, &d) || !BIT(a, 5))
        return FK_LEVEL_AVX512VNNI;
    if (!tiles) return FK_LEVEL_AVX512BF16;
    if ((low & 0x60000) != 0x60000) {
        *absence = "the kernel does not save its registers";
        return FK_LEVEL_AVX512BF16;
    }
    if (!amx_permitted()) {
        *absence = "the kernel refused it to this process";
        return FK_LEVEL_AVX512BF16;
    }
    *absence = "";
    return FK_LEVEL_AMX;
}

#elif defined(__aarch64__)

/* Whether SDOT may be used: every Apple processor of this kind has it, Linux says so in
 * the bit HWCAP_ASIMDDP (its Documentation/arch/arm64/elf_hwcaps.rst). */
static int has_dot_products(void) {
#if defined(__APPLE__)
    return 1;
#elif defined(__linux__)
    return getauxval(AT_HWCAP) >> 20 & 1;
#else
    return 0;
#endif
}

static fk_level detect(const char **absence) {
    *absence = "the processor has none";
    return has_dot_products() ? FK_LEVEL_NEONDOT : FK_LEVEL_NEON;
}

#else

static fk_level detect(const char **absence) {
    *absence = "the processor has none";
    return FK_LEVEL_REFERENCE;
}

#endif

/* Levels plus one; 0 says "not looked at yet". Two threads that both find 0
 * compute the same value. */
static atomic_int detected;
static atomic_int active;

fk_level fk_detected_level(void) {
    int known = atomic_load_explicit(&detected, memory_order_acquire);
    if (known == 0) {
        const char *absence = "";
        known = (int)detect(&absence) + 1;
        atomic_store_explicit(&amx_absence, absence, memory_order_relaxed);
        atomic_store_explicit(&detected, known, memory_order_release);
    }
    return (fk_level)(known - 1);
}

void fk_limit_level(fk_level limit) {
    fk_level highest = fk_detected_level();
    atomic_store_explicit(&active, (int)(limit < highest ? limit : highest) + 1,
                          memory_order_release);
}

fk_level fk_active_level(void) {
    int known = atomic_load_explicit(&active, memory_order_relaxed);
    if (known == 0) {
        fk_level limit = fk_detected_level();
        if (limit == FK_LEVEL_AMX) limit = FK_LEVEL_AVX512BF16;
        const char *wish = getenv("FATHOM_LEVEL");
        fk_level wished;
        if (wish && fk_level_named(wish, &wished)) limit = wished;
        fk_level highest = fk_detected_level();
        /* Another thread may have set a level meanwhile: that one stays. */
        int wanted = (int)(limit < highest ? limit : highest) + 1;
        if (atomic_compare_exchange_strong(&active, &known, wanted)) known = wanted;
    }
    return (fk_level)(known - 1);
}

const char *fk_amx_absence(void) {
    fk_detected_level();
    return atomic_load_explicit(&amx_absence, memory_order_relaxed);
}
