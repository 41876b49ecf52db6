/* Coefficients of the functions, shared by the scalar and the vector forms.
 *
 * Minimax fits of our own (Lawson iteration on Chebyshev nodes in extended
 * precision), rounded to float32. Highest power last. */
#ifndef FK_POLYNOMIALS_H
#define FK_POLYNOMIALS_H

/* exp(x) = 2^n (1 + r + r^2 q(r)), n = round(x / ln 2), r = x - n ln 2 in two steps.
 * ln 2 = FK_LN2_HIGH + FK_LN2_LOW; the high part has 15 bits, so n x high is exact.
 * Fit error of q: 3.2e-9 relative to exp on |r| <= 0.3466. Below FK_EXP_LOWEST the
 * result rounds to 0, above FK_EXP_HIGHEST to infinity. */
#define FK_EXP_LOWEST (-104.0f)
#define FK_EXP_HIGHEST 89.0f
#define FK_WEIGHT_LOWEST (-87.0f)
/* 1.5 x 2^23, at which an ulp is 1, plus the bias of the exponent. */
#define FK_WEIGHT_MAGIC (0x1.8p23f + 127.0f)
#define FK_LOG2_E 0x1.715476p+0f
#define FK_LN2_HIGH 0x1.62e400p-1f
#define FK_LN2_LOW 0x1.7f7d1cp-20f
#define FK_EXP_Q0 0.5f
#define FK_EXP_Q1 0x1.55548ep-3f
#define FK_EXP_Q2 0x1.55545ep-5f
#define FK_EXP_Q3 0x1.123b4ap-7f
#define FK_EXP_Q4 0x1.6db414p-10f

/* log(2^e (1 + f)) = e ln 2 + f - f^2 / 2 + f^3 p(f), 1 + f in [sqrt(1/2), sqrt 2).
 * Fit error: 5.9e-9 f. */
#define FK_SQRT_HALF_BITS 0x3f3504f3
#define FK_LOG_P0 0x1.55554ap-2f
#define FK_LOG_P1 -0x1.000220p-2f
#define FK_LOG_P2 0x1.99a596p-3f
#define FK_LOG_P3 -0x1.54788ap-3f
#define FK_LOG_P4 0x1.226e50p-3f
#define FK_LOG_P5 -0x1.0ce08ep-3f
#define FK_LOG_P6 0x1.07d0ccp-3f
#define FK_LOG_P7 -0x1.41ed50p-4f

/* tanh(x) = x + x^3 p(x^2) for |x| < 0.55 (fit error 1e-9 x), else 1 - 2 / (exp(2|x|) + 1). */
#define FK_TANH_SMALL 0.55f
#define FK_TANH_P0 -0x1.55554cp-2f
#define FK_TANH_P1 0x1.110d3cp-3f
#define FK_TANH_P2 -0x1.b92bbap-5f
#define FK_TANH_P3 0x1.595682p-6f
#define FK_TANH_P4 -0x1.9bba4ep-8f

/* erf(x) = x + x p(x^2) for |x| < 1 (fit error 1.2e-9 x), else
 * 1 - exp(q(|x|)) with |x| at most 4, where erf rounds to 1 (fit error 3e-11). */
#define FK_ERF_P0 0x1.06eba8p-3f
#define FK_ERF_P1 -0x1.81273ep-2f
#define FK_ERF_P2 0x1.ce2d20p-4f
#define FK_ERF_P3 -0x1.b7fbb4p-6f
#define FK_ERF_P4 0x1.5419f4p-8f
#define FK_ERF_P5 -0x1.a485e8p-11f
#define FK_ERF_P6 0x1.4ae4c6p-14f
#define FK_ERF_Q0 0x1.8a5954p-13f
#define FK_ERF_Q1 -0x1.212c0ep+0f
#define FK_ERF_Q2 -0x1.443566p-1f
#define FK_ERF_Q3 -0x1.bc151ep-4f
#define FK_ERF_Q4 0x1.9d0318p-6f
#define FK_ERF_Q5 -0x1.138cd8p-8f
#define FK_ERF_Q6 0x1.cec654p-12f
#define FK_ERF_Q7 -0x1.6bd850p-16f

/* sin(pi t / 2) = t s(t^2) and cos(pi t / 2) = c(t^2) for |t| <= 1/2 (fit errors
 * 7e-12, 5e-11). */
#define FK_SIN_S0 0x1.921fb6p+0f
#define FK_SIN_S1 -0x1.4abbcep-1f
#define FK_SIN_S2 0x1.466bbap-4f
#define FK_SIN_S3 -0x1.32ca9ep-8f
#define FK_SIN_S4 0x1.4bc89ap-13f
#define FK_COS_C0 1.0f
#define FK_COS_C1 -0x1.3bd3ccp+0f
#define FK_COS_C2 0x1.03c1dcp-2f
#define FK_COS_C3 -0x1.55c57cp-6f
#define FK_COS_C4 0x1.d9c364p-11f

/* GELU. */
#define FK_SQRT_HALF 0x1.6a09e6p-1f
#define FK_SQRT_2_OVER_PI 0x1.988454p-1f
#define FK_INVERSE_SQRT_2PI 0x1.988454p-2f
#define FK_GELU_CUBIC 0.044715f

#endif
