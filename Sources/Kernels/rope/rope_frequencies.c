#include "../include/fk_nn.h"

#include <math.h>

#pragma STDC FP_CONTRACT OFF

static const double pi = 3.14159265358979323846;

/* base^(2j / rotary), whose reciprocal is the frequency of pair j. */
static float period(size_t j, size_t rotary, double base) {
    float exponent = (float)(2 * j) / (float)rotary;
    return (float)pow(base, (double)exponent);
}

void fk_rope_frequencies_default(float *frequencies, size_t rotary, double base) {
    for (size_t j = 0; j < rotary / 2; j++) frequencies[j] = 1.0f / period(j, rotary, base);
}

void fk_rope_frequencies_linear(float *frequencies, size_t rotary, double base,
                                double factor) {
    for (size_t j = 0; j < rotary / 2; j++)
        frequencies[j] = (1.0f / period(j, rotary, base)) / (float)factor;
}

void fk_rope_frequencies_llama3(float *frequencies, size_t rotary, double base, double factor,
                                double low_frequency_factor, double high_frequency_factor,
                                double original_positions) {
    float longest = (float)(original_positions / low_frequency_factor);
    float shortest = (float)(original_positions / high_frequency_factor);
    float range = (float)(high_frequency_factor - low_frequency_factor);
    for (size_t j = 0; j < rotary / 2; j++) {
        float f = 1.0f / period(j, rotary, base);
        float wavelength = (float)(2.0 * pi) / f;
        float stretched = f / (float)factor;
        if (wavelength > longest) {
            frequencies[j] = stretched;
        } else if (wavelength < shortest) {
            frequencies[j] = f;
        } else {
            float turns = (float)original_positions / wavelength;
            float kept = (turns - (float)low_frequency_factor) / range;
            frequencies[j] = (1.0f - kept) * f / (float)factor + kept * f;
        }
    }
}

/* The pair that makes `turns` turns over the trained context. */
static double pair_of_turns(double turns, size_t rotary, double base, double positions) {
    return ((double)rotary * log(positions / (turns * 2.0 * pi))) / (2.0 * log(base));
}

static double magnitude(double factor, double scale) {
    return factor <= 1.0 ? 1.0 : 0.1 * scale * log(factor) + 1.0;
}

double fk_rope_frequencies_yarn(float *frequencies, size_t rotary, double base, fk_yarn yarn) {
    double low = pair_of_turns(yarn.beta_fast, rotary, base, yarn.original_positions);
    double high = pair_of_turns(yarn.beta_slow, rotary, base, yarn.original_positions);
    if (yarn.truncate) {
        low = floor(low);
        high = ceil(high);
    }
    if (low < 0) low = 0;
    if (high > (double)rotary - 1) high = (double)rotary - 1;
    if (low == high) high += 0.001;
    float start = (float)low, length = (float)(high - low);
    for (size_t j = 0; j < rotary / 2; j++) {
        float p = period(j, rotary, base);
        float ramp = ((float)j - start) / length;
        ramp = ramp < 0 ? 0 : ramp > 1 ? 1 : ramp;
        float kept = 1.0f - ramp;
        float stretched = 1.0f / ((float)yarn.factor * p);
        frequencies[j] = stretched * (1.0f - kept) + (1.0f / p) * kept;
    }
    if (yarn.attention_factor != 0) return yarn.attention_factor;
    if (yarn.mscale != 0 && yarn.mscale_all_dim != 0)
        return magnitude(yarn.factor, yarn.mscale) / magnitude(yarn.factor, yarn.mscale_all_dim);
    return magnitude(yarn.factor, 1.0);
}

double fk_rope_dynamic_base(double base, size_t rotary, double factor,
                            double original_positions, double length) {
    if (length < original_positions) length = original_positions;
    double stretch = factor * length / original_positions - (factor - 1.0);
    return base * pow(stretch, (double)rotary / ((double)rotary - 2.0));
}

void fk_rope_table(float *cosines, float *sines, const float *frequencies, size_t half,
                   const int32_t *positions, size_t count, double attention_factor) {
    float factor = (float)attention_factor;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < half; j++) {
            float angle = (float)positions[i] * frequencies[j];
            cosines[i * half + j] = (float)cos((double)angle) * factor;
            sines[i * half + j] = (float)sin((double)angle) * factor;
        }
    }
}
