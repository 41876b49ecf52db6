/* Philox with one counter a lane: 16 blocks, 64 numbers, at a time. */

#include "philox.h"

/* Words 0 ... 3 of the blocks block ..< block + 16. */
FK_LANE void philox_16(int_lanes words[4], uint64_t seed, uint64_t stream, uint64_t block) {
    uint32_t low[16], high[16];
    for (uint64_t i = 0; i < 16; i++) {
        low[i] = (uint32_t)(block + i);
        high[i] = (uint32_t)((block + i) >> 32);
    }
    int_lanes c0 = v_int_load(low), c1 = v_int_load(high);
    int_lanes c2 = v_int_set((uint32_t)stream), c3 = v_int_set((uint32_t)(stream >> 32));
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        int_lanes high0, low0, high1, low1;
        v_int_multiply(&high0, &low0, c0, v_int_set(FK_PHILOX_M0));
        v_int_multiply(&high1, &low1, c2, v_int_set(FK_PHILOX_M1));
        c0 = v_int_xor(v_int_xor(high1, c1), v_int_set(k0));
        c2 = v_int_xor(v_int_xor(high0, c3), v_int_set(k1));
        c1 = low1;
        c3 = low0;
        k0 += FK_PHILOX_W0;
        k1 += FK_PHILOX_W1;
    }
    words[0] = c0;
    words[1] = c1;
    words[2] = c2;
    words[3] = c3;
}

/* Copies what the caller wants of 64 numbers, stored word by word, into place. */
FK_LANE size_t interleave(void *y, const uint32_t numbers[64], size_t skip, size_t count) {
    size_t taken = 64 - skip < count ? 64 - skip : count;
    for (size_t i = 0; i < taken; i++) {
        size_t from = (skip + i) % 4 * 16 + (skip + i) / 4;
        memcpy((char *)y + 4 * i, numbers + from, 4);
    }
    return taken;
}

FK_LANE lanes to_unit(int_lanes word, uint32_t added) {
    int_lanes whole = v_int_add(v_shift_right(word, 8), v_int_set(added));
    return v_mul(v_float(whole), v_set(0x1p-24f));
}

FK_TARGET void FK_NAMED(random_bits)(uint32_t *y, uint64_t seed, uint64_t stream,
                                     uint64_t first, size_t count) {
    for (size_t done = 0; done < count;) {
        int_lanes words[4];
        uint32_t numbers[64];
        philox_16(words, seed, stream, (first + done) / 4);
        for (int i = 0; i < 4; i++) v_int_store(numbers + 16 * i, words[i]);
        done += interleave(y + done, numbers, (first + done) % 4, count - done);
    }
}

FK_TARGET void FK_NAMED(random_uniform_f32)(float *y, float low, float high, uint64_t seed,
                                            uint64_t stream, uint64_t first, size_t count) {
    lanes range = v_set(high - low), start = v_set(low);
    for (size_t done = 0; done < count;) {
        int_lanes words[4];
        uint32_t numbers[64];
        philox_16(words, seed, stream, (first + done) / 4);
        for (int i = 0; i < 4; i++)
            v_int_store(numbers + 16 * i, v_as_int(v_fma(range, to_unit(words[i], 0), start)));
        done += interleave(y + done, numbers, (first + done) % 4, count - done);
    }
}

/* cos and sin of 2 pi turns, as fk_cos_sin_turns1. */
FK_LANE void cos_sin_turns(lanes turns, lanes *cosine, lanes *sine) {
    lanes quarters = v_mul(turns, v_set(4.0f)), n = v_round(quarters);
    lanes t = v_sub(quarters, n), u = v_mul(t, t);
    lanes s = v_fma(v_set(FK_SIN_S4), u, v_set(FK_SIN_S3));
    s = v_fma(s, u, v_set(FK_SIN_S2));
    s = v_fma(s, u, v_set(FK_SIN_S1));
    s = v_mul(t, v_fma(s, u, v_set(FK_SIN_S0)));
    lanes c = v_fma(v_set(FK_COS_C4), u, v_set(FK_COS_C3));
    c = v_fma(c, u, v_set(FK_COS_C2));
    c = v_fma(c, u, v_set(FK_COS_C1));
    c = v_fma(c, u, v_set(FK_COS_C0));
    int_lanes quadrant = v_int_and(v_int(n), v_int_set(3)), one = v_int_set(1);
    mask_lanes odd = v_int_equal(v_int_and(quadrant, one), one);
    lanes x = v_select(odd, s, c), y = v_select(odd, c, s);
    /* cos is negative in quadrants 1 and 2, sin in 2 and 3. */
    int_lanes cosine_sign = v_shift_left(v_int_and(v_int_add(quadrant, one), v_int_set(2)), 30);
    int_lanes sine_sign = v_shift_left(v_int_and(quadrant, v_int_set(2)), 30);
    *cosine = v_as_float(v_int_xor(v_as_int(x), cosine_sign));
    *sine = v_as_float(v_int_xor(v_as_int(y), sine_sign));
}

FK_TARGET void FK_NAMED(random_normal_f32)(float *y, float mean, float deviation,
                                           uint64_t seed, uint64_t stream, uint64_t first,
                                           size_t count) {
    lanes centre = v_set(mean), width = v_set(deviation);
    for (size_t done = 0; done < count;) {
        int_lanes words[4];
        uint32_t numbers[64];
        philox_16(words, seed, stream, (first + done) / 4);
        for (int pair = 0; pair < 4; pair += 2) {
            lanes radius = v_sqrt(v_mul(v_set(-2.0f), v_log(to_unit(words[pair], 1))));
            lanes cosine, sine;
            cos_sin_turns(to_unit(words[pair + 1], 0), &cosine, &sine);
            v_int_store(numbers + 16 * pair,
                        v_as_int(v_fma(width, v_mul(radius, cosine), centre)));
            v_int_store(numbers + 16 * pair + 16,
                        v_as_int(v_fma(width, v_mul(radius, sine), centre)));
        }
        done += interleave(y + done, numbers, (first + done) % 4, count - done);
    }
}
