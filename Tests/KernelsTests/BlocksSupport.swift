import FathomKernels
import FathomTestSupport
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// One turn at the process-wide instruction level at a time.
private let levelTurn = Mutex(())

/// Runs kernels at one instruction level and gives back what they computed.
///
/// The level belongs to the process and other tests may set it too; the work is repeated until
/// the level has stayed the one asked for.
func atLevel<Result>(_ level: fk_level, _ work: () -> Result) -> Result {
    levelTurn.withLock { _ in
        let before = fk_active_level()
        defer { fk_limit_level(before) }
        while true {
            fk_limit_level(level)
            let result = work()
            if fk_active_level() == level { return result }
        }
    }
}

/// The levels an operation has variants for and this processor can run, the reference among them.
func usableLevels(_ list: (UnsafeMutablePointer<fk_level>?) -> Int32) -> [fk_level] {
    var levels = [fk_level](repeating: FK_LEVEL_REFERENCE, count: 8)
    let count = levels.withUnsafeMutableBufferPointer { list($0.baseAddress) }
    return levels.prefix(Int(count)).filter { $0.rawValue <= fk_detected_level().rawValue }
}

/// A stored number format.
struct Format: CustomStringConvertible, CustomTestStringConvertible, Sendable {
    let type: fk_type

    var description: String { String(cString: fk_type_name(type)) }
    var testDescription: String { description }
    var blockElements: Int { Int(fk_block_elements(type)) }
    var blockBytes: Int { fk_block_bytes(type) }
    var isDecodable: Bool { fk_dequantizable(type) != 0 }
    var isEncodable: Bool { fk_quantizable(type) != 0 }
    var levels: [fk_level] { usableLevels { fk_dequantize_levels(type, $0) } }

    static let all: [Format] = {
        var types = [fk_type](repeating: FK_TYPE_F32, count: 64)
        let count = types.withUnsafeMutableBufferPointer { fk_all_types($0.baseAddress, 64) }
        return types.prefix(Int(count)).map { Format(type: $0) }
    }()
    static let decodable = all.filter(\.isDecodable)
    static let encodable = all.filter(\.isEncodable)

    /// The format of a GGUF name, if there is one.
    static func named(_ name: String) -> Format? {
        all.first { $0.description == name }
    }

    func byteCount(of elements: Int) -> Int { elements / blockElements * blockBytes }

    /// Decodes whole blocks.
    func decode(_ bytes: [UInt8]) -> [Float] {
        let count = bytes.count / blockBytes * blockElements
        return [Float](unsafeUninitializedCapacity: count) { buffer, filled in
            fk_dequantize(type, buffer.baseAddress, bytes, Int64(count))
            filled = count
        }
    }

    /// Encodes whole blocks.
    func encode(_ values: [Float], importance: [Float]? = nil) -> [UInt8] {
        let count = byteCount(of: values.count)
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            fk_quantize_weighted(
                type, buffer.baseAddress, values, Int64(values.count), importance)
            filled = count
        }
    }
}

/// The bit patterns of numbers, all NaNs made one.
func bits(_ values: [Float]) -> [UInt32] {
    values.map { $0.isNaN ? 0x7FC0_0000 : $0.bitPattern }
}

/// A value or why there is none: arrays too long to print in a failure.
func firstDifference<Element: Equatable>(_ a: [Element], _ b: [Element]) -> String? {
    if a.count != b.count { return "\(a.count) elements, expected \(b.count)" }
    guard let place = zip(a, b).enumerated().first(where: { $0.element.0 != $0.element.1 })
    else { return nil }
    return "element \(place.offset) is \(place.element.0), expected \(place.element.1)"
}

extension SeededGenerator {
    /// Numbers of a normal distribution with mean 0 and deviation 1 (Box and Muller, 1958).
    mutating func normal(_ count: Int) -> [Float] {
        (0..<count).map { _ in
            let radius = Double.random(in: Double.leastNonzeroMagnitude..<1, using: &self)
            let angle = Double.random(in: 0..<(2 * .pi), using: &self)
            return Float((-2 * log(radius)).squareRoot() * cos(angle))
        }
    }

    /// Bytes of every value.
    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0 ... .max, using: &self) }
    }
}
