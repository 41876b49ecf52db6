import FathomCheckpoints
import FathomKernels
import FathomTensors
import FathomTestSupport
import Testing

@Suite("Decoding blocks")
struct BlocksDecodingTests {
    /// Name, id, elements and bytes of a block, as the Python package gguf 0.19.0 has them
    /// (`GGML_QUANT_SIZES`), but for Q8_1, where its 40 bytes are those of a retired layout and
    /// ggml's are 36, and Q2_0, which is ggml's only.
    static let published: [(name: String, id: UInt32, elements: Int, bytes: Int)] = [
        ("F32", 0, 1, 4), ("F16", 1, 1, 2), ("Q4_0", 2, 32, 18), ("Q4_1", 3, 32, 20),
        ("Q5_0", 6, 32, 22), ("Q5_1", 7, 32, 24), ("Q8_0", 8, 32, 34), ("Q8_1", 9, 32, 36),
        ("Q2_K", 10, 256, 84), ("Q3_K", 11, 256, 110), ("Q4_K", 12, 256, 144),
        ("Q5_K", 13, 256, 176), ("Q6_K", 14, 256, 210), ("Q8_K", 15, 256, 292),
        ("IQ2_XXS", 16, 256, 66), ("IQ2_XS", 17, 256, 74), ("IQ3_XXS", 18, 256, 98),
        ("IQ1_S", 19, 256, 50), ("IQ4_NL", 20, 32, 18), ("IQ3_S", 21, 256, 110),
        ("IQ2_S", 22, 256, 82), ("IQ4_XS", 23, 256, 136), ("I8", 24, 1, 1), ("I16", 25, 1, 2),
        ("I32", 26, 1, 4), ("I64", 27, 1, 8), ("F64", 28, 1, 8), ("IQ1_M", 29, 256, 56),
        ("BF16", 30, 1, 2), ("TQ1_0", 34, 256, 54), ("TQ2_0", 35, 256, 66),
        ("MXFP4", 39, 32, 17), ("NVFP4", 40, 64, 36), ("Q1_0", 41, 128, 18),
        ("Q2_0", 42, 64, 18), ("F8_E4M3", 1001, 1, 1),
    ]

    @Test("uses the published ids and block sizes")
    func sizes() {
        #expect(Format.all.map(\.description) == Self.published.map(\.name))
        for (format, row) in zip(Format.all, Self.published) {
            #expect(format.type.rawValue == row.id, "\(row.name)")
            #expect(format.blockElements == row.elements, "\(row.name)")
            #expect(format.blockBytes == row.bytes, "\(row.name)")
            var found = FK_TYPE_F32
            #expect(fk_type_named(row.name, &found) != 0 && found == format.type, "\(row.name)")
        }
    }

    @Test("knows no other id", arguments: [4, 5, 31, 33, 36, 43, 1000, 1002, .max] as [UInt32])
    func unknown(id: UInt32) {
        let type = fk_type(rawValue: id)
        #expect(fk_block_elements(type) == 0)
        #expect(fk_block_bytes(type) == 0)
        #expect(String(cString: fk_type_name(type)) == "unknown")
        #expect(fk_dequantizable(type) == 0 && fk_quantizable(type) == 0)
        var levels = [FK_LEVEL_REFERENCE]
        #expect(fk_dequantize_levels(type, &levels) == 0)
        var found = FK_TYPE_F16
        #expect(fk_type_named("Q9_9", &found) == 0 && found == FK_TYPE_F16)
    }

    /// The tensors `….raw` of the fixture, each with its decoded `….f32` beside it.
    static let stored = try? Fixtures.tensors("15-quant-formats/cases.safetensors")
    static let rawNames = (stored?.names ?? []).filter { $0.hasSuffix(".raw") }

    @Test("finds every format of the fixture")
    func complete() {
        let formats = Set(Self.rawNames.compactMap { $0.split(separator: ".").first })
        #expect(Self.rawNames.count == 33)
        #expect(formats.count == 25)
    }

    @Test("agrees bit for bit with the reference decoder, at every level", arguments: rawNames)
    func agrees(name: String) throws {
        let stored = try #require(Self.stored)
        let formatName = try #require(name.split(separator: ".").first)
        let format = try #require(Format.named(String(formatName)))
        let raw = try stored.tensor(name).withBytes { Array($0) }
        let expected = try stored.tensor(name.dropLast(3) + "f32").floatArray()
        for level in format.levels {
            let decoded = atLevel(level) { format.decode(raw) }
            #expect(
                firstDifference(decoded.map(\.bitPattern), expected.map(\.bitPattern)) == nil,
                "\(name) at \(String(cString: fk_level_name(level)))")
        }
    }

    @Test(
        "gives the same bits at every level for any bytes, and needs no alignment",
        arguments: Format.decodable)
    func anyBytes(format: Format) throws {
        var generator = SeededGenerator(seed: 7)
        #expect(format.levels.last == FK_LEVEL_REFERENCE)
        for blocks in [1, 2, 3, 33] {
            let raw = generator.bytes(blocks * format.blockBytes)
            let expected = atLevel(FK_LEVEL_REFERENCE) { format.decode(raw) }
            #expect(expected.count == blocks * format.blockElements)
            for level in format.levels {
                let decoded = atLevel(level) { format.decode(raw) }
                #expect(firstDifference(bits(decoded), bits(expected)) == nil, "level \(level)")
                let shifted = [0xA5] + raw
                let unaligned = atLevel(level) {
                    [Float](unsafeUninitializedCapacity: expected.count) { buffer, filled in
                        shifted.withUnsafeBytes {
                            fk_dequantize(
                                format.type, buffer.baseAddress, $0.baseAddress?.advanced(by: 1),
                                Int64(expected.count))
                        }
                        filled = expected.count
                    }
                }
                #expect(firstDifference(bits(unaligned), bits(expected)) == nil)
            }
        }
    }

    @Test("writes the elements asked for and no more", arguments: Format.decodable)
    func bounds(format: Format) {
        let raw = [UInt8](repeating: 0x3C, count: 2 * format.blockBytes)
        for level in format.levels {
            let values = atLevel(level) {
                var values = [Float](repeating: -77, count: 2 * format.blockElements)
                fk_dequantize(format.type, &values, raw, 0)
                #expect(values.allSatisfy { $0 == -77 })
                fk_dequantize(format.type, &values, raw, Int64(format.blockElements))
                return values
            }
            #expect(values.suffix(format.blockElements).allSatisfy { $0 == -77 })
            #expect(values.prefix(format.blockElements).allSatisfy { $0 != -77 })
        }
    }

    @Test("turns an infinite scale into infinities and a NaN scale into NaNs")
    func extremeScales() throws {
        // Q8_0 with codes 1, -1, 1, ..., after the f16 scale.
        let codes = (0..<32).map { $0 % 2 == 0 ? 1 : 0xFF } as [UInt8]
        let format = Format(type: FK_TYPE_Q8_0)
        for level in format.levels {
            let infinite = atLevel(level) { format.decode([0x00, 0x7C] + codes) }
            #expect(
                infinite.enumerated().allSatisfy { $1 == ($0 % 2 == 0 ? .infinity : -.infinity) })
            let none = atLevel(level) { format.decode([0x01, 0x7C] + codes) }
            #expect(none.allSatisfy { $0.isNaN })
            let least = atLevel(level) { format.decode([0x01, 0x00] + codes) }
            #expect(least.first == 0x1p-24)
        }
    }

    @Test("reads the formats that no fixture covers as their layouts say")
    func handmade() throws {
        // d = 2 as f16 is 0x4000.
        let q1 = Format(type: FK_TYPE_Q1_0).decode(
            [0x00, 0x40] + [0b101] + Array(repeating: 0, count: 15))
        #expect(q1.prefix(4) == [2, -2, 2, -2] && q1.dropFirst(4).allSatisfy { $0 == -2 })
        let q2 = Format(type: FK_TYPE_Q2_0).decode(
            [0x00, 0x40] + [0b11_10_01_00] + Array(repeating: 0, count: 15))
        #expect(q2.prefix(5) == [-2, 0, 2, 4, -2])
        let q81 = Format(type: FK_TYPE_Q8_1).decode(
            [0x00, 0x40, 0xFF, 0xFF] + (0..<32).map { UInt8(bitPattern: Int8($0 - 16)) })
        #expect(q81 == (0..<32).map { 2 * Float($0 - 16) })
        let q8k = Format(type: FK_TYPE_Q8_K).decode(
            [0, 0, 0, 0x3F] + (0...255).map { UInt8(bitPattern: Int8($0 - 128)) }
                + Array(repeating: 0xEE, count: 32))
        #expect(q8k == (0..<256).map { 0.5 * Float($0 - 128) })
        let f64 = Format(type: FK_TYPE_F64).decode(
            [1.1, -0.0, 1e300].flatMap { value in
                (0..<8).map { UInt8(truncatingIfNeeded: (value as Double).bitPattern >> (8 * $0)) }
            })
        #expect(f64.map(\.bitPattern) == [Float(1.1), -0.0, .infinity].map(\.bitPattern))
    }
}
