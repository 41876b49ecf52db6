/* Searches for the scale, or scale and minimum, that lose least.
 *
 * The idea is that of ggml's K formats (ggml, src/ggml-quants.c; llama.cpp pull
 * request 1684 by I. Kawrakow, 2023): rounding by a slightly larger or smaller
 * scale than the range asks for gives other codes; for any codes the best scale
 * (and minimum) is a weighted least-squares solution in closed form; keep the
 * candidate with the least weighted squared error. We then round by the best
 * solution once more, and keep that while it is better still.
 *
 * Elements come eight to a vector of the compiler's own vector type, which every
 * target can run: sums have eight fixed lanes, added up pairwise at the end, so
 * the register width changes no bit. Codes are clamped before they become
 * integers, so no input is undefined behaviour. */
#ifndef FK_QUANTIZE_SEARCH_H
#define FK_QUANTIZE_SEARCH_H

#include <math.h>
#include <stdint.h>

#include "layouts.h"
#include "scalar.h"

#pragma STDC FP_CONTRACT OFF

/* Compiled into every level's variant, with the group size known. */
#define FK_SEARCH static inline __attribute__((always_inline))

/* Eight elements. Handed around by pointer: by value, the calling convention
 * would depend on the level. */
typedef float fk_eight __attribute__((ext_vector_type(8), aligned(4), may_alias));

enum { fk_group_vectors = 4 }; /* the largest group has 32 elements */

FK_SEARCH const fk_eight *fk_eights(const float *x) { return (const fk_eight *)x; }

/* The integer nearest to v within [low, high], as a float; ties to even; NaN to low.
 * Adding 1.5 * 2^23 leaves no bits for a fraction. */
FK_SEARCH float fk_round_code(float v, float low, float high) {
    v = v > low ? v : low;
    v = v < high ? v : high;
    return (v + 12582912.0f) - 12582912.0f;
}

FK_SEARCH void fk_round_codes(fk_eight *v, float low, float high) {
    fk_eight lowest = low, highest = high;
    *v = *v > lowest ? *v : lowest;
    *v = *v < highest ? *v : highest;
    *v = (*v + 12582912.0f) - 12582912.0f;
}

FK_SEARCH float fk_sum_lanes(const fk_eight *v) {
    return (((*v)[0] + (*v)[4]) + ((*v)[2] + (*v)[6])) +
           (((*v)[1] + (*v)[5]) + ((*v)[3] + (*v)[7]));
}

/* The element of greatest magnitude; the first of equals. */
FK_SEARCH float fk_extreme(int n, const float *x) {
    float extreme = 0;
    for (int i = 0; i < n; i++)
        if (fabsf(x[i]) > fabsf(extreme)) extreme = x[i];
    return extreme;
}

FK_SEARCH float fk_sum_squares(int n, const float *x) {
    const fk_eight *v = fk_eights(x);
    fk_eight sum = 0;
    for (int i = 0; i < n / 8; i++) sum += v[i] * v[i];
    return fk_sum_lanes(&sum);
}

FK_SEARCH float fk_sum(int n, const float *x) {
    const fk_eight *v = fk_eights(x);
    fk_eight sum = 0;
    for (int i = 0; i < n / 8; i++) sum += v[i];
    return fk_sum_lanes(&sum);
}

/* For codes of x by one inverse scale: the sums of w x q and of w q q. */
FK_SEARCH void fk_try_scale(int n, float low, float high, const float *x, const float *w,
                            float inverse, float *sum_xq, float *sum_qq) {
    const fk_eight *xs = fk_eights(x), *ws = fk_eights(w);
    fk_eight xq = 0, qq = 0;
    for (int i = 0; i < n / 8; i++) {
        fk_eight code = inverse * xs[i];
        fk_round_codes(&code, low, high);
        fk_eight weighted = ws[i] * code;
        xq += weighted * xs[i];
        qq += weighted * code;
    }
    *sum_xq = fk_sum_lanes(&xq);
    *sum_qq = fk_sum_lanes(&qq);
}

/* The scale s that minimises the sum of w (x - s q)^2 with q in [low, high].
 *
 * `reach` is the code of the largest element at the first guess. The error is
 * (sum w x x) - (sum w x q)^2 / (sum w q q), so the greatest quotient wins.
 * n is a multiple of 8, at most 32; 0 if x is all zero. */
FK_SEARCH float fk_search_scale(int n, float low, float high, float reach, const float *x,
                                const float *w) {
    float xq, qq, extreme = fk_extreme(n, x);
    if (extreme == 0) return 0;
    float scale = extreme / reach, best = 0;
    for (int step = -9; step <= 9; step++) {
        float inverse = (reach + 0.1f * (float)step) / extreme;
        fk_try_scale(n, low, high, x, w, inverse, &xq, &qq);
        if (qq > 0 && xq * xq > best * qq) {
            scale = xq / qq;
            best = xq * scale;
        }
    }
    for (int again = 0; again < 2; again++) {
        fk_try_scale(n, low, high, x, w, 1 / scale, &xq, &qq);
        if (!(qq > 0 && xq * xq > best * qq)) break;
        scale = xq / qq;
        best = xq * scale;
    }
    return scale;
}

/* What all candidates of one affine search share. */
typedef struct {
    float w, x;       /* sum of w, of w x */
    float low, range; /* least element (at most 0) and the distance to the greatest */
} fk_affine_group;

FK_SEARCH fk_affine_group fk_affine_sums(int n, const float *x, const float *w) {
    const fk_eight *xs = fk_eights(x), *ws = fk_eights(w);
    fk_eight sum_w = 0, sum_x = 0;
    float low = x[0], high = x[0];
    for (int i = 0; i < n; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    for (int i = 0; i < n / 8; i++) {
        sum_w += ws[i];
        sum_x += ws[i] * xs[i];
    }
    if (!(low < 0)) low = 0;
    fk_affine_group group = {fk_sum_lanes(&sum_w), fk_sum_lanes(&sum_x), low, high - low};
    return group;
}

/* Codes of x by (x - low) * inverse, then the best scale and offset for them:
 * returns the weighted squared error of scale q + offset. */
FK_SEARCH float fk_fit_affine(int n, float top, const float *x, const float *w,
                              const fk_affine_group *group, float inverse, float low,
                              float *scale, float *offset) {
    const fk_eight *xs = fk_eights(x), *ws = fk_eights(w);
    fk_eight codes[fk_group_vectors], q = 0, qq = 0, xq = 0, error = 0;
    for (int i = 0; i < n / 8; i++) {
        codes[i] = inverse * (xs[i] - low);
        fk_round_codes(&codes[i], 0, top);
        fk_eight weighted = ws[i] * codes[i];
        q += weighted;
        qq += weighted * codes[i];
        xq += weighted * xs[i];
    }
    float sum_q = fk_sum_lanes(&q), sum_qq = fk_sum_lanes(&qq), sum_xq = fk_sum_lanes(&xq);
    float determinant = group->w * sum_qq - sum_q * sum_q;
    if (!(determinant > 0)) return INFINITY;
    *scale = (group->w * sum_xq - group->x * sum_q) / determinant;
    *offset = (sum_qq * group->x - sum_q * sum_xq) / determinant;
    if (*offset > 0) { /* the format can only subtract a minimum */
        *offset = 0;
        *scale = sum_xq / sum_qq;
    }
    for (int i = 0; i < n / 8; i++) {
        fk_eight miss = *scale * codes[i] + *offset - xs[i];
        error += ws[i] * miss * miss;
    }
    return fk_sum_lanes(&error);
}

/* The scale s >= 0 and minimum m >= 0 that minimise the sum of
 * w (x - (s q - m))^2 with q in [0, top]. Returns s. n is a multiple of 8, at
 * most 32. */
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

/* Weights of a group: how much an error matters.
 *
 * With an importance (the mean square of the activation an element meets), it
 * times a slowly growing function of the element's size. Without, root mean
 * square plus magnitude: on normal and on heavy-tailed rows this loses less than
 * the square of the element, by the plain and by the magnitude-weighted error. */
FK_SEARCH void fk_weigh(int n, const float *x, const float *importance, float mean_square,
                        float *w) {
    float mean = sqrtf(fk_sum_squares(n, x) / (float)n);
    for (int i = 0; i < n; i++)
        w[i] = importance ? importance[i] * sqrtf(2 * mean_square + x[i] * x[i])
                          : mean + fabsf(x[i]);
}

#endif
