import FathomKernels
import FathomTestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A floating-point format of few bits and its two row conversions.
struct SmallFloat: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let exponentBits, mantissaBits: Int
    /// The greatest finite code without sign.
    let greatest: Int
    /// E4M3 saturates and has no infinity.
    let saturates: Bool
    let pack: @Sendable (UnsafeMutableRawPointer?, UnsafePointer<Float>?, Int64) -> Void
    let unpack: @Sendable (UnsafeMutablePointer<Float>?, UnsafeRawPointer?, Int64) -> Void
    let packLevels, unpackLevels: @Sendable (UnsafeMutablePointer<fk_level>?) -> Int32

    static let all = [
        SmallFloat(
            testDescription: "F16", exponentBits: 5, mantissaBits: 10, greatest: 0x7BFF,
            saturates: false, pack: fk_f32_to_f16, unpack: fk_f16_to_f32,
            packLevels: fk_f32_to_f16_levels, unpackLevels: fk_f16_to_f32_levels),
        SmallFloat(
            testDescription: "BF16", exponentBits: 8, mantissaBits: 7, greatest: 0x7F7F,
            saturates: false, pack: fk_f32_to_bf16, unpack: fk_bf16_to_f32,
            packLevels: fk_f32_to_bf16_levels, unpackLevels: fk_bf16_to_f32_levels),
        SmallFloat(
            testDescription: "F8_E4M3", exponentBits: 4, mantissaBits: 3, greatest: 0x7E,
            saturates: true, pack: fk_f32_to_f8e4m3, unpack: fk_f8e4m3_to_f32,
            packLevels: fk_f32_to_f8e4m3_levels, unpackLevels: fk_f8e4m3_to_f32_levels),
    ]

    var byteCount: Int { (exponentBits + mantissaBits + 1) / 8 }
    var codes: Range<Int> { 0..<1 << (exponentBits + mantissaBits + 1) }
    var signBit: Int { 1 << (exponentBits + mantissaBits) }

    /// What a code stands for, from the definition of the format, in double precision.
    func value(_ code: Int) -> Double {
        let sign: Double = code & signBit == 0 ? 1 : -1
        let magnitude = code & (signBit - 1)
        if magnitude > greatest {
            return !saturates && magnitude == greatest + 1 ? sign * .infinity : .nan
        }
        let exponent = magnitude >> mantissaBits
        let mantissa = Double(magnitude & (1 << mantissaBits - 1))
        let bias = 1 << (exponentBits - 1) - 1
        let unit = scalbn(1.0, Int(max(exponent, 1)) - bias - mantissaBits)
        return sign * unit * (exponent == 0 ? mantissa : mantissa + Double(1 << mantissaBits))
    }

    func packed(_ values: [Float]) -> [Int] {
        var bytes = [UInt8](repeating: 0xCC, count: values.count * byteCount)
        bytes.withUnsafeMutableBytes { pack($0.baseAddress, values, Int64(values.count)) }
        return (0..<values.count).map { index in
            (0..<byteCount).reduce(0) { $0 | Int(bytes[index * byteCount + $1]) << (8 * $1) }
        }
    }

    func bytes(_ codes: some Sequence<Int>) -> [UInt8] {
        codes.flatMap { code in (0..<byteCount).map { UInt8(code >> (8 * $0) & 0xFF) } }
    }

    func unpacked(_ codes: some Collection<Int>) -> [Float] {
        let bytes = bytes(codes)
        return [Float](unsafeUninitializedCapacity: codes.count) { buffer, filled in
            unpack(buffer.baseAddress, bytes, Int64(codes.count))
            filled = codes.count
        }
    }
}

@Suite("Row conversions")
struct BlocksConversionTests {
    @Test("unpack every code to its exact value, at every level", arguments: SmallFloat.all)
    func unpacks(format: SmallFloat) {
        let expected = format.codes.map { Float(format.value($0)) }
        for level in usableLevels(format.unpackLevels) {
            let unpacked = atLevel(level) { format.unpacked(format.codes) }
            #expect(firstDifference(bits(unpacked), bits(expected)) == nil, "level \(level)")
        }
    }

    @Test("pack every representable number to its own code", arguments: SmallFloat.all)
    func packsExactly(format: SmallFloat) {
        let codes = format.codes.filter { !format.value($0).isNaN }
        let values = codes.map { Float(format.value($0)) }
        for level in usableLevels(format.packLevels) {
            let packed = atLevel(level) { format.packed(values) }
            #expect(firstDifference(packed, codes) == nil, "level \(level)")
        }
    }

    @Test("round to the nearest code, and halfway to the even one", arguments: SmallFloat.all)
    func rounds(format: SmallFloat) {
        var values: [Float] = []
        var expected: [Int] = []
        for code in 0..<format.greatest {
            let middle = Float((format.value(code) + format.value(code + 1)) / 2)
            let even = code % 2 == 0 ? code : code + 1
            for (value, rounded) in [
                (middle.nextDown, code), (middle, even), (middle.nextUp, code + 1),
            ] {
                values += [value, -value]
                expected += [rounded, rounded | format.signBit]
            }
        }
        for level in usableLevels(format.packLevels) {
            let packed = atLevel(level) { format.packed(values) }
            #expect(firstDifference(packed, expected) == nil, "level \(level)")
        }
    }

    @Test("meet the ends: overflow, infinity, zero, the least subnormal", arguments: SmallFloat.all)
    func ends(format: SmallFloat) {
        let greatest = Float(format.value(format.greatest))
        // Half a step beyond the greatest: the tie that rounds away from it, where it can.
        let overflowing = greatest + (greatest - Float(format.value(format.greatest - 1))) / 2
        let beyond = format.saturates ? format.greatest : format.greatest + 1
        let values: [Float] = [
            greatest, overflowing.nextDown, overflowing, .greatestFiniteMagnitude, .infinity,
            0, .leastNonzeroMagnitude,
        ]
        let expected = [format.greatest, format.greatest, beyond, beyond, beyond, 0, 0]
        let negated = expected.map { $0 | format.signBit }
        for level in usableLevels(format.packLevels) {
            let packed = atLevel(level) { format.packed(values + values.map { -$0 }) }
            #expect(packed == expected + negated, "level \(level)")
        }
    }

    @Test("keep NaN a quiet NaN with its sign and upper payload", arguments: SmallFloat.all)
    func keepsNaN(format: SmallFloat) {
        let patterns: [UInt32] = [
            0x7FC0_0000, 0xFFC0_0000, 0x7F80_0001, 0xFF80_0001, 0x7FFF_FFFF, 0x7FA5_A5A5,
        ]
        for level in usableLevels(format.packLevels) {
            let packed = atLevel(level) { format.packed(patterns.map(Float.init(bitPattern:))) }
            for (pattern, code) in zip(patterns, packed) {
                let sign = pattern >> 31 == 0 ? 0 : format.signBit
                let quiet = 1 << (format.mantissaBits - 1)
                let payload = Int(pattern & 0x7F_FFFF) >> (23 - format.mantissaBits) | quiet
                let expected = format.saturates ? 0x7F : (format.greatest + 1) | payload
                #expect(code == sign | expected, "\(pattern) at level \(level)")
            }
        }
        for level in usableLevels(format.unpackLevels) {
            let codes = format.codes.filter { format.value($0).isNaN }
            let unpacked = atLevel(level) { format.unpacked(codes) }
            for (code, value) in zip(codes, unpacked) {
                #expect(value.isNaN && (value.sign == .minus) == (code & format.signBit != 0))
            }
        }
    }

    @Test(
        "convert any bits alike at every level, at any length and place",
        arguments: SmallFloat.all)
    func lengths(format: SmallFloat) {
        var generator = SeededGenerator(seed: 11)
        for count in [0, 1, 7, 8, 9, 15, 16, 17, 31, 33, 100, 1024] {
            let values = (0..<count).map { _ in
                Float(bitPattern: UInt32.random(in: 0 ... .max, using: &generator))
            }
            let codes = (0..<count).map { _ in Int.random(in: format.codes, using: &generator) }
            let packed = atLevel(FK_LEVEL_REFERENCE) { format.packed(values) }
            let unpacked = atLevel(FK_LEVEL_REFERENCE) { format.unpacked(codes) }
            for level in usableLevels(format.packLevels) {
                let bytes = atLevel(level) {
                    var bytes = [UInt8](repeating: 0xCC, count: count * format.byteCount + 2)
                    bytes.withUnsafeMutableBytes {
                        format.pack($0.baseAddress?.advanced(by: 1), values, Int64(count))
                    }
                    return bytes
                }
                let expected = [0xCC] + format.bytes(packed) + [0xCC]
                #expect(firstDifference(bytes, expected) == nil, "level \(level)")
            }
            for level in usableLevels(format.unpackLevels) {
                let result = atLevel(level) {
                    var result = [Float](repeating: 5, count: count + 1)
                    let bytes = [0] + format.bytes(codes)
                    bytes.withUnsafeBytes {
                        format.unpack(&result, $0.baseAddress?.advanced(by: 1), Int64(count))
                    }
                    return result
                }
                // NaNs too: the bits are those of the reference.
                let expected = (unpacked + [5]).map(\.bitPattern)
                #expect(firstDifference(result.map(\.bitPattern), expected) == nil)
            }
        }
    }
}
