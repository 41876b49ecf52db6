/* Norms at one level: the formulas and orders of norm_reference.c. */

FK_LANE float inverse_root(float squares, float eps, size_t width) {
    return v_lane0(v_div(v_set(1.0f), v_sqrt(v_set(squares / (float)width + eps))));
}

/* y = (x r) weight */
FK_LANE void scale_row(float *y, const float *x, float r, const float *weight, size_t width) {
    size_t k = 0;
    if (weight) {
        for (; k + 16 <= width; k += 16)
            v_store(y + k, v_mul(v_mul(v_load(x + k), v_set(r)), v_load(weight + k)));
        if (k < width)
            v_store_row(y, k, width,
                        v_mul(v_mul(v_load_row(x, k, width), v_set(r)),
                              v_load_row(weight, k, width)));
    } else {
        for (; k + 16 <= width; k += 16) v_store(y + k, v_mul(v_load(x + k), v_set(r)));
        if (k < width) v_store_row(y, k, width, v_mul(v_load_row(x, k, width), v_set(r)));
    }
}

FK_TARGET void FK_NAMED(rms_norm_f32)(float *y, size_t y_stride, float *inverse_rms,
                                      const float *x, size_t x_stride, const float *weight,
                                      float eps, size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++, x += x_stride, y += y_stride) {
        float r = inverse_root(v_dot(x, x, width), eps, width);
        if (inverse_rms) inverse_rms[i] = r;
        scale_row(y, x, r, weight, width);
    }
}

FK_TARGET void FK_NAMED(add_rms_norm_f32)(float *y, float *sum, const float *x,
                                          const float *residual, size_t stride,
                                          const float *weight, float eps, size_t rows,
                                          size_t width) {
    for (size_t i = 0; i < rows;
         i++, x += stride, residual += stride, sum += stride, y += stride) {
        sum_lanes squares = v_sum_zero();
        size_t k = 0;
        for (; k + 64 <= width; k += 64) {
#pragma clang loop unroll(full)
            for (size_t j = 0; j < 4; j++) {
                lanes s = v_add(v_load(x + k + 16 * j), v_load(residual + k + 16 * j));
                v_store(sum + k + 16 * j, s);
                squares.part[j] = v_fma(s, s, squares.part[j]);
            }
        }
        if (k < width)
            for (size_t j = 0; j < 4; j++, k += 16) {
                lanes s = v_add(v_load_row(x, k, width), v_load_row(residual, k, width));
                v_store_row(sum, k, width, s);
                squares.part[j] = v_fma(s, s, squares.part[j]);
            }
        scale_row(y, sum, inverse_root(v_join(squares), eps, width), weight, width);
    }
}

/* dy weight */
FK_LANE lanes weighted(const float *dy, const float *weight, size_t k, size_t width) {
    lanes g = v_load_row(dy, k, width);
    return weight ? v_mul(g, v_load_row(weight, k, width)) : g;
}

FK_TARGET void FK_NAMED(rms_norm_backward_f32)(float *dx, size_t dx_stride, const float *dy,
                                               size_t dy_stride, const float *x,
                                               size_t x_stride, const float *inverse_rms,
                                               const float *weight, size_t rows,
                                               size_t width) {
    for (size_t i = 0; i < rows; i++, dx += dx_stride, dy += dy_stride, x += x_stride) {
        float r = inverse_rms[i];
        sum_lanes products = v_sum_zero();
        for (size_t k = 0; k < width; k += 64)
#pragma clang loop unroll(full)
            for (size_t j = 0; j < 4; j++)
                products.part[j] =
                    v_fma(weighted(dy, weight, k + 16 * j, width),
                          v_load_row(x, k + 16 * j, width), products.part[j]);
        float share = (r * r) * (v_join(products) / (float)width);
        for (size_t k = 0; k < width; k += 16) {
            lanes g = weighted(dy, weight, k, width);
            lanes d = v_fma(v_set(-share), v_load_row(x, k, width), g);
            v_store_row(dx, k, width, v_mul(v_set(r), d));
        }
    }
}

FK_TARGET void FK_NAMED(rms_norm_backward_weight_f32)(float *dweight, const float *dy,
                                                      size_t dy_stride, const float *x,
                                                      size_t x_stride,
                                                      const float *inverse_rms, size_t rows,
                                                      size_t begin, size_t end) {
    for (size_t block = 0; block < rows; block += 64) {
        size_t block_end = rows - block < 64 ? rows : block + 64;
        for (size_t k = begin; k < end; k += 16) {
            lanes sum = v_zero();
            for (size_t i = block; i < block_end; i++) {
                lanes normed = v_mul(v_load_row(x + i * x_stride, k, end), v_set(inverse_rms[i]));
                sum = v_fma(v_load_row(dy + i * dy_stride, k, end), normed, sum);
            }
            v_store_row(dweight, k, end, v_add(v_load_row(dweight, k, end), sum));
        }
    }
}

FK_TARGET void FK_NAMED(layer_norm_f32)(float *y, size_t y_stride, float *means,
                                        float *inverse_deviations, const float *x,
                                        size_t x_stride, const float *weight,
                                        const float *bias, float eps, size_t rows,
                                        size_t width) {
    for (size_t i = 0; i < rows; i++, x += x_stride, y += y_stride) {
        float mean = v_sum(x, width) / (float)width;
        sum_lanes squares = v_sum_zero();
        for (size_t k = 0; k < width; k += 64)
#pragma clang loop unroll(full)
            for (size_t j = 0; j < 4; j++) {
                size_t at = k + 16 * j;
                lanes centred = v_sub(v_load_row(x, at, width), v_set(mean));
                centred = v_keep_first(centred, v_remaining(width, at));
                squares.part[j] = v_fma(centred, centred, squares.part[j]);
            }
        float r = inverse_root(v_join(squares), eps, width);
        if (means) means[i] = mean;
        if (inverse_deviations) inverse_deviations[i] = r;
        for (size_t k = 0; k < width; k += 16) {
            lanes normed = v_mul(v_sub(v_load_row(x, k, width), v_set(mean)), v_set(r));
            if (weight) normed = v_mul(normed, v_load_row(weight, k, width));
            if (bias) normed = v_add(normed, v_load_row(bias, k, width));
            v_store_row(y, k, width, normed);
        }
    }
}

FK_TARGET void FK_NAMED(layer_norm_backward_f32)(float *dx, size_t dx_stride, const float *dy,
                                                 size_t dy_stride, const float *x,
                                                 size_t x_stride, const float *means,
                                                 const float *inverse_deviations,
                                                 const float *weight, size_t rows,
                                                 size_t width) {
    for (size_t i = 0; i < rows; i++, dx += dx_stride, dy += dy_stride, x += x_stride) {
        lanes mean = v_set(means[i]), r = v_set(inverse_deviations[i]);
        sum_lanes sums = v_sum_zero(), products = v_sum_zero();
        for (size_t k = 0; k < width; k += 64)
#pragma clang loop unroll(full)
            for (size_t j = 0; j < 4; j++) {
                size_t at = k + 16 * j;
                lanes g = weighted(dy, weight, at, width);
                lanes n = v_mul(v_sub(v_load_row(x, at, width), mean), r);
                n = v_keep_first(n, v_remaining(width, at));
                sums.part[j] = v_add(sums.part[j], g);
                products.part[j] = v_fma(g, n, products.part[j]);
            }
        float mean_g = v_join(sums) / (float)width;
        float mean_gn = v_join(products) / (float)width;
        for (size_t k = 0; k < width; k += 16) {
            lanes g = v_sub(weighted(dy, weight, k, width), v_set(mean_g));
            lanes n = v_mul(v_sub(v_load_row(x, k, width), mean), r);
            v_store_row(dx, k, width, v_mul(r, v_fma(v_set(-mean_gn), n, g)));
        }
    }
}

FK_TARGET void FK_NAMED(layer_norm_backward_weight_f32)(
    float *dweight, const float *dy, size_t dy_stride, const float *x, size_t x_stride,
    const float *means, const float *inverse_deviations, size_t rows, size_t begin,
    size_t end) {
    for (size_t block = 0; block < rows; block += 64) {
        size_t block_end = rows - block < 64 ? rows : block + 64;
        for (size_t k = begin; k < end; k += 16) {
            lanes sum = v_zero();
            for (size_t i = block; i < block_end; i++) {
                lanes n = v_mul(v_sub(v_load_row(x + i * x_stride, k, end), v_set(means[i])),
                                v_set(inverse_deviations[i]));
                sum = v_fma(v_load_row(dy + i * dy_stride, k, end), n, sum);
            }
            v_store_row(dweight, k, end, v_add(v_load_row(dweight, k, end), sum));
        }
    }
}
