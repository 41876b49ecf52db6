/* The products of float weights, written once over the vector operations of a
 * level. A file a level defines, before it includes this one:
 *
 *   FK_TARGET, FK_SUFFIX
 *   FK_NT_FEW, FK_NT_MANY      most activation rows of a tile with 4, with 2 weight rows;
 *                              FK_NT_MANY is 3 or 12
 *   FK_W_CACHE                 bytes of w that stay in the L2 cache
 *   vec_f                      16 lanes, with load_f, store_f, load_part_f, store_part_f,
 *                              zero_f, splat_f, add_f, fma_f
 *   load_weights(type, p), load_weights_part(type, p, count)    16 weights widened
 *   fma_part(a, b, c, count)   c where the lane is not below `count`
 *   reduce_four(a, b, c, d)    four sums of 16 lanes, as the tree of fk_matmul.h, in a
 *                              four_f; store_first, store_low_pair, store_high_pair and
 *                              store_four write one, two or all of them
 *
 * A tile of the nt product is some rows of w times some rows of x; each of its
 * outputs is one vector of partial sums. At T = 1 the weights stream once, four
 * rows side by side. At large T the tile is 2 x 12: 12 loads of x and 2 of w,
 * widened in registers, for 24 multiply-adds. For that rate x must come from the
 * L1 cache and w from L2. So k is cut into chunks and n into blocks, partial sums
 * rest in memory between chunks, and the chunk of x is copied, vectors of its
 * rows side by side: rows of a power of two would fight for the same cache sets. */


enum {
    FK_X_CACHE = 7680,       /* floats of a chunk of x: 30 KiB of L1 */
    FK_BLOCK_ROWS = 128,     /* weight rows of a block, at most */
    FK_IN_PLACE_ROWS = 4,    /* up to so many rows of x are read where they are */
};

#define FK_TEMPLATE static inline FK_TARGET __attribute__((always_inline))

typedef struct nt_product {
    float *y;
    size_t ldy;
    const float *x;
    size_t ldx;
    const uint8_t *w;
    size_t ldw; /* bytes */
    int64_t row_end, k;
    const float *bias;
    int accumulate;
} nt_product;

static inline __attribute__((always_inline)) int weight_bytes(int type) {
    return type == FK_WEIGHTS_F32 ? 4 : 2;
}

/* sums[r * rows + t] gains k_begin <= k < k_end. x begins at k_begin; its rows are
 * `ldx` apart, or side by side vector by vector if ldx is 0. */
FK_TEMPLATE void nt_lanes(int type, int weights, int rows, const nt_product *p, int64_t row,
                          const float *x, size_t ldx, int64_t k_begin, int64_t k_end,
                          vec_f *sums) {
    int size = weight_bytes(type);
    const uint8_t *w = p->w + (size_t)row * p->ldw + (size_t)k_begin * (size_t)size;
    size_t ldw = p->ldw, step = ldx ? 16 : 16 * (size_t)rows, apart = ldx ? ldx : 16;
    int64_t k = k_begin;
    _Pragma("clang loop unroll(disable)")
    for (; k + 16 <= k_end; k += 16) {
        vec_f b[4];
        FK_UNROLL
        for (int r = 0; r < weights; r++) {
            const uint8_t *at = w + (size_t)r * ldw;
            if (ldx)
                __builtin_prefetch(at + (size_t)weights * ldw, 0, 2);
            else
                __builtin_prefetch(at + (size_t)weights * ldw, 0, 3);
            b[r] = load_weights(type, at);
        }
        FK_UNROLL
        for (int i = 0; i < rows; i++) {
            vec_f a = load_f(x + (size_t)i * apart);
            FK_UNROLL
            for (int r = 0; r < weights; r++)
                sums[r * rows + i] = fma_f(b[r], a, sums[r * rows + i]);
        }
        w += 16 * size;
        x += step;
    }
    int count = (int)(k_end - k);
    if (count > 0) {
        FK_UNROLL
        for (int r = 0; r < weights; r++) {
            vec_f b = load_weights_part(type, w + (size_t)r * ldw, count);
            FK_UNROLL
            for (int i = 0; i < rows; i++)
                sums[r * rows + i] =
                    fma_part(b, load_part_f(x + (size_t)i * apart, count),
                             sums[r * rows + i], count);
        }
    }
}

/* Copies a chunk of `rows` rows of x, vectors side by side. */
FK_TEMPLATE void gather_rows(float *to, int rows, const float *x, size_t ldx, int64_t k) {
    for (; k >= 16; k -= 16) {
        FK_UNROLL
        for (int i = 0; i < rows; i++) store_f(to + 16 * i, load_f(x + (size_t)i * ldx));
        to += 16 * rows;
        x += 16;
    }
    if (k > 0)
        for (int i = 0; i < rows; i++)
            store_f(to + 16 * i, load_part_f(x + (size_t)i * ldx, (int)k));
}

/* Adds the lanes up: out[t * FK_BLOCK_ROWS + r]. */
FK_TEMPLATE void nt_finish(int weights, int rows, const vec_f *sums, float *out) {
    vec_f none = zero_f();
    if (weights == 1)
        FK_UNROLL
        for (int t = 0; t < rows; t++)
            store_first(out + t * FK_BLOCK_ROWS, reduce_four(sums[t], none, none, none));
    if (weights == 2)
        FK_UNROLL
        for (int t = 0; t < rows; t += 2) {
            int pair = t + 1 < rows;
            four_f four = reduce_four(sums[t], sums[rows + t], pair ? sums[t + 1] : none,
                                      pair ? sums[rows + t + 1] : none);
            store_low_pair(out + t * FK_BLOCK_ROWS, four);
            if (pair) store_high_pair(out + (t + 1) * FK_BLOCK_ROWS, four);
        }
    if (weights == 4)
        FK_UNROLL
        for (int t = 0; t < rows; t++)
            store_four(out + t * FK_BLOCK_ROWS,
                       reduce_four(sums[t], sums[rows + t], sums[2 * rows + t],
                                   sums[3 * rows + t]));
}

/* Rows [row, row_end) of w, `weights` at a time and the rest one at a time, for
 * `rows` rows of x from t. */
FK_TEMPLATE void nt_block(int type, int weights, int rows, const nt_product *p, int64_t row,
                          int64_t row_end, int64_t t) {
    float out[FK_NT_MANY * FK_BLOCK_ROWS];
    _Alignas(64) float resting[FK_BLOCK_ROWS * FK_NT_MANY * 16];
    _Alignas(64) float gathered[FK_X_CACHE];
    int in_place = rows <= FK_IN_PLACE_ROWS;
    int64_t most = FK_X_CACHE / rows / 16 * 16, chunks = (p->k + most - 1) / most;
    int64_t chunk = in_place || chunks < 2 ? p->k : (p->k / chunks + 15) / 16 * 16;
    int64_t k = 0;
    do {
        int64_t k_end = k + chunk < p->k ? k + chunk : p->k;
        const float *x = p->x + (size_t)t * p->ldx + k;
        size_t ldx = p->ldx;
        if (!in_place) {
            gather_rows(gathered, rows, x, ldx, k_end - k);
            x = gathered;
        }
        vec_f sums[4 * FK_NT_MANY];
        int64_t r = row;
        for (; r + weights <= row_end; r += weights) {
            float *rest = resting + (r - row) * rows * 16;
            FK_UNROLL
            for (int i = 0; i < weights * rows; i++)
                sums[i] = k ? load_f(rest + 16 * i) : zero_f();
            nt_lanes(type, weights, rows, p, r, x, in_place ? ldx : 0, k, k_end, sums);
            if (k_end < p->k)
                FK_UNROLL
                for (int i = 0; i < weights * rows; i++) store_f(rest + 16 * i, sums[i]);
            else
                nt_finish(weights, rows, sums, out + (r - row));
        }
        for (; r < row_end; r++) {
            float *rest = resting + (r - row) * rows * 16;
            FK_UNROLL
            for (int i = 0; i < rows; i++) sums[i] = k ? load_f(rest + 16 * i) : zero_f();
            nt_lanes(type, 1, rows, p, r, x, in_place ? ldx : 0, k, k_end, sums);
            if (k_end < p->k)
                FK_UNROLL
                for (int i = 0; i < rows; i++) store_f(rest + 16 * i, sums[i]);
            else
                nt_finish(1, rows, sums, out + (r - row));
        }
        k = k_end;
    } while (k < p->k);
    FK_UNROLL
    for (int i = 0; i < rows; i++) {
        float *y = p->y + (size_t)(t + i) * p->ldy + row;
        for (int64_t r = 0; r < row_end - row; r += 16) {
            int64_t left = row_end - row - r;
            int count = left < 16 ? (int)left : 16;
            vec_f v = load_f(out + i * FK_BLOCK_ROWS + r);
            if (p->bias) v = add_f(v, load_part_f(p->bias + row + r, count));
            if (p->accumulate) v = add_f(load_part_f(y + r, count), v);
            store_part_f(y + r, v, count);
        }
    }
}

#define FK_NT_TILE(type, weights, rows)                                                    \
    static FK_TARGET __attribute__((noinline)) void nt_##type##_##rows(                    \
        const nt_product *p, int64_t row, int64_t row_end, int64_t t) {                    \
        nt_block(FK_WEIGHTS_##type, weights, rows, p, row, row_end, t);                    \
    }
#define FK_NT_WEIGHTS(rows) ((rows) <= FK_NT_FEW ? 4 : 2)
#define FK_NT_CASE(type, rows) \
    case rows: nt_##type##_##rows(p, row, row_end, t); break;
#if FK_NT_MANY == 12
#define FK_NT_EACH_MORE(F, type) \
    F(type, 4) F(type, 5) F(type, 6) F(type, 7) F(type, 8) F(type, 9) F(type, 10) \
    F(type, 11) F(type, 12)
#else
#define FK_NT_EACH_MORE(F, type)
#endif
#define FK_NT_EACH(F, type) F(type, 1) F(type, 2) F(type, 3) FK_NT_EACH_MORE(F, type)
#define FK_NT_DEFINE(type, rows) FK_NT_TILE(type, FK_NT_WEIGHTS(rows), rows)

/* All tiles: blocks of w outside, so that each is read from memory once. */
#define FK_NT_PRODUCT(type)                                                                \
    FK_NT_EACH(FK_NT_DEFINE, type)                                                         \
    static FK_TARGET void nt_##type##_tile(const nt_product *p, int64_t row,               \
                                           int64_t row_end, int64_t t, int rows) {         \
        switch (rows) { FK_NT_EACH(FK_NT_CASE, type) }                                     \
    }                                                                                      \
    static FK_TARGET void nt_##type(const nt_product *p, int64_t row_begin, int64_t rows) {\
        int64_t fit = FK_W_CACHE / (int64_t)p->ldw / 4 * 4;                                \
        int64_t block = fit < 8 ? 8 : fit > FK_BLOCK_ROWS ? FK_BLOCK_ROWS : fit;           \
        int64_t tiles = (rows + FK_NT_MANY - 1) / FK_NT_MANY;                              \
        for (int64_t row = row_begin; row < p->row_end; row += block) {                    \
            int64_t row_end = row + block < p->row_end ? row + block : p->row_end;         \
            int64_t t = 0;                                                                 \
            for (int64_t left = tiles; left > 0; left--) {                                 \
                int64_t count = (rows - t + left - 1) / left;                              \
                nt_##type##_tile(p, row, row_end, t, (int)count);                          \
                t += count;                                                                \
            }                                                                              \
        }                                                                                  \
    }

FK_NT_PRODUCT(F32)
FK_NT_PRODUCT(F16)
FK_NT_PRODUCT(BF16)

#define FK_NAME2(op, suffix) fk_matmul_##op##_nt_##suffix
#define FK_NAME(op, suffix) FK_NAME2(op, suffix)
#define FK_NT_ENTRY(op, type, weight)                                                      \
    void FK_NAME(op, FK_SUFFIX)(FK_MATMUL_NT_PARAMETERS(weight)) {                         \
        const nt_product p = {.y = y,                                                      \
                              .ldy = ldy,                                                  \
                              .x = x,                                                      \
                              .ldx = ldx,                                                  \
                              .w = (const uint8_t *)w,                                     \
                              .ldw = ldw * (size_t)weight_bytes(FK_WEIGHTS_##type),        \
                              .row_end = row_end,                                          \
                              .k = k,                                                      \
                              .bias = bias,                                                \
                              .accumulate = accumulate};                                   \
        nt_##type(&p, row_begin, t);                                                       \
    }
FK_NT_ENTRY(f32, F32, float)
FK_NT_ENTRY(f16, F16, void)
FK_NT_ENTRY(bf16, BF16, void)
