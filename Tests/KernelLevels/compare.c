#include "compare.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

const size_t awkward_sizes[AWKWARD_SIZES] = {0,  1,  3,  7,  15, 16,  17,  31,
                                             33, 48, 63, 64, 65, 127, 200, 576};

enum { MOST = 128, SHOWN = 20 };

static struct {
    void *pages;
    size_t length;
} mapped[MOST];
static int mapped_count;

static struct {
    uint8_t *at, *before, *expected;
    size_t count;
    int is_float, has_expected;
} outputs[MOST];
static int output_count;

static uint64_t state = 1, checksum = 0xcbf29ce484222325;
static long comparisons, differences;
static char description[256];

static void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(2);
}

void begin_case(void) {
    for (int i = 0; i < mapped_count; i++) munmap(mapped[i].pages, mapped[i].length);
    for (int i = 0; i < output_count; i++) {
        free(outputs[i].before);
        free(outputs[i].expected);
    }
    mapped_count = output_count = 0;
    description[0] = 0;
}

static uint8_t *map(size_t room) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (room + page - 1) / page * page;
    uint8_t *pages = mmap(NULL, whole + page, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mapped_count == MOST) fail("no memory for a case");
    if (mprotect(pages + whole, page, PROT_NONE) != 0) fail("no page to guard a case");
    mapped[mapped_count].pages = pages;
    mapped[mapped_count++].length = whole + page;
    memset(pages, 0xa5, whole);
    return pages + whole - room;
}

void *buffer(size_t count) { return map(count); }
void *aligned_buffer(size_t count) { return map((count + 63) / 64 * 64); }

/* SplitMix64 (Steele, Lea and Flood 2014). */
static uint64_t next(void) {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

float *floats(size_t count, float scale) {
    float *x = buffer(count * sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = scale * ((float)(next() >> 40) * 0x1p-23f - 1.0f);
    return x;
}

float *wild_floats(size_t count) {
    static const float special[] = {
        0,       -0.0f,    INFINITY, -INFINITY, NAN,   0x1p-133f, -0x1p-133f, 1e-30f, 88.7f,
        89.5f,   -87.4f,   -103.9f,  -105.0f,   1e30f, -1e30f,    0.55f,      1,      -1,
        4,       -4,       9,        -9,        65504, 65520,     448,        464,    0x1p-6f,
        0x1p-9f, 0x1p-10f, 0x1p-14f, 0x1p-24f,  0x1p-25f,
    };
    float *x = floats(count, 10);
    for (size_t i = 0; i < count; i++)
        if (next() % 3 == 0) x[i] = special[next() % (sizeof special / sizeof special[0])];
    return x;
}

uint8_t *bytes(size_t count) {
    uint8_t *x = buffer(count);
    for (size_t i = 0; i < count; i++) x[i] = (uint8_t)(next() >> 56);
    return x;
}

int32_t *numbers(size_t count, int32_t limit) {
    int32_t *x = buffer(count * sizeof *x);
    for (size_t i = 0; i < count; i++) x[i] = (int32_t)(next() >> 33) % limit;
    return x;
}

static void *add_output(void *at, size_t count, int is_float) {
    if (output_count == MOST) fail("a case has too many outputs");
    outputs[output_count].at = at;
    outputs[output_count].count = count;
    outputs[output_count].is_float = is_float;
    outputs[output_count].has_expected = 0;
    outputs[output_count].before = malloc(count + 1);
    outputs[output_count].expected = malloc(count + 1);
    if (!outputs[output_count].before || !outputs[output_count].expected)
        fail("no memory for a case");
    memcpy(outputs[output_count++].before, at, count);
    return at;
}

float *float_output(size_t count) { return add_output(buffer(4 * count), 4 * count, 1); }
void *byte_output(size_t count) { return add_output(buffer(count), count, 0); }
void float_output_at(float *at, size_t count) { add_output(at, 4 * count, 1); }
void byte_output_at(void *at, size_t count) { add_output(at, count, 0); }

void describe(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(description, sizeof description, format, arguments);
    va_end(arguments);
}

void restore_outputs(void) {
    for (int i = 0; i < output_count; i++)
        memcpy(outputs[i].at, outputs[i].before, outputs[i].count);
}

/* Bits of a float, one for all NaNs. */
static uint32_t float_bits(const uint8_t *at) {
    uint32_t bits;
    memcpy(&bits, at, 4);
    return (bits & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : bits;
}

static void add_to_checksum(int output) {
    for (size_t i = 0; i < outputs[output].count; i += outputs[output].is_float ? 4 : 1) {
        const uint8_t *at = outputs[output].expected + i;
        checksum ^= outputs[output].is_float ? float_bits(at) : *at;
        checksum *= 0x100000001b3;
    }
}

/* The first place where an output differs from the reference's, or -1. */
static long first_difference(int output) {
    const uint8_t *found = outputs[output].at, *expected = outputs[output].expected;
    size_t step = outputs[output].is_float ? 4 : 1;
    for (size_t i = 0; i < outputs[output].count; i += step) {
        int is_same = step == 4 ? float_bits(found + i) == float_bits(expected + i)
                                : found[i] == expected[i];
        if (!is_same) return (long)(i / step);
    }
    return -1;
}

void examine_outputs(const char *operation, fk_level level) {
    for (int i = 0; i < output_count; i++) {
        if (level == FK_LEVEL_REFERENCE) {
            memcpy(outputs[i].expected, outputs[i].at, outputs[i].count);
            outputs[i].has_expected = 1;
            add_to_checksum(i);
            continue;
        }
        if (!outputs[i].has_expected) fail("a level was run before the reference");
        comparisons++;
        long place = first_difference(i);
        if (place < 0) continue;
        if (differences++ < SHOWN)
            printf("%s at %s, %s: output %d differs from the reference at %ld\n", operation,
                   fk_level_name(level), description, i, place);
    }
}

int main(void) {
    compare_activations();
    compare_norms();
    compare_rows();
    compare_random();
    compare_attention();
    compare_products();
    compare_packed();
    compare_blocks();
    begin_case();
    printf("level %s: %ld comparisons, %ld differences\n", fk_level_name(fk_detected_level()),
           comparisons, differences);
    printf("reference checksum %016llx\n", (unsigned long long)checksum);
    return differences != 0;
}
