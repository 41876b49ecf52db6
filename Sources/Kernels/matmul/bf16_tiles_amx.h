/* The product of BF16 weights over AMX BF16 tiles, in the order of fk_matmul.h.
 *
 * A file that includes this one gives FK_TILE_TARGET, FK_TILE_NAME (of the function it
 * defines), the operations of tile_instructions.h and multiply_tiles(c, a, b): c gains the
 * products of pairs of BF16 (TDPBF16PS). Tile numbers are constants.
 *
 * Weights are the left factor: 16 rows of 32 numbers lie in the matrix as the instruction
 * wants them, so nothing is packed and one row of x streams them like many. The three parts
 * of x are the right factor: pairs of consecutive k side by side, a column for each part of
 * each row of x. So 16 rows of x take three instructions for each 16 x 32 weights, up to
 * five rows only one, six to ten two. An output depends on its own row and columns alone:
 * its bits are the same in any company.
 *
 * A chunk of x is cut up once for FK_TILE_BLOCK rows of weights and stays in L2. */

#include "../lanes/lanes_avx512.h"

#include "../lanes/functions.h"

#include "tile_config.h"

enum {
    FK_TILE_SIDE = 16,
    FK_TILE_STEP = 32,           /* k of one instruction */
    FK_TILE_COLUMNS = 48,        /* three parts of 16 rows of x */
    FK_TILE_FEW = 3,             /* rows of x that are not transposed */
    FK_TILE_BLOCK = 512,         /* weight rows whose sums rest between chunks */
    FK_TILE_STEPS = FK_BF16_CHUNK / FK_TILE_STEP,
    FK_TILE_PAIRS = FK_TILE_STEP / 2,
};

#define FK_TILE_INLINE static inline FK_TILE_TARGET __attribute__((always_inline))

typedef struct tile_product {
    const uint8_t *w;
    size_t ldw; /* bytes */
    const float *x;
    size_t ldx;
    float *y;
    size_t ldy;
    int64_t row_end, k;
    const float *bias;
    int accumulate;
} tile_product;

/* Columns of one step: word [pair][part * count + t] holds two numbers of row t. */
typedef uint32_t tile_step[FK_TILE_PAIRS][FK_TILE_COLUMNS];

/* The upper halves of 32 words side by side. */
FK_LANE int_lanes upper_halves(int_lanes low, int_lanes high) {
    static const uint16_t order[32] = {1,  3,  5,  7,  9,  11, 13, 15, 17, 19, 21,
                                       23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 43,
                                       45, 47, 49, 51, 53, 55, 57, 59, 61, 63};
    return _mm512_permutex2var_epi16(low, _mm512_loadu_si512(order), high);
}

/* Takes the upper half off x, which keeps the rest: 0 if x is no number. A NaN stays one. */
FK_LANE int_lanes take_part(lanes *x) {
    const int_lanes upper = v_int_set(0xffff0000), exponent = v_int_set(0x7f800000);
    int_lanes bits = v_as_int(*x), part = v_int_and(bits, upper);
    mask_lanes special = v_int_equal(v_int_and(bits, exponent), exponent);
    mask_lanes nan = v_is_nan(*x);
    *x = v_select(special, v_zero(), v_sub(*x, v_as_float(part)));
    return _mm512_mask_or_epi32(part, nan, part, v_int_set(0x400000));
}

/* The three parts of FK_TILE_STEP numbers of row t of x, from k on, zeros past its end. */
FK_LANE void cut_row(int_lanes words[3], const tile_product *p, int64_t t, int64_t k) {
    const float *row = p->x + (size_t)t * p->ldx;
    lanes low = v_load_row(row, (size_t)k, (size_t)p->k);
    lanes high = v_load_row(row, (size_t)k + 16, (size_t)p->k);
    for (int part = 0; part < 3; part++) {
        int_lanes first = take_part(&low), second = take_part(&high);
        words[part] = upper_halves(first, second);
    }
}

/* Cuts `count` rows of x into the columns of a step; the columns behind them become 0. */
FK_LANE void cut_step(tile_step step, const tile_product *p, int64_t t, int count, int64_t k) {
    lanes words[3][FK_TILE_SIDE];
    for (int i = 0; i < FK_TILE_SIDE; i++) {
        int_lanes cut[3] = {v_int_set(0), v_int_set(0), v_int_set(0)};
        if (i < count) cut_row(cut, p, t + i, k);
        for (int part = 0; part < 3; part++) words[part][i] = v_as_float(cut[part]);
    }
    for (int part = 0; part < 3; part++) v_transpose(words[part]);
    for (int pair = 0; pair < FK_TILE_PAIRS; pair++) {
        /* Each vector reaches over the columns that the next part, or none, fills. */
        v_int_store(step[pair] + 32, v_int_set(0));
        for (int part = 0; part < 3; part++)
            v_int_store(step[pair] + part * count, v_as_int(words[part][pair]));
    }
}

/* The same for so few rows that their columns are written one by one. */
FK_LANE void cut_few(tile_step step, const tile_product *p, int64_t t, int count, int64_t k) {
    int_lanes place = _mm512_mullo_epi32(
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
        v_int_set(FK_TILE_COLUMNS));
    for (int pair = 0; pair < FK_TILE_PAIRS; pair++) v_int_store(step[pair], v_int_set(0));
    for (int i = 0; i < count; i++) {
        int_lanes cut[3];
        cut_row(cut, p, t + i, k);
        for (int part = 0; part < 3; part++)
            _mm512_i32scatter_epi32(&step[0][part * count + i], place, cut[part], 4);
    }
}

/* Where a tile of weights lies: in the matrix, or at its edges in a copy with zeros. */
FK_TILE_INLINE const uint8_t *weights_at(const tile_product *p, int64_t row, int64_t k,
                                         uint8_t *edge, int64_t *stride) {
    int64_t rows = p->row_end - row, left = p->k - k;
    const uint8_t *at = p->w + (size_t)row * p->ldw + 2 * (size_t)k;
    *stride = (int64_t)p->ldw;
    if (rows >= FK_TILE_SIDE && left >= FK_TILE_STEP) return at;
    size_t bytes = left < FK_TILE_STEP ? 2 * (size_t)left : 64;
    memset(edge, 0, 64 * FK_TILE_SIDE);
    for (int r = 0; r < FK_TILE_SIDE && r < rows; r++)
        memcpy(edge + 64 * r, at + (size_t)r * p->ldw, bytes);
    *stride = 64;
    return edge;
}

/* Sums of 16 rows of weights over a chunk, in tiles 0 to `tiles` - 1. */
FK_TILE_INLINE void multiply_steps(const tile_product *p, int64_t row, int64_t k,
                                   tile_step *steps, int step_count, int tiles) {
    _Alignas(64) uint8_t edge[64 * FK_TILE_SIDE];
    const int64_t columns = 4 * FK_TILE_COLUMNS;
    zero_tile(0);
    if (tiles > 1) zero_tile(1);
    if (tiles > 2) zero_tile(2);
    _Pragma("clang loop unroll(disable)")
    for (int s = 0; s < step_count; s++) {
        int64_t stride;
        const uint8_t *w = weights_at(p, row, k + FK_TILE_STEP * s, edge, &stride);
        load_tile(3, w, stride);
        load_tile(4, &steps[s][0][0], columns);
        multiply_tiles(0, 3, 4);
        if (tiles > 1) {
            load_tile(5, &steps[s][0][16], columns);
            multiply_tiles(1, 3, 5);
        }
        if (tiles > 2) {
            load_tile(6, &steps[s][0][32], columns);
            multiply_tiles(2, 3, 6);
        }
    }
}

/* Adds the three parts of each sum, turns rows of weights into lanes, and takes what the
 * chunks before left. After the last chunk y gets its outputs. */
FK_LANE void finish_rows(const tile_product *p, int64_t row, int64_t t, int count,
                         const float *sums, float *resting, int is_first, int is_last) {
    lanes totals[FK_TILE_SIDE];
    for (int r = 0; r < FK_TILE_SIDE; r++) {
        const float *at = sums + FK_TILE_COLUMNS * r;
        totals[r] = v_add(v_load(at), v_add(v_load(at + count), v_load(at + 2 * count)));
    }
    v_transpose(totals);
    size_t rows = v_remaining((size_t)p->row_end, (size_t)row);
    for (int i = 0; i < count; i++) {
        lanes total = totals[i];
        if (!is_first) total = v_add(v_load(resting + FK_TILE_SIDE * i), total);
        if (!is_last) {
            v_store(resting + FK_TILE_SIDE * i, total);
            continue;
        }
        float *y = p->y + (size_t)(t + i) * p->ldy + row;
        if (p->bias) total = v_add(total, v_load_first(p->bias + row, rows));
        if (p->accumulate) total = v_add(v_load_first(y, rows), total);
        v_store_first(y, total, rows);
    }
}

/* `count` rows of x from t, against the rows [row_begin, row_end) of weights, at most
 * FK_TILE_BLOCK. */
FK_TILE_TARGET static void tile_block(const tile_product *p, int64_t row_begin, int64_t row_end,
                                      int64_t t, int count) {
    _Alignas(64) tile_step steps[FK_TILE_STEPS];
    _Alignas(64) float sums[FK_TILE_SIDE * FK_TILE_COLUMNS] = {0};
    _Alignas(64) float resting[FK_TILE_BLOCK * FK_TILE_SIDE];
    int64_t k = 0;
    do { /* once at least: a product of depth 0 is 0 */
        int64_t left = p->k - k, length = left < FK_BF16_CHUNK ? left : FK_BF16_CHUNK;
        int step_count = (int)((length + FK_TILE_STEP - 1) / FK_TILE_STEP);
        for (int s = 0; s < step_count; s++) {
            if (count <= FK_TILE_FEW)
                cut_few(steps[s], p, t, count, k + FK_TILE_STEP * s);
            else
                cut_step(steps[s], p, t, count, k + FK_TILE_STEP * s);
        }
        for (int64_t row = row_begin; row < row_end; row += FK_TILE_SIDE) {
            int tiles = (3 * count + FK_TILE_SIDE - 1) / FK_TILE_SIDE;
            if (tiles == 1) multiply_steps(p, row, k, steps, step_count, 1);
            if (tiles == 2) multiply_steps(p, row, k, steps, step_count, 2);
            if (tiles == 3) multiply_steps(p, row, k, steps, step_count, 3);
            store_tile(0, sums, 4 * FK_TILE_COLUMNS);
            if (tiles > 1) store_tile(1, sums + 16, 4 * FK_TILE_COLUMNS);
            if (tiles > 2) store_tile(2, sums + 32, 4 * FK_TILE_COLUMNS);
            finish_rows(p, row, t, count, sums, resting + (row - row_begin) * FK_TILE_SIDE,
                        k == 0, k + length == p->k);
        }
        k += length;
    } while (k < p->k);
}

FK_TILE_TARGET void FK_TILE_NAME(FK_MATMUL_NT_PARAMETERS(void)) {
    if (t <= 0 || row_begin >= row_end) return;
    const tile_product p = {.w = w,
                            .ldw = 2 * ldw,
                            .x = x,
                            .ldx = ldx,
                            .y = y,
                            .ldy = ldy,
                            .row_end = row_end,
                            .k = k,
                            .bias = bias,
                            .accumulate = accumulate};
    tile_config config = {.palette = 1};
    for (int i = 0; i < 7; i++) {
        config.rows[i] = FK_TILE_SIDE;
        config.row_bytes[i] = 64;
    }
    configure_tiles(&config);
    for (int64_t row = row_begin; row < row_end; row += FK_TILE_BLOCK) {
        int64_t end = row + FK_TILE_BLOCK < row_end ? row + FK_TILE_BLOCK : row_end;
        for (int64_t first = 0; first < t; first += FK_TILE_SIDE)
            tile_block(&p, row, end, first,
                       t - first < FK_TILE_SIDE ? (int)(t - first) : FK_TILE_SIDE);
    }
    release_tiles();
}
