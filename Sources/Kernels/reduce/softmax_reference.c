#include "../include/fk_nn.h"
#include "../lanes/scalar.h"

#pragma STDC FP_CONTRACT OFF

/* max(scale x) and the ordered sum of exp(scale x - max). */
static void maximum_and_sum(float *maximum, float *sum, const float *x, float scale,
                            size_t width) {
    float m = -INFINITY;
    FK_SCALAR_LOOP
    for (size_t k = 0; k < width; k++) m = fk_max1(m, x[k] * scale);
    float lanes[64] = {0};
    FK_SCALAR_LOOP
    for (size_t k = 0; k < width; k++) lanes[k % 64] += fk_exp1(x[k] * scale - m);
    *maximum = m;
    *sum = fk_join64(lanes);
}

void fk_softmax_f32_reference(float *y, size_t y_stride, const float *x, size_t x_stride,
                              float scale, const size_t *lengths, size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++, x += x_stride, y += y_stride) {
        size_t length = lengths && lengths[i] < width ? lengths[i] : width;
        float m, sum;
        maximum_and_sum(&m, &sum, x, scale, length);
        float inverse = 1.0f / sum;
        FK_SCALAR_LOOP
        for (size_t k = 0; k < length; k++) y[k] = fk_exp1(x[k] * scale - m) * inverse;
        FK_SCALAR_LOOP
        for (size_t k = length; k < width; k++) y[k] = 0;
    }
}

void fk_softmax_backward_f32_reference(float *dx, size_t dx_stride, const float *dy,
                                       size_t dy_stride, const float *y, size_t y_stride,
                                       float scale, size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++, dx += dx_stride, dy += dy_stride, y += y_stride) {
        float mean = fk_dot1(dy, y, width);
        FK_SCALAR_LOOP
        for (size_t k = 0; k < width; k++) dx[k] = (scale * y[k]) * (dy[k] - mean);
    }
}

void fk_logsumexp_f32_reference(float *results, const float *x, size_t x_stride, size_t rows,
                                size_t width) {
    for (size_t i = 0; i < rows; i++, x += x_stride) {
        float m, sum;
        maximum_and_sum(&m, &sum, x, 1.0f, width);
        results[i] = m + fk_log1(sum);
    }
}

void fk_log_softmax_f32_reference(float *y, size_t y_stride, const float *x, size_t x_stride,
                                  size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++, x += x_stride, y += y_stride) {
        float m, sum;
        maximum_and_sum(&m, &sum, x, 1.0f, width);
        float log_sum = fk_log1(sum);
        FK_SCALAR_LOOP
        for (size_t k = 0; k < width; k++) y[k] = (x[k] - m) - log_sum;
    }
}

void fk_log_softmax_backward_f32_reference(float *dx, size_t dx_stride, const float *dy,
                                           size_t dy_stride, const float *y, size_t y_stride,
                                           size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++, dx += dx_stride, dy += dy_stride, y += y_stride) {
        float sum = fk_sum1(dy, width);
        FK_SCALAR_LOOP
        for (size_t k = 0; k < width; k++) dx[k] = fmaf(-sum, fk_exp1(y[k]), dy[k]);
    }
}

void fk_cross_entropy_f32_reference(float *losses, float *gradient, size_t gradient_stride,
                                    size_t *invalid_labels, const float *logits,
                                    size_t logits_stride, const int32_t *labels,
                                    float gradient_scale, size_t rows, size_t width) {
    *invalid_labels = 0;
    for (size_t i = 0; i < rows; i++) {
        const float *x = logits + i * logits_stride;
        float *g = gradient ? gradient + i * gradient_stride : NULL;
        int counted = labels[i] >= 0 && (size_t)labels[i] < width;
        if (!counted) {
            if (labels[i] != FK_IGNORED_LABEL) *invalid_labels += 1;
            losses[i] = 0;
            FK_SCALAR_LOOP
            for (size_t k = 0; g && k < width; k++) g[k] = 0;
            continue;
        }
        float m, sum;
        maximum_and_sum(&m, &sum, x, 1.0f, width);
        float chosen = x[labels[i]];
        losses[i] = fk_log1(sum) - (chosen - m);
        if (!g) continue;
        float factor = gradient_scale / sum;
        float at_label = fmaf(fk_exp1(chosen - m), factor, -gradient_scale);
        FK_SCALAR_LOOP
        for (size_t k = 0; k < width; k++) g[k] = fk_exp1(x[k] - m) * factor;
        g[labels[i]] = at_label;
    }
}
