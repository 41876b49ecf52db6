#include "compare.h"

static const float eps = 1e-5f;

static void rms(size_t width, size_t rows, int is_weighted) {
    size_t stride = width + 3, count = (rows - 1) * stride + width;
    begin_case();
    describe("%zu rows of %zu, weighted %d", rows, width, is_weighted);
    float *x = floats(count, 3), *residual = floats(count, 3), *dy = floats(count, 1);
    float *weight = is_weighted ? floats(width, 2) : NULL, *given = floats(rows, 1);
    float *y = float_output(count), *sum = float_output(count), *r = float_output(rows);
    COMPARE(rms_norm_f32, fk_rms_norm_f32(y, stride, r, x, stride, weight, eps, rows, width));
    COMPARE(add_rms_norm_f32,
            fk_add_rms_norm_f32(y, sum, x, residual, stride, weight, eps, rows, width));
    COMPARE(rms_norm_backward_f32,
            fk_rms_norm_backward_f32(y, stride, dy, stride, x, stride, given, weight, rows,
                                     width));
}

static void layer(size_t width, size_t rows, int is_weighted) {
    size_t stride = width + 3, count = (rows - 1) * stride + width;
    begin_case();
    describe("%zu rows of %zu, weighted %d", rows, width, is_weighted);
    float *x = floats(count, 3), *dy = floats(count, 1);
    float *weight = is_weighted ? floats(width, 2) : NULL;
    float *bias = is_weighted ? floats(width, 2) : NULL;
    float *means = floats(rows, 1), *inverses = floats(rows, 1);
    float *y = float_output(count), *mean = float_output(rows), *inverse = float_output(rows);
    COMPARE(layer_norm_f32, fk_layer_norm_f32(y, stride, mean, inverse, x, stride, weight, bias,
                                              eps, rows, width));
    COMPARE(layer_norm_backward_f32,
            fk_layer_norm_backward_f32(y, stride, dy, stride, x, stride, means, inverses,
                                       weight, rows, width));
}

static void weights(size_t width, size_t rows) {
    size_t count = rows * width, begin = width / 3, end = width - width / 5;
    begin_case();
    describe("%zu rows of %zu", rows, width);
    float *x = floats(count, 3), *dy = floats(count, 1);
    float *means = floats(rows, 1), *inverses = floats(rows, 1);
    float *dweight = floats(width, 1);
    float_output_at(dweight, width);
    COMPARE(rms_norm_backward_weight_f32,
            fk_rms_norm_backward_weight_f32(dweight, dy, width, x, width, inverses, rows, begin,
                                            end));
    COMPARE(layer_norm_backward_weight_f32,
            fk_layer_norm_backward_weight_f32(dweight, dy, width, x, width, means, inverses,
                                              rows, begin, end));
}

void compare_norms(void) {
    for (int i = 0; i < AWKWARD_SIZES; i++) {
        size_t width = awkward_sizes[i];
        if (width == 0) continue;
        for (int is_weighted = 0; is_weighted < 2; is_weighted++) {
            rms(width, 3, is_weighted);
            layer(width, 3, is_weighted);
        }
        weights(width, 5);
        weights(width, 130);
    }
}
