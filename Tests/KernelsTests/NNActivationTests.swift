import FathomKernels
import FathomTestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

private typealias Unary = (UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, Int) -> Void
private typealias Binary = (
    UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?, Int
) -> Void

/// The same as C hands them out.
private typealias CUnary =
    @convention(c) (UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, Int) -> Void
private typealias CBinary =
    @convention(c) (
        UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?, Int
    ) -> Void

private func run(_ op: Unary, _ x: [Float]) -> [Float] {
    var y = [Float](repeating: -77, count: x.count + 1)
    op(&y, x, x.count)
    #expect(y[x.count] == -77, "wrote past the end")
    return Array(y.dropLast())
}

private func run(_ op: Binary, _ a: [Float], _ b: [Float]) -> [Float] {
    var y = [Float](repeating: -77, count: a.count + 1)
    op(&y, a, b, a.count)
    #expect(y[a.count] == -77, "wrote past the end")
    return Array(y.dropLast())
}

/// Values at which functions go wrong, then ordinary ones.
private func inputs(_ count: Int, seed: UInt64) -> [Float] {
    let special: [Float] = [
        0, -0, .infinity, -.infinity, .nan, 0x1p-133, -0x1p-133, 1e-30, 88.7, 89.5, -87.4, -103.9,
        -105,
        1e30, -1e30, 0.55, 1, -1, 4, -4, 9, -9,
    ]
    var numbers = SeededGenerator(seed: seed)
    let ordinary = numbers.row(count, scale: 10)
    return Array((special.shuffled(using: &numbers) + ordinary).prefix(count))
}

@Suite("Activation kernels")
struct NNActivationTests {
    @Test("functions of one row have the reference's bits at every level")
    func unaryLevels() {
        check(fk_exp_f32_levels, fk_exp_f32_reference, fk_exp_f32_variant)
        check(fk_log_f32_levels, fk_log_f32_reference, fk_log_f32_variant)
        check(fk_sigmoid_f32_levels, fk_sigmoid_f32_reference, fk_sigmoid_f32_variant)
        check(fk_silu_f32_levels, fk_silu_f32_reference, fk_silu_f32_variant)
        check(fk_relu_f32_levels, fk_relu_f32_reference, fk_relu_f32_variant)
        check(fk_tanh_f32_levels, fk_tanh_f32_reference, fk_tanh_f32_variant)
        check(fk_gelu_erf_f32_levels, fk_gelu_erf_f32_reference, fk_gelu_erf_f32_variant)
        check(fk_gelu_tanh_f32_levels, fk_gelu_tanh_f32_reference, fk_gelu_tanh_f32_variant)
    }

    private func check(
        _ levels: (UnsafeMutablePointer<fk_level>?) -> Int32, _ reference: Unary,
        _ variant: (fk_level) -> CUnary?,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let variants = fasterVariants(
            levels, variant)
        for count in awkwardSizes {
            let x = inputs(count, seed: UInt64(count))
            let expected = run(reference, x)
            for variant in variants {
                expectSameBits(
                    run(variant.run, x), expected, "\(variant.level), \(count) elements",
                    sourceLocation: sourceLocation)
            }
        }
    }

    @Test("functions of two rows have the reference's bits at every level")
    func binaryLevels() {
        check(fk_add_f32_levels, fk_add_f32_reference, fk_add_f32_variant)
        check(fk_subtract_f32_levels, fk_subtract_f32_reference, fk_subtract_f32_variant)
        check(fk_multiply_f32_levels, fk_multiply_f32_reference, fk_multiply_f32_variant)
        check(fk_divide_f32_levels, fk_divide_f32_reference, fk_divide_f32_variant)
        check(
            fk_sigmoid_backward_f32_levels, fk_sigmoid_backward_f32_reference,
            fk_sigmoid_backward_f32_variant)
        check(
            fk_tanh_backward_f32_levels, fk_tanh_backward_f32_reference,
            fk_tanh_backward_f32_variant)
        check(
            fk_silu_backward_f32_levels, fk_silu_backward_f32_reference,
            fk_silu_backward_f32_variant)
        check(
            fk_relu_backward_f32_levels, fk_relu_backward_f32_reference,
            fk_relu_backward_f32_variant)
        check(
            fk_gelu_erf_backward_f32_levels, fk_gelu_erf_backward_f32_reference,
            fk_gelu_erf_backward_f32_variant)
        check(
            fk_gelu_tanh_backward_f32_levels, fk_gelu_tanh_backward_f32_reference,
            fk_gelu_tanh_backward_f32_variant)
    }

    private func check(
        _ levels: (UnsafeMutablePointer<fk_level>?) -> Int32, _ reference: Binary,
        _ variant: (fk_level) -> CBinary?,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let variants = fasterVariants(
            levels, variant)
        for count in awkwardSizes {
            let a = inputs(count, seed: UInt64(count)), b = inputs(count, seed: 99)
            let expected = run(reference, a, b)
            for variant in variants {
                expectSameBits(
                    run(variant.run, a, b), expected, "\(variant.level), \(count) elements",
                    sourceLocation: sourceLocation)
            }
        }
    }

    @Test("scale, axpy and SwiGLU have the reference's bits at every level")
    func stridedLevels() {
        let scales = fasterVariants(fk_scale_f32_levels, fk_scale_f32_variant)
        let axpys = fasterVariants(fk_axpy_f32_levels, fk_axpy_f32_variant)
        let forwards = fasterVariants(fk_swiglu_f32_levels, fk_swiglu_f32_variant)
        let backwards = fasterVariants(
            fk_swiglu_backward_f32_levels, fk_swiglu_backward_f32_variant)
        for width in awkwardSizes {
            var numbers = SeededGenerator(seed: UInt64(width))
            let x = numbers.row(width), y = numbers.row(width)
            var expected = y
            fk_scale_f32_reference(&expected, x, 0.3, width)
            for variant in scales {
                var found = y
                variant.run(&found, x, 0.3, width)
                expectSameBits(found, expected, "scale \(variant.level), \(width)")
            }
            expected = y
            fk_axpy_f32_reference(&expected, 0.3, x, width)
            for variant in axpys {
                var found = y
                variant.run(&found, 0.3, x, width)
                expectSameBits(found, expected, "axpy \(variant.level), \(width)")
            }

            let rows = 3, stride = 2 * width + 1
            let both = numbers.row(rows * stride, scale: 4), dy = numbers.row(rows * stride)
            let blank = [Float](repeating: -77, count: rows * stride)
            var outputs = blank, dboth = blank
            both.withUnsafeBufferPointer { both in
                let gate = both.baseAddress, up = gate.map { $0 + width }
                fk_swiglu_f32_reference(&outputs, stride, gate, stride, up, stride, rows, width)
                dboth.withUnsafeMutableBufferPointer { d in
                    let dgate = d.baseAddress, dup = dgate.map { $0 + width }
                    fk_swiglu_backward_f32_reference(
                        dgate, stride, dup, stride, dy, stride, gate, stride, up, stride, rows,
                        width)
                }
                for variant in forwards {
                    var found = blank
                    variant.run(&found, stride, gate, stride, up, stride, rows, width)
                    expectSameBits(found, outputs, "swiglu \(variant.level), \(width)")
                }
                for variant in backwards {
                    var found = blank
                    found.withUnsafeMutableBufferPointer { d in
                        let dgate = d.baseAddress, dup = dgate.map { $0 + width }
                        variant.run(
                            dgate, stride, dup, stride, dy, stride, gate, stride, up, stride,
                            rows, width)
                    }
                    expectSameBits(found, dboth, "backward \(variant.level), \(width)")
                }
            }
        }
    }

    @Test("exp stays within 1.1 ulp over its whole range, and 2 where subnormal")
    func expAccuracy() {
        var x: [Float] = []
        var value: Float = -104.5
        while value < 89.5 {
            x.append(value)
            value += 0.000_37
        }
        let y = run(fk_exp_f32, x)
        var worst = 0.0, worstSubnormal = 0.0
        for (x, y) in zip(x, y) {
            let exact = exp(Double(x))
            let distance = ulps(y, from: exact)
            if exact < Double(Float.leastNormalMagnitude) {
                worstSubnormal = max(worstSubnormal, distance)
            } else {
                worst = max(worst, distance)
            }
        }
        #expect(worst <= 1.1)
        #expect(worstSubnormal <= 2)
    }

    @Test("exp meets infinities, NaN, overflow and underflow as documented")
    func expEnds() {
        let y = run(fk_exp_f32, [-.infinity, .infinity, .nan, 1e38, -1e38, 88.8, -104, 0, -0])
        #expect(y[0] == 0 && y[1] == .infinity && y[2].isNaN && y[3] == .infinity && y[4] == 0)
        #expect(y[5] == .infinity && y[6] == 0 && y[7] == 1 && y[8] == 1)
    }

    @Test("log stays within 2 ulp from the smallest subnormal to the largest number")
    func logAccuracy() {
        var x: [Float] = []
        var bits: UInt32 = 1
        while bits < Float.infinity.bitPattern {
            x.append(Float(bitPattern: bits))
            bits += 10_007
        }
        var value: Float = 0.7
        while value < 1.5 {
            x.append(value)
            value += 0.000_01
        }
        let worst = zip(x, run(fk_log_f32, x)).map { ulps($1, from: log(Double($0))) }.max() ?? 0
        #expect(worst <= 2)
        let ends = run(fk_log_f32, [0, -0, -1, .infinity, .nan, 1])
        #expect(ends[0] == -.infinity && ends[1] == -.infinity && ends[2].isNaN)
        #expect(ends[3] == .infinity && ends[4].isNaN && ends[5] == 0)
    }

    /// Functions against double precision. The bounds are in units of the last place of
    /// max(|y|, |x|, 2^-20): near zero the products of a small x round relative to it.
    @Test("activations agree with double precision")
    func accuracy() {
        let x = Array(stride(from: Float(-12), through: 12, by: 0.000_9))
        expectUlps(run(fk_sigmoid_f32, x), x, ulps: 3) { 1 / (1 + exp(-$0)) }
        expectUlps(run(fk_silu_f32, x), x, ulps: 3) { $0 / (1 + exp(-$0)) }
        expectUlps(run(fk_tanh_f32, x), x, ulps: 3) { tanh($0) }
        expectUlps(run(fk_gelu_erf_f32, x), x, ulps: 3) {
            $0 * (1 + erf($0 * 0.5.squareRoot())) / 2
        }
        expectUlps(run(fk_gelu_tanh_f32, x), x, ulps: 3) { geluTanh($0) }
        expectUlps(run(fk_relu_f32, x), x, ulps: 0) { max($0, 0) }
    }

    @Test("backward activations agree with central differences in double")
    func slopes() {
        let x = Array(stride(from: Float(-8), through: 8, by: 0.017))
        let dy = [Float](repeating: 1, count: x.count)
        func check(_ name: String, _ found: [Float], _ f: @escaping (Double) -> Double) {
            let exact = x.map { slope(at: Double($0), f) }
            expectNear(found, exact, within: 2e-6, "\(name)")
        }
        let sigmoid = { (x: Double) in 1 / (1 + exp(-x)) }
        check("sigmoid", run(fk_sigmoid_backward_f32, dy, run(fk_sigmoid_f32, x)), sigmoid)
        check("tanh", run(fk_tanh_backward_f32, dy, run(fk_tanh_f32, x)), { tanh($0) })
        check("silu", run(fk_silu_backward_f32, dy, x), { $0 * sigmoid($0) })
        check(
            "gelu_erf", run(fk_gelu_erf_backward_f32, dy, x),
            { $0 * (1 + erf($0 * 0.5.squareRoot())) / 2 })
        check("gelu_tanh", run(fk_gelu_tanh_backward_f32, dy, x), geluTanh)
        let away = x.map { abs($0) < 0.01 ? 1 : $0 }
        let relu = run(fk_relu_backward_f32, dy, away)
        expectNear(relu, away.map { $0 > 0 ? 1 : 0 }, within: 0)
    }

    @Test("SwiGLU and its gradient agree with double precision")
    func swiglu() {
        var numbers = SeededGenerator(seed: 5)
        let width = 100
        let gate = numbers.row(width, scale: 6), up = numbers.row(width, scale: 3)
        let dy = numbers.row(width)
        var y = gate, dgate = gate, dup = gate
        fk_swiglu_f32(&y, width, gate, width, up, width, 1, width)
        fk_swiglu_backward_f32(
            &dgate, width, &dup, width, dy, width, gate, width, up, width, 1, width)
        let silu = { (x: Double) in x / (1 + exp(-x)) }
        var exact: [Double] = [], exactGate: [Double] = [], exactUp: [Double] = []
        for k in 0..<width {
            let g = Double(gate[k]), u = Double(up[k]), d = Double(dy[k])
            exact.append(silu(g) * u)
            exactGate.append(d * u * slope(at: g, silu))
            exactUp.append(d * silu(g))
        }
        expectNear(y, exact, within: 18 * 4e-7)
        expectNear(dgate, exactGate, within: 5e-6)
        expectNear(dup, exactUp, within: 6 * 4e-7)
    }

    private func geluTanh(_ x: Double) -> Double {
        x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x))) / 2
    }

    private func expectUlps(
        _ found: [Float], _ x: [Float], ulps bound: Double,
        sourceLocation: SourceLocation = #_sourceLocation, _ f: (Double) -> Double
    ) {
        var worst = 0.0
        for (x, y) in zip(x, found) {
            let exact = f(Double(x))
            let unit = Double(max(abs(Float(exact)), abs(x), 0x1p-20).ulp)
            worst = max(worst, abs(Double(y) - exact) / unit)
        }
        #expect(worst <= bound, sourceLocation: sourceLocation)
    }
}
