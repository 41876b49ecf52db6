import FathomKernels
import FathomTestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Rotary position kernels")
struct NNRopeTests {
    private struct Heads {
        let tokens = 3, heads = 2
        let dimension, rotary: Int
        var headStride: Int { dimension + 3 }
        var tokenStride: Int { heads * headStride + 2 }
        var x, cosines, sines: [Float]

        init(dimension: Int, rotary: Int) {
            var numbers = SeededGenerator(seed: UInt64(dimension))
            self.dimension = dimension
            self.rotary = rotary
            x = numbers.row(3 * (2 * (dimension + 3) + 2))
            let angles = numbers.row(3 * (rotary / 2), scale: 3)
            cosines = angles.map { Float(cos(Double($0))) }
            sines = angles.map { Float(sin(Double($0))) }
        }
    }

    private typealias Rope = (
        UnsafeMutablePointer<Float>?, Int, Int, UnsafePointer<Float>?, Int, Int,
        UnsafePointer<Float>?, UnsafePointer<Float>?, Int32, Int, Int, Int, Int
    ) -> Void

    private func run(_ rope: Rope, _ h: Heads, _ x: [Float]? = nil, inverse: Bool = false)
        -> [Float]
    {
        var y = [Float](repeating: -77, count: h.x.count)
        rope(
            &y, h.tokenStride, h.headStride, x ?? h.x, h.tokenStride, h.headStride, h.cosines,
            h.sines, inverse ? 1 : 0, h.tokens, h.heads, h.dimension, h.rotary)
        return y
    }

    private static let shapes = [
        (1, 0), (2, 2), (8, 4), (16, 16), (17, 14), (34, 34), (64, 64), (64, 32), (192, 64),
        (100, 66), (128, 128),
    ]

    @Test("both layouts have the reference's bits at every level, in place and backwards")
    func levels() {
        let halves: [(level: String, run: Rope)] = fasterVariants(
            fk_rope_half_f32_levels, fk_rope_half_f32_variant)
        let pairs: [(level: String, run: Rope)] = fasterVariants(
            fk_rope_interleaved_f32_levels, fk_rope_interleaved_f32_variant)
        for (dimension, rotary) in Self.shapes {
            let h = Heads(dimension: dimension, rotary: rotary)
            for inverse in [false, true] {
                check(halves, fk_rope_half_f32_reference, h, inverse)
                check(pairs, fk_rope_interleaved_f32_reference, h, inverse)
            }
        }
    }

    private func check(
        _ variants: [(level: String, run: Rope)], _ reference: Rope, _ h: Heads, _ inverse: Bool
    ) {
        let expected = run(reference, h, inverse: inverse)
        for variant in variants {
            let found = run(variant.run, h, inverse: inverse)
            expectSameBits(found, expected, "\(variant.level), \(h.dimension), \(h.rotary)")
            var inPlace = h.x
            inPlace.withUnsafeMutableBufferPointer { p in
                let x = p.baseAddress
                variant.run(
                    x, h.tokenStride, h.headStride, x, h.tokenStride, h.headStride, h.cosines,
                    h.sines, inverse ? 1 : 0, h.tokens, h.heads, h.dimension, h.rotary)
            }
            let touched = zip(inPlace, expected).filter { $1 != -77 }
            #expect(touched.allSatisfy { $0 == $1 }, "in place, \(variant.level)")
        }
    }

    @Test("pairs turn by the angle, and the rest of a head is copied")
    func formula() {
        for (dimension, rotary) in Self.shapes {
            let h = Heads(dimension: dimension, rotary: rotary)
            let halves = run(fk_rope_half_f32, h), pairs = run(fk_rope_interleaved_f32, h)
            for t in 0..<h.tokens {
                for head in 0..<h.heads {
                    let base = t * h.tokenStride + head * h.headStride
                    for i in 0..<(rotary / 2) {
                        let c = Double(h.cosines[t * (rotary / 2) + i])
                        let s = Double(h.sines[t * (rotary / 2) + i])
                        let layouts = [
                            (halves, i, i + rotary / 2), (pairs, 2 * i, 2 * i + 1),
                        ]
                        for (y, first, second) in layouts {
                            let a = Double(h.x[base + first]), b = Double(h.x[base + second])
                            // Two products and a sum of numbers below 1: three half ulps of 2.
                            let firstError = Double(y[base + first]) - (a * c - b * s)
                            let secondError = Double(y[base + second]) - (b * c + a * s)
                            #expect(abs(firstError) < 1.8e-7 && abs(secondError) < 1.8e-7)
                        }
                    }
                    for i in rotary..<dimension {
                        #expect(halves[base + i] == h.x[base + i])
                        #expect(pairs[base + i] == h.x[base + i])
                    }
                }
            }
        }
    }

    @Test("the inverse undoes the rotation and is its transpose")
    func inverse() {
        checkInverse(fk_rope_half_f32)
        checkInverse(fk_rope_interleaved_f32)
    }

    private func checkInverse(_ rope: Rope, sourceLocation: SourceLocation = #_sourceLocation) {
        let h = Heads(dimension: 64, rotary: 48)
        let turned = run(rope, h)
        let back = run(rope, h, turned, inverse: true)
        let touched = zip(zip(h.x, back), turned).filter { $1 != -77 }.map(\.0)
        #expect(
            touched.allSatisfy { abs($0 - $1) < 4e-7 }, sourceLocation: sourceLocation)
        // <rotate x, y> = <x, rotate back y>: what makes it the backward pass.
        var numbers = SeededGenerator(seed: 31)
        let y = numbers.row(h.x.count), yBack = run(rope, h, y, inverse: true)
        var forward = 0.0, backward = 0.0
        for i in h.x.indices where turned[i] != -77 {
            forward += Double(turned[i]) * Double(y[i])
            backward += Double(h.x[i]) * Double(yBack[i])
        }
        #expect(abs(forward - backward) < 1e-5, sourceLocation: sourceLocation)
    }

    @Test("default and linear frequencies follow their formula")
    func frequencies() {
        for (rotary, base) in [(64, 10_000.0), (128, 500_000), (2, 10_000), (64, 1_000_000)] {
            var plain = [Float](repeating: 0, count: rotary / 2), stretched = plain
            fk_rope_frequencies_default(&plain, rotary, base)
            fk_rope_frequencies_linear(&stretched, rotary, base, 4)
            for j in 0..<(rotary / 2) {
                let exact = pow(base, -2 * Double(j) / Double(rotary))
                #expect(abs(Double(plain[j]) / exact - 1) < 1e-6)
                #expect(abs(Double(stretched[j]) * 4 / exact - 1) < 1e-6)
            }
        }
    }

    @Test("Llama 3 frequencies are kept, blended and stretched by wavelength")
    func llama3() {
        let rotary = 64, base = 500_000.0
        var found = [Float](repeating: 0, count: rotary / 2)
        fk_rope_frequencies_llama3(&found, rotary, base, 32, 1, 4, 8192)
        var kinds: Set<String> = []
        for j in 0..<(rotary / 2) {
            let f = pow(base, -2 * Double(j) / Double(rotary)), wavelength = 2 * Double.pi / f
            let exact: Double
            if wavelength > 8192 {
                exact = f / 32
                kinds.insert("stretched")
            } else if wavelength < 8192 / 4 {
                exact = f
                kinds.insert("kept")
            } else {
                let kept = (8192 / wavelength - 1) / (4 - 1)
                exact = (1 - kept) * f / 32 + kept * f
                kinds.insert("blended")
            }
            #expect(abs(Double(found[j]) / exact - 1) < 2e-6, "pair \(j)")
        }
        #expect(kinds == ["kept", "blended", "stretched"])
    }

    @Test("YaRN blends between its two corner pairs and scales attention by its magnitude")
    func yarn() {
        let rotary = 64, base = 10_000.0
        // DeepSeek-V2-Lite's configuration, then one with the ramp's ends not rounded.
        for truncate: Int32 in [1, 0] {
            let yarn = fk_yarn(
                factor: 40, beta_fast: 32, beta_slow: 1, original_positions: 4096, mscale: 0.707,
                mscale_all_dim: 0.707, attention_factor: 0, truncate: truncate)
            var found = [Float](repeating: 0, count: rotary / 2)
            let attention = fk_rope_frequencies_yarn(&found, rotary, base, yarn)
            #expect(attention == 1)
            func pair(_ turns: Double) -> Double {
                Double(rotary) * log(4096 / (turns * 2 * Double.pi)) / (2 * log(base))
            }
            let low = truncate == 1 ? pair(32).rounded(.down) : pair(32)
            let high = truncate == 1 ? pair(1).rounded(.up) : pair(1)
            if truncate == 1 { #expect(low == 10 && high == 23) }
            for j in 0..<(rotary / 2) {
                let f = pow(base, -2 * Double(j) / Double(rotary))
                let ramp = min(max((Double(j) - low) / (high - low), 0), 1)
                let exact = f / 40 * ramp + f * (1 - ramp)
                // In float32 1 - (1 - ramp) loses up to half an ulp of 1 of the small part.
                #expect(abs(Double(found[j]) / exact - 1) < 4e-6, "pair \(j)")
            }
        }
    }

    @Test("YaRN's attention factor comes from the given value, both magnitudes, or one")
    func attentionFactor() {
        var frequencies = [Float](repeating: 0, count: 32)
        func factor(_ stretch: Double, _ mscale: Double, _ all: Double, _ given: Double) -> Double {
            fk_rope_frequencies_yarn(
                &frequencies, 64, 10_000,
                fk_yarn(
                    factor: stretch, beta_fast: 32, beta_slow: 1, original_positions: 4096,
                    mscale: mscale, mscale_all_dim: all, attention_factor: given, truncate: 1))
        }
        let whole = 0.1 * log(40.0) + 1, half = 0.1 * 0.5 * log(40.0) + 1
        #expect(factor(40, 0, 0, 0) == whole)
        #expect(factor(40, 1, 0, 0) == whole)
        #expect(factor(40, 1, 0.5, 0) == whole / half)
        #expect(factor(40, 1, 1, 1.5) == 1.5)
        #expect(factor(1, 0, 0, 0) == 1)
    }

    @Test("the dynamic base is unchanged within the trained length and grows beyond it")
    func dynamicBase() {
        #expect(fk_rope_dynamic_base(10_000, 64, 2, 4096, 100) == 10_000)
        let grown = fk_rope_dynamic_base(10_000, 64, 2, 4096, 8192)
        let exact = 10_000 * pow(3.0, 64.0 / 62.0)
        #expect(abs(grown - exact) < 1e-6)
    }

    @Test("tables hold the cosine and sine of the float32 angle, times the attention factor")
    func table() {
        var frequencies = [Float](repeating: 0, count: 32)
        fk_rope_frequencies_default(&frequencies, 64, 10_000)
        let positions: [Int32] = [0, 1, 511, 4096, 131_071]
        var cosines = [Float](repeating: 0, count: 32 * positions.count), sines = cosines
        fk_rope_table(&cosines, &sines, frequencies, 32, positions, positions.count, 1.25)
        for (i, position) in positions.enumerated() {
            for j in 0..<32 {
                let angle = Double(Float(position) * frequencies[j])
                #expect(abs(Double(cosines[i * 32 + j]) - 1.25 * cos(angle)) < 1.3e-7)
                #expect(abs(Double(sines[i * 32 + j]) - 1.25 * sin(angle)) < 1.3e-7)
            }
        }
        #expect(cosines[0] == 1.25 && sines[0] == 0)
    }
}
