import FathomKernels
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Philox4x32-10 as its paper writes it, to compare with.
private func philox(_ counter: [UInt32], key: [UInt32]) -> [UInt32] {
    var c = counter, k = key
    for _ in 0..<10 {
        let p0 = UInt64(0xd251_1f53) * UInt64(c[0]), p1 = UInt64(0xcd9e_8d57) * UInt64(c[2])
        c = [
            UInt32(p1 >> 32) ^ c[1] ^ k[0], UInt32(truncatingIfNeeded: p1),
            UInt32(p0 >> 32) ^ c[3] ^ k[1], UInt32(truncatingIfNeeded: p0),
        ]
        k[0] &+= 0x9e37_79b9
        k[1] &+= 0xbb67_ae85
    }
    return c
}

@Suite("Random number kernels")
struct NNRandomTests {
    private static let seed: UInt64 = 0x299f_31d0_a409_3822
    private static let stream: UInt64 = 0x0370_7344_1319_8a2e

    /// The known answers of Salmon et al.'s Random123 1.14, file kat_vectors.
    @Test("the comparison generator gives the published answers")
    func knownAnswers() {
        let ones = [UInt32](repeating: .max, count: 4)
        #expect(
            philox([0, 0, 0, 0], key: [0, 0])
                == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
        #expect(
            philox(ones, key: [.max, .max])
                == [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
        #expect(
            philox(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                key: [0xa409_3822, 0x299f_31d0])
                == [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
    }

    /// A range that starts anywhere, also where a counter's low word overflows into its high.
    @Test(
        "bits are those of Philox at every level, from any element on",
        arguments: [0, 1, 3, 5, (1 << 34) - 7] as [UInt64])
    func bits(first: UInt64) {
        let count = 150
        let expected = (0..<count).map { i in
            let element = first + UInt64(i), block = element / 4
            return philox(
                [
                    UInt32(truncatingIfNeeded: block), UInt32(block >> 32), 0x1319_8a2e,
                    0x0370_7344,
                ], key: [0xa409_3822, 0x299f_31d0])[Int(element % 4)]
        }
        var found = [UInt32](repeating: 0, count: count)
        fk_random_bits_reference(&found, Self.seed, Self.stream, first, count)
        #expect(found == expected)
        let variants = fasterVariants(fk_random_bits_levels, fk_random_bits_variant)
        for variant in variants {
            for size in awkwardSizes where size <= count {
                var found = [UInt32](repeating: 7, count: count)
                variant.run(&found, Self.seed, Self.stream, first, size)
                #expect(found.prefix(size) == expected.prefix(size), "\(variant.level)")
                #expect(found.dropFirst(size).allSatisfy { $0 == 7 }, "wrote past the end")
            }
        }
    }

    @Test("floats have the reference's bits at every level, in any pieces")
    func floatLevels() {
        let uniforms = fasterVariants(fk_random_uniform_f32_levels, fk_random_uniform_f32_variant)
        let normals = fasterVariants(fk_random_normal_f32_levels, fk_random_normal_f32_variant)
        let count = 3000
        var uniform = [Float](repeating: 0, count: count), normal = uniform
        fk_random_uniform_f32_reference(&uniform, -2, 3, Self.seed, Self.stream, 6, count)
        fk_random_normal_f32_reference(&normal, 0.5, 2, Self.seed, Self.stream, 6, count)
        for split in [0, 1, 77, 1024, count] {
            for variant in uniforms {
                var head = uniform.map { _ in Float(0) }, tail = head
                variant.run(&head, -2, 3, Self.seed, Self.stream, 6, split)
                variant.run(
                    &tail, -2, 3, Self.seed, Self.stream, 6 + UInt64(split), count - split)
                let found = head.prefix(split) + tail.prefix(count - split)
                expectSameBits(Array(found), uniform, "\(variant.level), \(split)")
            }
            for variant in normals {
                var head = normal.map { _ in Float(0) }, tail = head
                variant.run(&head, 0.5, 2, Self.seed, Self.stream, 6, split)
                variant.run(
                    &tail, 0.5, 2, Self.seed, Self.stream, 6 + UInt64(split), count - split)
                let found = head.prefix(split) + tail.prefix(count - split)
                expectSameBits(Array(found), normal, "\(variant.level), \(split)")
            }
        }
    }

    @Test("normal numbers follow the formula of Box and Muller in double")
    func normalFormula() {
        let count = 4000
        var words = [UInt32](repeating: 0, count: count)
        var found = [Float](repeating: 0, count: count)
        fk_random_bits(&words, Self.seed, Self.stream, 0, count)
        fk_random_normal_f32(&found, 0, 1, Self.seed, Self.stream, 0, count)
        let exact = (0..<count).map { i in
            let u = Double((words[i & ~1] >> 8) + 1) * 0x1p-24
            let turns = Double(words[i | 1] >> 8) * 0x1p-24
            let radius = (-2 * log(u)).squareRoot(), angle = 2 * Double.pi * turns
            return radius * (i % 2 == 0 ? cos(angle) : sin(angle))
        }
        // Near u = 1 the radius is the root of a small logarithm, whose argument is exact.
        expectNear(found, exact, within: 2e-6)
    }

    @Test("numbers have the mean, spread and range they should, and streams differ")
    func statistics() {
        let count = 200_000
        var uniform = [Float](repeating: 0, count: count), normal = uniform, other = uniform
        fk_random_uniform_f32(&uniform, -1, 3, 42, 0, 0, count)
        fk_random_normal_f32(&normal, 1, 2, 42, 1, 0, count)
        fk_random_normal_f32(&other, 1, 2, 42, 2, 0, count)
        #expect(uniform.allSatisfy { $0 >= -1 && $0 <= 3 })
        let (mean, variance) = moments(uniform)
        // Five standard errors: 4 / sqrt(12 n) and so on.
        #expect(abs(mean - 1) < 5 * 1.155 / Double(count).squareRoot())
        #expect(abs(variance - 16.0 / 12) < 5 * 1.2 / Double(count).squareRoot())
        let (normalMean, normalVariance) = moments(normal)
        #expect(abs(normalMean - 1) < 5 * 2 / Double(count).squareRoot())
        #expect(abs(normalVariance - 4) < 5 * 5.7 / Double(count).squareRoot())
        let products = zip(normal, other).map { (Double($0) - 1) * (Double($1) - 1) }
        #expect(abs(products.reduce(0, +)) / Double(count) < 5 * 4 / Double(count).squareRoot())
    }

    private func moments(_ x: [Float]) -> (mean: Double, variance: Double) {
        let mean = x.reduce(0) { $0 + Double($1) } / Double(x.count)
        let squares = x.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
        return (mean, squares / Double(x.count))
    }
}
