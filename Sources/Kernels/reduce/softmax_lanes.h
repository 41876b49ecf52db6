/* Softmax and its relatives at one level: the orders of softmax_reference.c. */

FK_LANE float row_maximum(const float *x, float scale, size_t width) {
    lanes m[4] = {v_set(-INFINITY), v_set(-INFINITY), v_set(-INFINITY), v_set(-INFINITY)};
    lanes factor = v_set(scale);
    size_t k = 0;
    for (; k + 64 <= width; k += 64)
#pragma clang loop unroll(full)
        for (size_t j = 0; j < 4; j++)
            m[j] = v_max(m[j], v_mul(v_load(x + k + 16 * j), factor));
    for (; k + 16 <= width; k += 16) m[0] = v_max(m[0], v_mul(v_load(x + k), factor));
    float largest = v_largest(v_max(v_max(m[0], m[1]), v_max(m[2], m[3])));
    for (; k < width; k++) largest = fk_max1(largest, x[k] * scale);
    return largest;
}

/* exp(scale x - m) of element k on, 0 past the end; also written to `y` unless NULL. */
FK_LANE lanes weigh(float *y, const float *x, float scale, float m, size_t k, size_t width) {
    lanes e = v_exp(v_sub(v_mul(v_load_row(x, k, width), v_set(scale)), v_set(m)));
    size_t there = v_remaining(width, k);
    if (there < 16) e = v_keep_first(e, there);
    if (y) v_store_row(y, k, width, e);
    return e;
}

/* The ordered sum of exp(scale x - m), each of which is written to `y` unless NULL. */
FK_LANE float exp_row(float *y, const float *x, float scale, float m, size_t width) {
    sum_lanes sum = v_sum_zero();
    for (size_t k = 0; k < width; k += 64)
#pragma clang loop unroll(full)
        for (size_t j = 0; j < 4; j++)
            sum.part[j] = v_add(sum.part[j], weigh(y, x, scale, m, k + 16 * j, width));
    return v_join(sum);
}

FK_LANE void scale_in_place(float *y, float factor, size_t width) {
    for (size_t k = 0; k < width; k += 16)
        v_store_row(y, k, width, v_mul(v_load_row(y, k, width), v_set(factor)));
}

FK_TARGET void FK_NAMED(softmax_f32)(float *y, size_t y_stride, const float *x,
                                     size_t x_stride, float scale, const size_t *lengths,
                                     size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++, x += x_stride, y += y_stride) {
        size_t length = lengths && lengths[i] < width ? lengths[i] : width;
        float sum = exp_row(y, x, scale, row_maximum(x, scale, length), length);
        scale_in_place(y, 1.0f / sum, length);
        for (size_t k = length; k < width; k += 16) v_store_row(y, k, width, v_zero());
    }
}

FK_TARGET void FK_NAMED(softmax_backward_f32)(float *dx, size_t dx_stride, const float *dy,
                                              size_t dy_stride, const float *y,
                                              size_t y_stride, float scale, size_t rows,
                                              size_t width) {
    for (size_t i = 0; i < rows; i++, dx += dx_stride, dy += dy_stride, y += y_stride) {
        float mean = v_dot(dy, y, width);
        for (size_t k = 0; k < width; k += 16)
            v_store_row(dx, k, width,
                        v_mul(v_mul(v_set(scale), v_load_row(y, k, width)),
                              v_sub(v_load_row(dy, k, width), v_set(mean))));
    }
}

FK_TARGET void FK_NAMED(logsumexp_f32)(float *results, const float *x, size_t x_stride,
                                       size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++, x += x_stride) {
        float m = row_maximum(x, 1.0f, width);
        results[i] = m + fk_log1(exp_row(NULL, x, 1.0f, m, width));
    }
}

FK_TARGET void FK_NAMED(log_softmax_f32)(float *y, size_t y_stride, const float *x,
                                         size_t x_stride, size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++, x += x_stride, y += y_stride) {
        float m = row_maximum(x, 1.0f, width);
        float log_sum = fk_log1(exp_row(NULL, x, 1.0f, m, width));
        for (size_t k = 0; k < width; k += 16)
            v_store_row(y, k, width,
                        v_sub(v_sub(v_load_row(x, k, width), v_set(m)), v_set(log_sum)));
    }
}

FK_TARGET void FK_NAMED(log_softmax_backward_f32)(float *dx, size_t dx_stride,
                                                  const float *dy, size_t dy_stride,
                                                  const float *y, size_t y_stride,
                                                  size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++, dx += dx_stride, dy += dy_stride, y += y_stride) {
        float sum = v_sum(dy, width);
        for (size_t k = 0; k < width; k += 16)
            v_store_row(dx, k, width,
                        v_fma(v_set(-sum), v_exp(v_load_row(y, k, width)),
                              v_load_row(dy, k, width)));
    }
}

FK_TARGET void FK_NAMED(cross_entropy_f32)(float *losses, float *gradient,
                                           size_t gradient_stride, size_t *invalid_labels,
                                           const float *logits, size_t logits_stride,
                                           const int32_t *labels, float gradient_scale,
                                           size_t rows, size_t width) {
    *invalid_labels = 0;
    for (size_t i = 0; i < rows; i++) {
        const float *x = logits + i * logits_stride;
        float *g = gradient ? gradient + i * gradient_stride : NULL;
        if (labels[i] < 0 || (size_t)labels[i] >= width) {
            if (labels[i] != FK_IGNORED_LABEL) *invalid_labels += 1;
            losses[i] = 0;
            for (size_t k = 0; g && k < width; k += 16) v_store_row(g, k, width, v_zero());
            continue;
        }
        float m = row_maximum(x, 1.0f, width), chosen = x[labels[i]];
        float sum = exp_row(g, x, 1.0f, m, width);
        losses[i] = fk_log1(sum) - (chosen - m);
        if (!g) continue;
        float factor = gradient_scale / sum;
        scale_in_place(g, factor, width);
        g[labels[i]] = fmaf(fk_exp1(chosen - m), factor, -gradient_scale);
    }
}
