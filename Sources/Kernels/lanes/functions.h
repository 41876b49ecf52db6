/* The functions and sums of scalar.h, sixteen lanes at a time; include a lanes_*.h first. */
#ifndef FK_FUNCTIONS_H
#define FK_FUNCTIONS_H

#pragma STDC FP_CONTRACT OFF

FK_LANE lanes v_exp(lanes x) {
    /* The bound is the first operand, so a NaN goes through. */
    x = v_max(v_set(FK_EXP_LOWEST), x);
    x = v_min(v_set(FK_EXP_HIGHEST), x);
    lanes n = v_round(v_mul(x, v_set(FK_LOG2_E)));
    lanes r = v_fnma(n, v_set(FK_LN2_HIGH), x);
    r = v_fnma(n, v_set(FK_LN2_LOW), r);
    lanes q = v_fma(v_set(FK_EXP_Q4), r, v_set(FK_EXP_Q3));
    q = v_fma(q, r, v_set(FK_EXP_Q2));
    q = v_fma(q, r, v_set(FK_EXP_Q1));
    q = v_fma(q, r, v_set(FK_EXP_Q0));
    lanes p = v_add(v_set(1.0f), v_fma(v_mul(r, r), q, r));
    return v_scale2(p, n);
}

FK_LANE lanes v_weight(lanes x) {
    lanes shifted = v_fma(x, v_set(FK_LOG2_E), v_set(FK_WEIGHT_MAGIC));
    lanes n = v_sub(shifted, v_set(FK_WEIGHT_MAGIC));
    lanes r = v_fnma(n, v_set(FK_LN2_HIGH), x);
    r = v_fnma(n, v_set(FK_LN2_LOW), r);
    lanes q = v_fma(v_set(FK_EXP_Q4), r, v_set(FK_EXP_Q3));
    q = v_fma(q, r, v_set(FK_EXP_Q2));
    q = v_fma(q, r, v_set(FK_EXP_Q1));
    q = v_fma(q, r, v_set(FK_EXP_Q0));
    lanes p = v_add(v_set(1.0f), v_fma(v_mul(r, r), q, r));
    lanes power = v_as_float(v_shift_left(v_as_int(shifted), 23));
    return v_select(v_less(x, v_set(FK_WEIGHT_LOWEST)), v_zero(), v_mul(p, power));
}

FK_LANE lanes v_log(lanes x) {
    mask_lanes small = v_less(x, v_set(0x1p-126f));
    lanes scaled = v_select(small, v_mul(x, v_set(0x1p23f)), x);
    int_lanes shifted = v_int_sub(v_as_int(scaled), v_int_set(FK_SQRT_HALF_BITS));
    lanes e = v_add(v_select(small, v_set(-23.0f), v_zero()),
                    v_float(v_shift_right_signed(shifted, 23)));
    int_lanes mantissa = v_int_add(v_int_and(shifted, v_int_set(0x7fffff)),
                                   v_int_set(FK_SQRT_HALF_BITS));
    lanes f = v_sub(v_as_float(mantissa), v_set(1.0f));
    lanes p = v_fma(v_set(FK_LOG_P7), f, v_set(FK_LOG_P6));
    p = v_fma(p, f, v_set(FK_LOG_P5));
    p = v_fma(p, f, v_set(FK_LOG_P4));
    p = v_fma(p, f, v_set(FK_LOG_P3));
    p = v_fma(p, f, v_set(FK_LOG_P2));
    p = v_fma(p, f, v_set(FK_LOG_P1));
    p = v_fma(p, f, v_set(FK_LOG_P0));
    lanes square = v_mul(f, f);
    lanes r = v_fma(v_mul(f, square), p, v_mul(v_set(-0.5f), square));
    r = v_fma(e, v_set(FK_LN2_LOW), r);
    lanes y = v_fma(e, v_set(FK_LN2_HIGH), v_add(f, r));
    y = v_select(v_equal(x, v_zero()), v_set(-INFINITY), y);
    y = v_select(v_less(x, v_zero()), v_set(NAN), y);
    return v_select(v_either(v_is_nan(x), v_equal(x, v_set(INFINITY))), x, y);
}

FK_LANE lanes v_tanh(lanes x) {
    lanes a = v_magnitude(x), u = v_mul(x, x);
    lanes p = v_fma(v_set(FK_TANH_P4), u, v_set(FK_TANH_P3));
    p = v_fma(p, u, v_set(FK_TANH_P2));
    p = v_fma(p, u, v_set(FK_TANH_P1));
    p = v_fma(p, u, v_set(FK_TANH_P0));
    lanes near = v_fma(v_mul(x, u), p, x);
    lanes e = v_exp(v_mul(v_set(2.0f), a));
    lanes far = v_sub(v_set(1.0f), v_div(v_set(2.0f), v_add(e, v_set(1.0f))));
    return v_select(v_less(a, v_set(FK_TANH_SMALL)), near, v_with_sign(far, x));
}

FK_LANE lanes v_erf(lanes x) {
    lanes a = v_magnitude(x), u = v_mul(x, x);
    lanes p = v_fma(v_set(FK_ERF_P6), u, v_set(FK_ERF_P5));
    p = v_fma(p, u, v_set(FK_ERF_P4));
    p = v_fma(p, u, v_set(FK_ERF_P3));
    p = v_fma(p, u, v_set(FK_ERF_P2));
    p = v_fma(p, u, v_set(FK_ERF_P1));
    p = v_fma(p, u, v_set(FK_ERF_P0));
    lanes near = v_fma(x, p, x);
    lanes b = v_min(v_set(4.0f), a);
    lanes q = v_fma(v_set(FK_ERF_Q7), b, v_set(FK_ERF_Q6));
    q = v_fma(q, b, v_set(FK_ERF_Q5));
    q = v_fma(q, b, v_set(FK_ERF_Q4));
    q = v_fma(q, b, v_set(FK_ERF_Q3));
    q = v_fma(q, b, v_set(FK_ERF_Q2));
    q = v_fma(q, b, v_set(FK_ERF_Q1));
    q = v_fma(q, b, v_set(FK_ERF_Q0));
    lanes far = v_with_sign(v_sub(v_set(1.0f), v_exp(q)), x);
    return v_select(v_less(a, v_set(1.0f)), near, far);
}

FK_LANE lanes v_sigmoid(lanes x) {
    return v_div(v_set(1.0f), v_add(v_set(1.0f), v_exp(v_negate(x))));
}

/* The 64 lanes of an ordered sum, in four registers, and their join. */
typedef struct sum_lanes {
    lanes part[4];
} sum_lanes;

FK_LANE sum_lanes v_sum_zero(void) {
    return (sum_lanes){{v_zero(), v_zero(), v_zero(), v_zero()}};
}

FK_LANE float v_join(sum_lanes sum) {
    return v_halve(v_add(v_add(sum.part[0], sum.part[1]), v_add(sum.part[2], sum.part[3])));
}

/* Lanes of a row of `width` that exist from element k on, at most 16. */
FK_LANE size_t v_remaining(size_t width, size_t k) {
    return width <= k ? 0 : width - k < 16 ? width - k : 16;
}

/* Sixteen elements of a row of `width` from element k on, zero past its end; writing
 * stops there. */
FK_LANE lanes v_load_row(const float *row, size_t k, size_t width) {
    size_t there = v_remaining(width, k);
    if (there == 16) return v_load(row + k);
    return there == 0 ? v_zero() : v_load_first(row + k, there);
}
FK_LANE void v_store_row(float *row, size_t k, size_t width, lanes x) {
    size_t there = v_remaining(width, k);
    if (there == 16)
        v_store(row + k, x);
    else if (there > 0)
        v_store_first(row + k, x, there);
}

/* The ordered sums of x y, and of x. */
FK_LANE float v_dot(const float *x, const float *y, size_t count) {
    sum_lanes sum = v_sum_zero();
    size_t k = 0;
    for (; k + 64 <= count; k += 64)
#pragma clang loop unroll(full)
        for (size_t i = 0; i < 4; i++)
            sum.part[i] = v_fma(v_load(x + k + 16 * i), v_load(y + k + 16 * i), sum.part[i]);
    if (k < count)
        for (size_t i = 0; i < 4; i++)
            sum.part[i] = v_fma(v_load_row(x, k + 16 * i, count),
                                v_load_row(y, k + 16 * i, count), sum.part[i]);
    return v_join(sum);
}

/* The ordered sum of (x - y)^2. */
FK_LANE float v_distance(const float *x, const float *y, size_t count) {
    sum_lanes sum = v_sum_zero();
    size_t k = 0;
    for (; k + 64 <= count; k += 64)
#pragma clang loop unroll(full)
        for (size_t i = 0; i < 4; i++) {
            lanes difference = v_sub(v_load(x + k + 16 * i), v_load(y + k + 16 * i));
            sum.part[i] = v_fma(difference, difference, sum.part[i]);
        }
    /* The parts past the end would add zeros. */
    for (size_t i = 0; k < count; i++, k += 16) {
        lanes difference = v_sub(v_load_row(x, k, count), v_load_row(y, k, count));
        sum.part[i] = v_fma(difference, difference, sum.part[i]);
    }
    return v_join(sum);
}

FK_LANE float v_sum(const float *x, size_t count) {
    sum_lanes sum = v_sum_zero();
    size_t k = 0;
    for (; k + 64 <= count; k += 64)
#pragma clang loop unroll(full)
        for (size_t i = 0; i < 4; i++) sum.part[i] = v_add(sum.part[i], v_load(x + k + 16 * i));
    if (k < count)
        for (size_t i = 0; i < 4; i++)
            sum.part[i] = v_add(sum.part[i], v_load_row(x, k + 16 * i, count));
    return v_join(sum);
}

#endif
