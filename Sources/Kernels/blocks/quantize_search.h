/* Searches for the scale, or scale and minimum, that lose least.
 *
 * The idea is that of ggml's K formats (ggml, src/ggml-quants.c; llama.cpp pull
 * request 1684 by I. Kawrakow, 2023): rounding by a slightly larger or smaller
 * scale than the range asks for gives other codes; for any codes the best scale
 * (and minimum) is a weighted least-squares solution in closed form; keep the
 * candidate with the least weighted squared error. We then round by the best
 * solution once more, and keep that if it is better still.
 *
 * All sums run in eight lanes, lane j over the elements 8 i + j, added up
 * pairwise at the end: one order for every register width. Codes are clamped
 * before they become integers, so no input is undefined behaviour. */
#ifndef FK_QUANTIZE_SEARCH_H
#define FK_QUANTIZE_SEARCH_H

#include <math.h>
#include <stdint.h>

#include "layouts.h"
#include "scalar.h"

#pragma STDC FP_CONTRACT OFF

/* Compiled into every level's variant, with the group size known. */
#define FK_SEARCH static inline __attribute__((always_inline))

enum { fk_lanes = 8, fk_group_max = 32 };

/* The integer nearest to v within [low, high], as a float; ties to even; NaN to low.
 * Adding 1.5 * 2^23 leaves no bits for a fraction. */
FK_SEARCH float fk_round_code(float v, float low, float high) {
    v = v > low ? v : low;
    v = v < high ? v : high;
    return (v + 12582912.0f) - 12582912.0f;
}

FK_SEARCH float fk_sum_lanes(const float *lane) {
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* The element of greatest magnitude; the first of equals. */
FK_SEARCH float fk_extreme(int n, const float *x) {
    float extreme = 0;
    for (int i = 0; i < n; i++)
        if (fabsf(x[i]) > fabsf(extreme)) extreme = x[i];
    return extreme;
}

FK_SEARCH float fk_sum_squares(int n, const float *x) {
    float lane[fk_lanes] = {0};
    for (int i = 0; i < n; i += fk_lanes)
        for (int j = 0; j < fk_lanes; j++) lane[j] += x[i + j] * x[i + j];
    return fk_sum_lanes(lane);
}

/* Codes of x for one inverse scale, and for them sums of w x q and w q q. */
FK_SEARCH void fk_round_symmetric(int n, float low, float high, const float *x, const float *w,
                                  float inverse, float *q, float *xq, float *qq) {
    float xq_lane[fk_lanes] = {0}, qq_lane[fk_lanes] = {0};
    for (int i = 0; i < n; i += fk_lanes)
        for (int j = 0; j < fk_lanes; j++) {
            float code = fk_round_code(inverse * x[i + j], low, high);
            float weighted = w[i + j] * code;
            q[i + j] = code;
            xq_lane[j] += weighted * x[i + j];
            qq_lane[j] += weighted * code;
        }
    *xq = fk_sum_lanes(xq_lane);
    *qq = fk_sum_lanes(qq_lane);
}

/* The scale s that minimises the sum of w (x - s q)^2 with q in [-span, span - 1].
 *
 * The error is (sum w x x) - (sum w x q)^2 / (sum w q q), so the greatest
 * quotient wins. n is a multiple of 8; 0 if x is all zero. */
FK_SEARCH float fk_search_scale(int n, float span, const float *x, const float *w) {
    float q[fk_group_max], xq, qq;
    float extreme = fk_extreme(n, x);
    if (extreme == 0) return 0;
    float scale = -extreme / span, best = 0;
    for (int step = -9; step <= 9; step++) {
        float inverse = -(span + 0.1f * (float)step) / extreme;
        fk_round_symmetric(n, -span, span - 1, x, w, inverse, q, &xq, &qq);
        if (qq > 0 && xq * xq > best * qq) {
            scale = xq / qq;
            best = xq * scale;
        }
    }
    for (int again = 0; again < 2; again++) {
        fk_round_symmetric(n, -span, span - 1, x, w, 1 / scale, q, &xq, &qq);
        if (!(qq > 0 && xq * xq > best * qq)) break;
        scale = xq / qq;
        best = xq * scale;
    }
    return scale;
}

/* Sums over a group that all candidates of one affine search share. */
typedef struct {
    float w, x;       /* sum of w, of w x */
    float low, range; /* least element (at most 0) and the distance to the greatest */
} fk_affine_group;

FK_SEARCH fk_affine_group fk_affine_sums(int n, const float *x, const float *w) {
    fk_affine_group group = {0, 0, 0, 0};
    float w_lane[fk_lanes] = {0}, x_lane[fk_lanes] = {0};
    float low = x[0], high = x[0];
    for (int i = 0; i < n; i++) {
        if (x[i] < low) low = x[i];
        if (x[i] > high) high = x[i];
    }
    for (int i = 0; i < n; i += fk_lanes)
        for (int j = 0; j < fk_lanes; j++) {
            w_lane[j] += w[i + j];
            x_lane[j] += w[i + j] * x[i + j];
        }
    group.w = fk_sum_lanes(w_lane);
    group.x = fk_sum_lanes(x_lane);
    group.low = low < 0 ? low : 0;
    group.range = high - group.low;
    return group;
}

/* Codes of x by (x - low) * inverse, then the best scale and offset for them:
 * returns the weighted squared error of offset + scale q. */
FK_SEARCH float fk_fit_affine(int n, float top, const float *x, const float *w,
                              const fk_affine_group *group, float inverse, float low,
                              float *scale, float *offset) {
    float q[fk_group_max];
    float q_lane[fk_lanes] = {0}, qq_lane[fk_lanes] = {0}, xq_lane[fk_lanes] = {0};
    for (int i = 0; i < n; i += fk_lanes)
        for (int j = 0; j < fk_lanes; j++) {
            float code = fk_round_code(inverse * (x[i + j] - low), 0, top);
            float weighted = w[i + j] * code;
            q[i + j] = code;
            q_lane[j] += weighted;
            qq_lane[j] += weighted * code;
            xq_lane[j] += weighted * x[i + j];
        }
    float sum_q = fk_sum_lanes(q_lane), sum_qq = fk_sum_lanes(qq_lane);
    float sum_xq = fk_sum_lanes(xq_lane);
    float determinant = group->w * sum_qq - sum_q * sum_q;
    if (!(determinant > 0)) return INFINITY;
    *scale = (group->w * sum_xq - group->x * sum_q) / determinant;
    *offset = (sum_qq * group->x - sum_q * sum_xq) / determinant;
    if (*offset > 0) { /* the format can only subtract a minimum */
        *offset = 0;
        *scale = sum_xq / sum_qq;
    }
    float error_lane[fk_lanes] = {0};
    for (int i = 0; i < n; i += fk_lanes)
        for (int j = 0; j < fk_lanes; j++) {
            float error = *scale * q[i + j] + *offset - x[i + j];
            error_lane[j] += w[i + j] * error * error;
        }
    return fk_sum_lanes(error_lane);
}

/* The scale s >= 0 and minimum m >= 0 that minimise the sum of
 * w (x - (s q - m))^2 with q in [0, top]. Returns s. n is a multiple of 8. */
FK_SEARCH float fk_search_affine(int n, float top, const float *x, const float *w, float *min) {
    fk_affine_group group = fk_affine_sums(n, x, w);
    *min = -group.low;
    if (!(group.range > 0)) return 0;
    float best_scale = group.range / top, best = INFINITY;
    float scale, offset;
    for (int step = 0; step <= 20; step++) {
        float inverse = (top - 1 + 0.1f * (float)step) / group.range;
        float error =
            fk_fit_affine(n, top, x, w, &group, inverse, group.low, &scale, &offset);
        if (error < best && scale > 0) {
            best = error;
            best_scale = scale;
            *min = -offset;
        }
    }
    for (int again = 0; again < 4; again++) {
        float error =
            fk_fit_affine(n, top, x, w, &group, 1 / best_scale, -*min, &scale, &offset);
        if (!(error < best && scale > 0)) break;
        best = error;
        best_scale = scale;
        *min = -offset;
    }
    return best_scale;
}

/* Weights of a group: what matters by itself, times how large the element is.
 *
 * Without an importance the square (power 2) or a mix of magnitude and mean
 * magnitude (power 1) of the element stands in for it: large weights meet large
 * activations more often than not. */
FK_SEARCH void fk_weigh(int n, const float *x, const float *importance, float mean_square,
                        int power, float *w) {
    float mean = sqrtf(fk_sum_squares(n, x) / (float)n);
    for (int i = 0; i < n; i++) {
        if (importance)
            w[i] = importance[i] * sqrtf(mean_square + x[i] * x[i]);
        else
            w[i] = power == 2 ? x[i] * x[i] : mean + fabsf(x[i]);
    }
}

#endif
