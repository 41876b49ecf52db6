import FathomCheckpoints
import FathomKernels
import FathomTensors
import FathomTestSupport
import Testing

@Suite("Encoding blocks")
struct BlocksEncodingTests {
    static let levels = [FK_LEVEL_REFERENCE, FK_LEVEL_AVX2, FK_LEVEL_AVX512, FK_LEVEL_NEON]
        .filter { $0.rawValue <= fk_detected_level().rawValue }

    @Test(
        "writes the bytes of the reference encoder, at every level",
        arguments: [
            "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "TQ1_0", "TQ2_0", "MXFP4", "BF16",
        ])
    func agrees(name: String) throws {
        let stored = try Fixtures.tensors("15-quant-formats/cases.safetensors")
        let format = try #require(Format.named(name))
        let source = try stored.tensor("\(name).src").floatArray()
        let expected = try stored.tensor("\(name).quantised.raw").withBytes { Array($0) }
        for level in Self.levels {
            let encoded = atLevel(level) { format.encode(source) }
            #expect(firstDifference(encoded, expected) == nil, "\(name) at level \(level)")
        }
    }

    /// Root mean square error of what llama.cpp (build 11434, `ggml_quantize_chunk` without
    /// importance) makes of 524,288 normal numbers of deviation 1.
    static let peerError: [(name: String, error: Double)] = [
        ("Q2_K", 0.296373), ("Q3_K", 0.150565), ("Q4_K", 0.0713677), ("Q5_K", 0.0360923),
        ("Q6_K", 0.0177237), ("IQ4_NL", 0.0760886), ("IQ4_XS", 0.0766919), ("Q8_0", 0.00535441),
        ("Q4_0", 0.0858494), ("Q4_1", 0.0783005), ("Q5_0", 0.0426758), ("Q5_1", 0.0377932),
        ("MXFP4", 0.115033), ("NVFP4", 0.0949779),
    ]

    /// 131,072 numbers: the error of an encoder varies by about 0.2 % between such samples, so
    /// 1 % over the published encoder's is the bound.
    @Test(
        "loses no more on normal numbers than the published encoder",
        arguments: peerError.map(\.name))
    func errors(name: String) throws {
        let peer = try #require(Self.peerError.first { $0.name == name }).error
        let format = try #require(Format.named(name))
        var generator = SeededGenerator(seed: 3)
        let values = generator.normal(131_072)
        let error = meanSquareError(format.decode(format.encode(values)), values).squareRoot()
        #expect(error <= peer * 1.01, "\(error / peer) of the published encoder's")
        #expect(error > peer / 2)
    }

    private func meanSquareError(
        _ decoded: [Float], _ values: [Float], weights: [Float]? = nil
    ) -> Double {
        var sum = 0.0
        for index in values.indices {
            let error = Double(decoded[index]) - Double(values[index])
            sum += error * error * Double(weights?[index] ?? 1)
        }
        return sum / Double(values.count)
    }

    @Test(
        "spends its error where the importance is low",
        arguments: [
            "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL",
            "IQ4_XS",
        ])
    func importance(name: String) throws {
        let format = try #require(Format.named(name))
        var generator = SeededGenerator(seed: 4)
        let values = generator.normal(16_384)
        let weights = values.indices.map { $0 % 5 == 0 ? Float(30) : 0.1 }
        let plain = format.decode(format.encode(values))
        let guided = format.decode(format.encode(values, importance: weights))
        let gain =
            meanSquareError(guided, values, weights: weights)
            / meanSquareError(plain, values, weights: weights)
        #expect(gain < 0.9, "\(name): \(gain) of the error without importance")
    }

    @Test("keeps zeros zero and constants nearly so", arguments: Format.encodable)
    func constants(format: Format) {
        let zeros = [Float](repeating: 0, count: 512)
        #expect(format.decode(format.encode(zeros)).allSatisfy { $0 == 0 })
        let negativeZeros = [Float](repeating: -0.0, count: 512)
        #expect(format.decode(format.encode(negativeZeros)).allSatisfy { $0 == 0 })
        for constant: Float in [1, -1, 0.01, -300] {
            let decoded = format.decode(format.encode([Float](repeating: constant, count: 512)))
            // MXFP4 is the coarsest: its scale is a power of two, and between its magnitudes 4
            // and 6 lies an error of 1 in 5.
            #expect(
                decoded.allSatisfy { abs($0 - constant) <= abs(constant) / 5 },
                "\(constant) became \(decoded[0])")
        }
    }

    @Test(
        "encodes a row as its blocks one by one, and needs no alignment",
        arguments: Format.encodable)
    func blockwise(format: Format) {
        var generator = SeededGenerator(seed: 5)
        let values = generator.normal(1024)
        let importance = generator.floats(1024).map(abs)
        for weights in [nil, importance] {
            let whole = format.encode(values, importance: weights)
            var pieces: [UInt8] = []
            for start in stride(from: 0, to: 1024, by: format.blockElements) {
                let range = start..<start + format.blockElements
                pieces += format.encode(
                    Array(values[range]), importance: weights.map { Array($0[range]) })
            }
            #expect(firstDifference(whole, pieces) == nil)
            var shifted = [UInt8](repeating: 0xCC, count: whole.count + 2)
            shifted.withUnsafeMutableBytes {
                fk_quantize_weighted(
                    format.type, $0.baseAddress?.advanced(by: 1), values, 1024, weights)
            }
            #expect(firstDifference(shifted, [0xCC] + whole + [0xCC]) == nil)
        }
    }

    /// Rows no checkpoint should hold, and one that is only hard.
    static func hostileRows() -> [[Float]] {
        var generator = SeededGenerator(seed: 6)
        let huge = Float.greatestFiniteMagnitude
        return [
            [Float](repeating: .nan, count: 256),
            [Float](repeating: .infinity, count: 256),
            (0..<256).map { $0 % 2 == 0 ? .infinity : -.infinity },
            (0..<256).map { $0 == 7 ? .nan : 1 },
            (0..<256).map { $0 == 9 ? -.infinity : Float($0) },
            (0..<256).map { $0 % 2 == 0 ? huge : -huge },
            [Float](repeating: huge, count: 256),
            (0..<256).map { Float(bitPattern: UInt32($0)) },
            (0..<256).map { $0 == 3 ? .leastNonzeroMagnitude : 0 },
            (0..<256).map { _ in
                Float(bitPattern: UInt32.random(in: 0 ... .max, using: &generator))
            },
            (0..<256).map { _ in
                Float(bitPattern: UInt32.random(in: 0..<0x00FF_FFFF, using: &generator))
            },
        ]
    }

    @Test("meets any numbers without a trap and alike at every level", arguments: Format.encodable)
    func hostile(format: Format) {
        for row in Self.hostileRows() {
            for importance in [nil, row, [Float](repeating: 0, count: 256)] {
                let expected = atLevel(FK_LEVEL_REFERENCE) {
                    format.encode(row, importance: importance)
                }
                #expect(format.decode(expected).count == 256)
                for level in Self.levels {
                    let encoded = atLevel(level) { format.encode(row, importance: importance) }
                    #expect(firstDifference(encoded, expected) == nil, "level \(level)")
                }
            }
        }
    }

    @Test("gives the same bytes at every level", arguments: Format.encodable)
    func levelsAgree(format: Format) {
        var generator = SeededGenerator(seed: 8)
        let values = generator.normal(4096)
        let importance = generator.floats(4096).map(abs)
        for weights in [nil, importance] {
            let expected = atLevel(FK_LEVEL_REFERENCE) {
                format.encode(values, importance: weights)
            }
            for level in Self.levels {
                let encoded = atLevel(level) { format.encode(values, importance: weights) }
                #expect(firstDifference(encoded, expected) == nil, "level \(level)")
            }
        }
    }

    @Test("names the formats it can write")
    func encodable() {
        #expect(
            Format.encodable.map(\.description) == [
                "F32", "F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K",
                "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "BF16", "TQ1_0", "TQ2_0", "MXFP4", "NVFP4",
                "F8_E4M3",
            ])
    }
}
