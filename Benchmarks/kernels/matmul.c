/* How fast the matrix products are on one core, and which share of its limits.
 *
 *   matmul [--level LEVEL] [--type TYPE] [--tokens T]
 *
 * For each type: the arithmetic speed at T = 512 (or T) on three shapes, and the
 * speed at which T = 1 reads weights from a working set of about 100 MB. Figures
 * are the best of several runs. The limits are measured in the same process:
 * multiply-adds in registers, and a plain sum over as many bytes. */
#include "fk_matmul.h"
#include "fk_platform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { WORKING_SET = 100 << 20 };

/* Each product is repeated for so long. */
static const double seconds_each = 0.25;

/* Seconds of processor time: on a busy machine the clock on the wall says more
 * about the others. */
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t state = 88172645463325252u;

static float next_float(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return ((float)(state >> 40) / (1 << 23) - 1) * 0.1f;
}

static void *buffer(size_t bytes) {
    size_t page = (size_t)2 << 20, rounded = (bytes + page - 1) / page * page;
    void *p = aligned_alloc(page, rounded);
    if (!p) {
        fprintf(stderr, "matmul: no memory for %zu bytes\n", bytes);
        exit(1);
    }
    fk_prefer_huge_pages(p, rounded);
    memset(p, 0, rounded);
    return p;
}

/* The limits of this core, in 10^9 operations or bytes a second; 0 if unknown. */
static double integer_peak, float_peak, read_peak;

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512vnni"))) static double integer_limit(void) {
    enum { STEPS = 2000000 };
    double begin = now();
    __m512i acc[16], a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(1);
    for (int i = 0; i < 16; i++) acc[i] = _mm512_set1_epi32(i);
    for (int s = 0; s < STEPS; s++)
        for (int i = 0; i < 16; i++) {
            acc[i] = _mm512_dpbusd_epi32(acc[i], a, b);
            __asm__ volatile("" : "+v"(acc[i]));
        }
    return 16.0 * STEPS * 128 / (now() - begin) / 1e9;
}

__attribute__((target("avx512f"))) static double float_limit(void) {
    enum { STEPS = 2000000 };
    double begin = now();
    __m512 acc[16], a = _mm512_set1_ps(1), b = _mm512_set1_ps(1e-3f);
    for (int i = 0; i < 16; i++) acc[i] = _mm512_set1_ps((float)i);
    for (int s = 0; s < STEPS; s++)
        for (int i = 0; i < 16; i++) {
            acc[i] = _mm512_fmadd_ps(a, b, acc[i]);
            __asm__ volatile("" : "+v"(acc[i]));
        }
    return 16.0 * STEPS * 32 / (now() - begin) / 1e9;
}

__attribute__((target("avx512f"))) static double read_limit(const uint8_t *from) {
    double begin = now();
    __m512i acc[4] = {0};
    for (size_t i = 0; i < WORKING_SET; i += 256)
        for (size_t j = 0; j < 4; j++) {
            _mm_prefetch((const char *)from + i + 64 * j + 4096, _MM_HINT_T1);
            acc[j] = _mm512_xor_si512(acc[j], _mm512_load_si512(from + i + 64 * j));
            __asm__ volatile("" : "+v"(acc[j]));
        }
    return WORKING_SET / (now() - begin) / 1e9;
}
#endif

static void measure_limits(void) {
#if defined(__x86_64__)
    if (fk_detected_level() < FK_LEVEL_AVX512VNNI) return;
    uint8_t *bytes = buffer(WORKING_SET + 8192);
    memset(bytes, 1, WORKING_SET);
    for (double stop = now() + 2 * seconds_each; now() < stop;) {
        double a = integer_limit(), b = float_limit();
        if (a > integer_peak) integer_peak = a;
        if (b > float_peak) float_peak = b;
    }
    for (double stop = now() + 2 * seconds_each; now() < stop;) {
        double a = read_limit(bytes);
        if (a > read_peak) read_peak = a;
    }
    free(bytes);
#endif
}

/* One product, ready to run. */
typedef struct job {
    fk_type type;
    int packed;
    int64_t t, n, k;
    const void *weights; /* packed, or in rows */
    fk_activations activations;
    float *x, *y;
} job;

static void run(fk_level level, const job *j, const void *weights) {
    size_t k = (size_t)j->k, n = (size_t)j->n;
    if (j->packed)
        fk_matmul_packed_at(level, j->type, j->y, n, weights, &j->activations, j->n, 0, j->n,
                            NULL, 0);
    else if (j->type == FK_TYPE_F32)
        fk_matmul_f32_nt_at(level, j->y, n, j->x, k, weights, k, j->t, 0, j->n, j->k, NULL, 0);
    else if (j->type == FK_TYPE_F16)
        fk_matmul_f16_nt_at(level, j->y, n, j->x, k, weights, k, j->t, 0, j->n, j->k, NULL, 0);
    else
        fk_matmul_bf16_nt_at(level, j->y, n, j->x, k, weights, k, j->t, 0, j->n, j->k, NULL, 0);
}

static size_t stored_bytes(const job *j) {
    if (j->packed) return fk_packed_bytes(j->type, j->n, j->k);
    return (size_t)(j->n * j->k) * fk_block_bytes(j->type);
}

/* Fills `copies` weight matrices that follow one another, from 16 random rows. */
static double fill(const job *j, uint8_t *weights, int copies) {
    size_t row_bytes = (size_t)(j->k / fk_block_elements(j->type)) * fk_block_bytes(j->type);
    float *values = buffer((size_t)(16 * j->k) * sizeof *values);
    uint8_t *rows = buffer(row_bytes * (size_t)j->n);
    for (int64_t i = 0; i < 16 * j->k; i++) values[i] = next_float();
    if (j->type == FK_TYPE_F32)
        memcpy(rows, values, 16 * row_bytes);
    else
        fk_quantize(j->type, rows, values, 16 * j->k);
    for (int64_t r = 16; r < j->n; r++)
        memcpy(rows + (size_t)r * row_bytes, rows + (size_t)(r % 16) * row_bytes, row_bytes);
    double seconds = 0;
    for (int c = 0; c < copies; c++) {
        uint8_t *at = weights + (size_t)c * stored_bytes(j);
        double begin = now();
        if (j->packed)
            fk_pack(j->type, at, rows, 0, j->n, j->n, j->k);
        else
            memcpy(at, rows, row_bytes * (size_t)j->n);
        seconds = now() - begin;
    }
    free(values);
    free(rows);
    return (double)row_bytes * (double)j->n / seconds / 1e9;
}

static void print_share(double value, double peak) {
    if (peak > 0)
        printf(" %8.1f (%3.0f%%)", value, 100 * value / peak);
    else
        printf(" %8.1f       ", value);
}

/* 10^9 operations a second. */
static double prefill(fk_level level, fk_type type, int64_t t, int64_t n, int64_t k) {
    job j = {.type = type, .packed = fk_packable(type), .t = t, .n = n, .k = k};
    uint8_t *weights = buffer(stored_bytes(&j));
    fill(&j, weights, 1);
    j.x = buffer((size_t)(t * k) * sizeof(float));
    j.y = buffer((size_t)(t * n) * sizeof(float));
    for (int64_t i = 0; i < t * k; i++) j.x[i] = next_float();
    void *codes = buffer(fk_activations_bytes(t, k));
    j.activations = fk_activations_in(codes, t, k);
    double best = 0, stop = now() + seconds_each;
    while (now() < stop) {
        double begin = now();
        fk_quantize_activations_at(level, &j.activations, j.x, (size_t)k, 0, t);
        run(level, &j, weights);
        double speed = 2.0 * (double)t * (double)n * (double)k / (now() - begin) / 1e9;
        if (speed > best) best = speed;
    }
    free(weights);
    free(j.x);
    free(j.y);
    free(codes);
    return best;
}

/* 10^9 weight bytes a second; `pack` is the speed of packing. */
static double decode(fk_level level, fk_type type, int64_t n, int64_t k, double *pack) {
    job j = {.type = type, .packed = fk_packable(type), .t = 1, .n = n, .k = k};
    size_t bytes = stored_bytes(&j);
    int copies = (int)(WORKING_SET / bytes) + 1;
    uint8_t *weights = buffer(bytes * (size_t)copies + 8192);
    *pack = fill(&j, weights, copies);
    j.x = buffer((size_t)k * sizeof(float));
    j.y = buffer((size_t)n * sizeof(float));
    for (int64_t i = 0; i < k; i++) j.x[i] = next_float();
    void *codes = buffer(fk_activations_bytes(1, k));
    j.activations = fk_activations_in(codes, 1, k);
    double best = 0, stop = now() + seconds_each;
    while (now() < stop) {
        double begin = now();
        for (int c = 0; c < copies; c++) {
            fk_quantize_activations_at(level, &j.activations, j.x, (size_t)k, 0, 1);
            run(level, &j, weights + (size_t)c * bytes);
        }
        double speed = (double)copies * (double)bytes / (now() - begin) / 1e9;
        if (speed > best) best = speed;
    }
    free(weights);
    free(j.x);
    free(j.y);
    free(codes);
    return best;
}

int main(int argc, char **argv) {
    fk_level level = fk_active_level();
    int only = -1;
    int64_t tokens = 512;
    for (int i = 1; i + 1 < argc; i += 2) {
        fk_type type;
        if (!strcmp(argv[i], "--level") && fk_level_named(argv[i + 1], &level)) continue;
        if (!strcmp(argv[i], "--type") && fk_type_named(argv[i + 1], &type)) {
            only = (int)type;
            continue;
        }
        if (!strcmp(argv[i], "--tokens") && (tokens = atoll(argv[i + 1])) > 0) continue;
        fprintf(stderr, "usage: matmul [--level LEVEL] [--type TYPE] [--tokens T]\n");
        return 64;
    }
    measure_limits();
    printf("level %s; limits of one core: %.0f Gop/s int8, %.0f GFLOP/s f32, %.1f GB/s over "
           "%d MB\n",
           fk_level_name(level), integer_peak, float_peak, read_peak, WORKING_SET >> 20);
    printf("T = %lld, G(FL)OP/s:\n%-8s %16s %16s %16s %18s %10s\n", (long long)tokens, "type",
           "576x1536", "1536x576", "4096x4096", "T = 1, GB/s", "pack GB/s");
    static const fk_type types[] = {
        FK_TYPE_Q4_0, FK_TYPE_Q4_1,   FK_TYPE_Q5_0,   FK_TYPE_Q5_1,  FK_TYPE_Q8_0,
        FK_TYPE_Q2_K, FK_TYPE_Q3_K,   FK_TYPE_Q4_K,   FK_TYPE_Q5_K,  FK_TYPE_Q6_K,
        FK_TYPE_IQ4_NL, FK_TYPE_IQ4_XS, FK_TYPE_MXFP4, FK_TYPE_BF16, FK_TYPE_F16,
        FK_TYPE_F32};
    static const int64_t shapes[][2] = {{576, 1536}, {1536, 576}, {4096, 4096}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (only >= 0 && types[i] != (fk_type)only) continue;
        printf("%-8s", fk_type_name(types[i]));
        for (int s = 0; s < 3; s++) {
            int64_t n = shapes[s][0], k = shapes[s][1];
            if (k % fk_block_elements(types[i])) {
                printf(" %8s       ", "-");
                continue;
            }
            print_share(prefill(level, types[i], tokens, n, k),
                        fk_packable(types[i]) ? integer_peak : float_peak);
        }
        double pack;
        print_share(decode(level, types[i], 1536, 1536, &pack), read_peak);
        printf(" %10.2f\n", pack);
        fflush(stdout);
    }
    return 0;
}
