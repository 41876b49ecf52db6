/* Two physical limits of the processor, measured on pinned threads:
 *
 *   limits read BYTES CPU...   fastest streaming read of an array of that size, in bytes/s
 *   limits peak KIND  CPU...   fastest multiply-add loop on registers only, in operations/s
 *   limits kinds               the kinds compiled in, one a line
 *
 * A number is printed on standard output. One thread runs on each CPU named. A multiply-add counts
 * as two operations. The caller asks only for kinds which the processor has; any other kind ends
 * with an illegal instruction.
 *
 * The array is private memory backed by huge pages where the system grants them, so the limit is at
 * least what a mapped file can reach. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

enum { maximum_threads = 256, loop_turns = 20000, tile_turns = 4000 };
static const double read_seconds = 0.4, peak_seconds = 0.3;

/* Results land here, so that no loop can be dropped as unused. */
static volatile uint64_t sink;
/* Operands come from here, so that no loop can be computed at compile time. */
static volatile int operand_seed = 1;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- reading ---- */

/* Each returns a value made of every byte in [p, p + count), count a multiple of 1024. `ahead` is
 * the distance of software prefetch in bytes, 0 for none: it helps on some processors only. */
#if defined(__x86_64__)
__attribute__((target("avx512f"))) static uint64_t read_avx512(
    const char *p, size_t count, size_t ahead) {
    __m512i a[8];
    for (int i = 0; i < 8; i++) a[i] = _mm512_setzero_si512();
    for (size_t at = 0; at < count; at += 512) {
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) {
            if (ahead) _mm_prefetch(p + at + ahead + 64 * (size_t)i, _MM_HINT_T0);
            a[i] = _mm512_xor_si512(a[i], _mm512_loadu_si512(p + at + 64 * (size_t)i));
        }
    }
    for (int i = 1; i < 8; i++) a[0] = _mm512_xor_si512(a[0], a[i]);
    return (uint64_t)_mm512_reduce_add_epi64(a[0]);
}

__attribute__((target("avx2"))) static uint64_t read_avx2(
    const char *p, size_t count, size_t ahead) {
    __m256i a[8];
    for (int i = 0; i < 8; i++) a[i] = _mm256_setzero_si256();
    for (size_t at = 0; at < count; at += 256) {
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) {
            if (ahead && i % 2 == 0) _mm_prefetch(p + at + ahead + 32 * (size_t)i, _MM_HINT_T0);
            a[i] = _mm256_xor_si256(
                a[i], _mm256_loadu_si256((const __m256i *)(p + at + 32 * (size_t)i)));
        }
    }
    for (int i = 1; i < 8; i++) a[0] = _mm256_xor_si256(a[0], a[i]);
    return (uint64_t)_mm256_extract_epi64(a[0], 0) ^ (uint64_t)_mm256_extract_epi64(a[0], 2);
}
#endif

static uint64_t read_plain(const char *p, size_t count, size_t ahead) {
    uint64_t a[8] = {0}, word;
    for (size_t at = 0; at < count; at += 64) {
        if (ahead) __builtin_prefetch(p + at + ahead);
        for (size_t i = 0; i < 8; i++) {
            memcpy(&word, p + at + 8 * i, 8);
            a[i] ^= word;
        }
    }
    for (int i = 1; i < 8; i++) a[0] ^= a[i];
    return a[0];
}

/* ---- multiplying: each returns the operations it has done ---- */

#if defined(__x86_64__)
#define LEVEL(features) __attribute__((target(features)))
/* Hides from the compiler that a register holds what another one holds: it would merge the sums. */
#define UNKNOWN(s) __asm__ volatile("" : "+x"(s))
/* Twelve independent sums: enough to hide a latency of 5 cycles on two ports. `OPERATIONS` is what
 * one step on one register does. */
#define REGISTER_LOOP(NAME, FEATURES, TYPE, INPUT, ZERO, STEP, OPERATIONS, STORE_BYTES)          \
    LEVEL(FEATURES) static double NAME(void) {                                                   \
        const int seed = operand_seed;                                                           \
        const INPUT;                                                                             \
        TYPE s0 = ZERO, s1 = ZERO, s2 = ZERO, s3 = ZERO, s4 = ZERO, s5 = ZERO, s6 = ZERO,        \
             s7 = ZERO, s8 = ZERO, s9 = ZERO, sa = ZERO, sb = ZERO;                              \
        UNKNOWN(s0); UNKNOWN(s1); UNKNOWN(s2); UNKNOWN(s3); UNKNOWN(s4); UNKNOWN(s5);            \
        UNKNOWN(s6); UNKNOWN(s7); UNKNOWN(s8); UNKNOWN(s9); UNKNOWN(sa); UNKNOWN(sb);            \
        for (int turn = 0; turn < loop_turns; turn++) {                                          \
            STEP(s0); STEP(s1); STEP(s2); STEP(s3); STEP(s4); STEP(s5);                          \
            STEP(s6); STEP(s7); STEP(s8); STEP(s9); STEP(sa); STEP(sb);                          \
        }                                                                                        \
        const TYPE all[12] = {s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, sa, sb};                   \
        uint64_t words[12 * (STORE_BYTES) / 8], sum = 0;                                         \
        memcpy(words, all, sizeof words);                                                        \
        for (size_t i = 0; i < 12 * (STORE_BYTES) / 8; i++) sum ^= words[i];                     \
        sink = sum;                                                                              \
        return 12.0 * loop_turns * (OPERATIONS);                                                 \
    }

#define STEP_VNNI512(s) s = _mm512_dpbusd_epi32(s, x, x)
REGISTER_LOOP(int8_avx512vnni, "avx512f,avx512bw,avx512vnni", __m512i,
    __m512i x = _mm512_set1_epi8((char)seed), _mm512_setzero_si512(), STEP_VNNI512, 128, 64)

#define STEP_VNNI256(s) s = _mm256_dpbusd_avx_epi32(s, x, x)
REGISTER_LOOP(int8_avxvnni, "avx2,avxvnni", __m256i,
    __m256i x = _mm256_set1_epi8((char)seed), _mm256_setzero_si256(), STEP_VNNI256, 64, 32)

/* Without VNNI a product of bytes takes three instructions; the operand changes with the sum so
 * that the first two cannot be moved out of the loop. */
#define STEP_BYTES256(s)                                                                         \
    s = _mm256_add_epi32(s, _mm256_madd_epi16(                                                   \
        _mm256_maddubs_epi16(x, _mm256_xor_si256(x, s)), _mm256_set1_epi16(1)))
REGISTER_LOOP(int8_avx2, "avx2", __m256i,
    __m256i x = _mm256_set1_epi8((char)seed), _mm256_setzero_si256(), STEP_BYTES256, 64, 32)

#define STEP_FMA512(s) s = _mm512_fmadd_ps(x, x, s)
REGISTER_LOOP(f32_avx512, "avx512f", __m512,
    __m512 x = _mm512_set1_ps((float)seed), _mm512_setzero_ps(), STEP_FMA512, 32, 64)

#define STEP_FMA256(s) s = _mm256_fmadd_ps(x, x, s)
REGISTER_LOOP(f32_avx2, "avx2,fma", __m256,
    __m256 x = _mm256_set1_ps((float)seed), _mm256_setzero_ps(), STEP_FMA256, 16, 32)

#define STEP_BF16(s) s = _mm512_dpbf16_ps(s, x, x)
REGISTER_LOOP(bf16_avx512, "avx512f,avx512bw,avx512bf16", __m512,
    __m512bh x = _mm512_cvtne2ps_pbh(_mm512_set1_ps((float)seed), _mm512_set1_ps(1)),
    _mm512_setzero_ps(), STEP_BF16, 64, 64)

#if defined(__linux__)
/* Four sums of 16 x 16, two tiles of each operand. */
LEVEL("amx-tile") static void configure_tiles(void) {
    static _Thread_local int configured;
    if (configured) return;
    enum { request_permission = 0x1023, tile_data = 18 };
    if (syscall(SYS_arch_prctl, request_permission, tile_data) != 0) {
        fprintf(stderr, "limits: the system grants no AMX tiles: %s\n", strerror(errno));
        exit(1);
    }
    _Alignas(64) unsigned char configuration[64] = {1};
    for (int tile = 0; tile < 8; tile++) {
        configuration[16 + 2 * tile] = 64;
        configuration[48 + tile] = 16;
    }
    /* gcc 12 believes that only 8 bytes are read and drops the other stores without this. */
    __asm__ volatile("" : : "r"(configuration) : "memory");
    _tile_loadconfig(configuration);
    configured = 1;
}

#define TILE_LOOP(NAME, FEATURES, STEP, OPERATIONS)                                              \
    LEVEL(FEATURES) static double NAME(void) {                                                   \
        _Alignas(64) unsigned char tile[16 * 64];                                                \
        configure_tiles();                                                                       \
        memset(tile, operand_seed, sizeof tile);                                                 \
        __asm__ volatile("" : : "r"(tile) : "memory");                                           \
        _tile_zero(0); _tile_zero(1); _tile_zero(2); _tile_zero(3);                              \
        _tile_loadd(4, tile, 64); _tile_loadd(5, tile, 64);                                      \
        _tile_loadd(6, tile, 64); _tile_loadd(7, tile, 64);                                      \
        for (int turn = 0; turn < tile_turns; turn++) {                                          \
            STEP(0, 4, 6); STEP(1, 4, 7); STEP(2, 5, 6); STEP(3, 5, 7);                          \
        }                                                                                        \
        _tile_stored(0, tile, 64);                                                               \
        __asm__ volatile("" : : "r"(tile) : "memory");                                           \
        sink = tile[0];                                                                          \
        return 4.0 * tile_turns * (OPERATIONS);                                                  \
    }
TILE_LOOP(int8_amx, "amx-tile,amx-int8", _tile_dpbssd, 2.0 * 16 * 16 * 64)
TILE_LOOP(bf16_amx, "amx-tile,amx-bf16", _tile_dpbf16ps, 2.0 * 16 * 16 * 32)
#endif

#elif defined(__aarch64__)
__attribute__((target("+dotprod"))) static double int8_dotprod(void) {
    int32x4_t s[12];
    const int8x16_t x = vdupq_n_s8((signed char)operand_seed);
    for (int i = 0; i < 12; i++) s[i] = vdupq_n_s32(i);
    for (int turn = 0; turn < loop_turns; turn++)
        for (int i = 0; i < 12; i++) s[i] = vdotq_s32(s[i], x, x);
    for (int i = 1; i < 12; i++) s[0] = vaddq_s32(s[0], s[i]);
    sink = (uint64_t)vaddvq_s32(s[0]);
    return 12.0 * loop_turns * 32;
}

static double f32_neon(void) {
    float32x4_t s[12];
    const float32x4_t x = vdupq_n_f32((float)operand_seed);
    for (int i = 0; i < 12; i++) s[i] = vdupq_n_f32((float)i);
    for (int turn = 0; turn < loop_turns; turn++)
        for (int i = 0; i < 12; i++) s[i] = vfmaq_f32(s[i], x, x);
    for (int i = 1; i < 12; i++) s[0] = vaddq_f32(s[0], s[i]);
    sink = (uint64_t)vaddvq_f32(s[0]);
    return 12.0 * loop_turns * 8;
}
#endif

struct kind {
    const char *name;
    double (*run)(void);
};

static const struct kind kinds[] = {
#if defined(__x86_64__)
#if defined(__linux__)
    {"int8-amx", int8_amx},
    {"bf16-amx", bf16_amx},
#endif
    {"int8-avx512vnni", int8_avx512vnni},
    {"int8-avxvnni", int8_avxvnni},
    {"int8-avx2", int8_avx2},
    {"bf16-avx512", bf16_avx512},
    {"f32-avx512", f32_avx512},
    {"f32-avx2", f32_avx2},
#elif defined(__aarch64__)
    {"int8-dotprod", int8_dotprod},
    {"f32-neon", f32_neon},
#endif
    {NULL, NULL},
};

/* ---- threads ---- */

struct job {
    int thread_count;
    int cpus[maximum_threads];
    double (*run)(void);  /* multiplying */
    const char *bytes;    /* reading, when run is NULL */
    size_t share;         /* bytes a thread reads */
    atomic_int arrived;
    atomic_int round;
    double started;
    double best;          /* units a second, all threads together */
    double deadline;
    atomic_int stop;
};

struct worker {
    struct job *job;
    int index;
    double units;
};

static struct worker workers[maximum_threads];

/* Waits, spinning, until every thread is here; the last one runs `last` first. */
static void meet(struct job *job, void (*last)(struct job *)) {
    const int round = atomic_load(&job->round);
    if (atomic_fetch_add(&job->arrived, 1) + 1 == job->thread_count) {
        last(job);
        atomic_store(&job->arrived, 0);
        atomic_store(&job->round, round + 1);
    } else {
        while (atomic_load(&job->round) == round) {
        }
    }
}

static void start_pass(struct job *job) { job->started = now(); }

static void end_pass(struct job *job) {
    const double end = now();
    double units = 0;
    for (int i = 0; i < job->thread_count; i++) units += workers[i].units;
    const double speed = units / (end - job->started);
    if (speed > job->best) job->best = speed;
    if (end > job->deadline) atomic_store(&job->stop, 1);
}

static double read_share(const struct job *job, int index, int pass) {
    const char *from = job->bytes + (size_t)index * job->share;
    const size_t ahead = pass % 2 == 0 ? 0 : 2048;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        sink = read_avx512(from, job->share, ahead);
    } else if (__builtin_cpu_supports("avx2")) {
        sink = read_avx2(from, job->share, ahead);
    } else {
        sink = read_plain(from, job->share, ahead);
    }
#else
    sink = read_plain(from, job->share, ahead);
#endif
    return (double)job->share;
}

static void pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) {
        fprintf(stderr, "limits: CPU %d cannot be used: %s\n", cpu, strerror(errno));
        exit(1);
    }
}

static void *work(void *argument) {
    struct worker *worker = argument;
    struct job *job = worker->job;
    pin(job->cpus[worker->index]);
    for (int pass = 0; !atomic_load(&job->stop); pass++) {
        meet(job, start_pass);
        worker->units = job->run ? job->run() : read_share(job, worker->index, pass);
        meet(job, end_pass);
    }
    return NULL;
}

static void run_threads(struct job *job, double seconds) {
    pthread_t threads[maximum_threads];
    job->deadline = now() + seconds;
    for (int i = 0; i < job->thread_count; i++) {
        workers[i] = (struct worker){.job = job, .index = i};
        const int failure = pthread_create(&threads[i], NULL, work, &workers[i]);
        if (failure != 0) {
            fprintf(stderr, "limits: no thread for CPU %d: %s\n", job->cpus[i], strerror(failure));
            exit(1);
        }
    }
    for (int i = 0; i < job->thread_count; i++) pthread_join(threads[i], NULL);
    printf("%.6g\n", job->best);
}

static unsigned long long number(const char *text, const char *what, unsigned long long most) {
    char *end;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value > most) {
        fprintf(stderr, "limits: '%s' is no %s; use 0 to %llu\n", text, what, most);
        exit(64);
    }
    return value;
}

int main(int count, char **arguments) {
    static struct job job;
    if (count == 2 && strcmp(arguments[1], "kinds") == 0) {
        for (const struct kind *kind = kinds; kind->name; kind++) puts(kind->name);
        return 0;
    }
    if (count < 4 || count - 3 > maximum_threads) {
        fprintf(
            stderr, "usage: limits read BYTES CPU... | limits peak KIND CPU... | limits kinds\n");
        return 64;
    }
    job.thread_count = count - 3;
    for (int i = 0; i < job.thread_count; i++)
        job.cpus[i] = (int)number(arguments[3 + i], "CPU", CPU_SETSIZE - 1);

    if (strcmp(arguments[1], "read") == 0) {
        const size_t huge_page = 2u << 20;
        size_t bytes = (size_t)number(arguments[2], "size in bytes", 1ull << 40);
        job.share = bytes / (size_t)job.thread_count / 1024 * 1024;
        if (job.share == 0) {
            fprintf(stderr, "limits: %zu bytes are too few; use 1024 or more a thread\n", bytes);
            return 64;
        }
        bytes = (job.share * (size_t)job.thread_count + huge_page - 1) / huge_page * huge_page;
        char *array = aligned_alloc(huge_page, bytes);
        if (array == NULL) {
            fprintf(stderr, "limits: no memory for %zu bytes\n", bytes);
            return 1;
        }
#if defined(MADV_HUGEPAGE)
        (void)madvise(array, bytes, MADV_HUGEPAGE); /* Without huge pages the number is lower. */
#endif
        memset(array, operand_seed, bytes);
        job.bytes = array;
        run_threads(&job, read_seconds);
        free(array);
        return 0;
    }
    if (strcmp(arguments[1], "peak") == 0) {
        for (const struct kind *kind = kinds; kind->name; kind++)
            if (strcmp(kind->name, arguments[2]) == 0) job.run = kind->run;
        if (job.run == NULL) {
            fprintf(stderr, "limits: no kind '%s'; 'limits kinds' lists them\n", arguments[2]);
            return 64;
        }
        run_threads(&job, peak_seconds);
        return 0;
    }
    fprintf(stderr, "limits: no measurement '%s'; use read, peak or kinds\n", arguments[1]);
    return 64;
}
