import FathomTensors

/// An array of a GGUF file's metadata, kept as the bytes of the file and decoded on access.
///
/// A vocabulary of 150,000 tokens costs eight bytes a token until it is asked for.
public struct GGUFArray: Sendable {
    public let elementType: GGUFValueType
    public let count: Int
    private let source: Source
    /// Where each string's bytes start in the source; empty for numbers.
    private let starts: [Int]

    private enum Source: Sendable {
        case file(MappedFile, Range<Int>)
        case memory([UInt8])
    }

    /// An array in a mapped file whose bytes were checked to be complete.
    init(
        file: MappedFile, range: Range<Int>, elementType: GGUFValueType, count: Int, starts: [Int]
    ) {
        self.elementType = elementType
        self.count = count
        self.starts = starts
        source = .file(file, range)
    }

    /// An array of strings.
    public init(_ strings: [String]) {
        elementType = .string
        count = strings.count
        var bytes: [UInt8] = []
        var starts: [Int] = []
        starts.reserveCapacity(strings.count)
        for string in strings {
            let length = UInt64(string.utf8.count)
            withUnsafeBytes(of: length.littleEndian) { bytes.append(contentsOf: $0) }
            starts.append(bytes.count)
            bytes.append(contentsOf: string.utf8)
        }
        self.starts = starts
        source = .memory(bytes)
    }

    /// An array of 32-bit integers.
    public init(_ numbers: [Int32]) {
        self.init(numbers.map { UInt32(bitPattern: $0) }, as: .int32)
    }

    /// An array of 32-bit integers without sign.
    public init(_ numbers: [UInt32]) {
        self.init(numbers, as: .uint32)
    }

    /// An array of 32-bit floating-point numbers.
    public init(_ numbers: [Float]) {
        self.init(numbers.map(\.bitPattern), as: .float32)
    }

    /// An array of booleans.
    public init(_ values: [Bool]) {
        elementType = .bool
        count = values.count
        starts = []
        source = .memory(values.map { $0 ? 1 : 0 })
    }

    private init(_ numbers: [UInt32], as type: GGUFValueType) {
        elementType = type
        count = numbers.count
        starts = []
        var bytes: [UInt8] = []
        bytes.reserveCapacity(numbers.count * 4)
        for number in numbers {
            withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
        }
        source = .memory(bytes)
    }

    /// Lends the elements as the format stores them, without element type and count.
    package func withBytes<R, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        switch source {
        case .file(let file, let range):
            try file.withBytes { bytes throws(E) in
                try body(UnsafeRawBufferPointer(rebasing: bytes[range]))
            }
        case .memory(let bytes):
            try bytes.withUnsafeBufferPointer { bytes throws(E) in
                try body(UnsafeRawBufferPointer(bytes))
            }
        }
    }

    private func range(ofString position: Int, in byteCount: Int) -> Range<Int> {
        let end = position + 1 < count ? starts[position + 1] - 8 : byteCount
        return starts[position]..<end
    }

    /// The bytes of a string element, which should be UTF-8 and may not be.
    ///
    /// - Precondition: the elements are strings and there is one at the position.
    public func bytes(at position: Int) -> [UInt8] {
        precondition(elementType == .string, "an array of \(elementType) has no strings")
        precondition(position >= 0 && position < count, "there is no element \(position)")
        return withBytes { Array($0[range(ofString: position, in: $0.count)]) }
    }

    /// All elements as strings.
    ///
    /// - Returns: nil if they are of another type or one of them is not UTF-8.
    public var strings: [String]? {
        elementType == .string ? try? decodedStrings() : nil
    }

    /// A string element that is not UTF-8.
    struct NotUTF8: Error {
        let position: Int
    }

    /// All elements of an array of strings.
    func decodedStrings() throws(NotUTF8) -> [String] {
        try withBytes { raw throws(NotUTF8) in
            let bytes = raw.assumingMemoryBound(to: UInt8.self)
            var strings: [String] = []
            strings.reserveCapacity(count)
            for position in 0..<count {
                let range = range(ofString: position, in: bytes.count)
                let element = UnsafeBufferPointer(rebasing: bytes[range])
                guard let string = String(validating: element, as: UTF8.self) else {
                    throw NotUTF8(position: position)
                }
                strings.append(string)
            }
            return strings
        }
    }

    /// All elements as integers.
    ///
    /// - Returns: nil if they are of another type or one of them exceeds `Int`.
    public var ints: [Int]? {
        switch elementType {
        case .uint8: numbers { (value: UInt8) in Int(value) }
        case .int8: numbers { (value: Int8) in Int(value) }
        case .uint16: numbers { (value: UInt16) in Int(value) }
        case .int16: numbers { (value: Int16) in Int(value) }
        case .uint32: numbers { (value: UInt32) in Int(value) }
        case .int32: numbers { (value: Int32) in Int(value) }
        case .uint64: numbers { (value: UInt64) in Int(exactly: value) }
        case .int64: numbers { (value: Int64) in Int(value) }
        default: nil
        }
    }

    /// All elements as 32-bit floating-point numbers, rounded from 64 bits if need be.
    ///
    /// - Returns: nil if they are of another type; integers are.
    public var floats: [Float]? {
        switch elementType {
        case .float32: numbers { (bits: UInt32) in Float(bitPattern: bits) }
        case .float64: numbers { (bits: UInt64) in Float(Double(bitPattern: bits)) }
        default: nil
        }
    }

    /// All elements as booleans, or nil if they are of another type.
    public var bools: [Bool]? {
        elementType == .bool ? numbers { (value: UInt8) in value != 0 } : nil
    }

    private func numbers<Stored: FixedWidthInteger, Result>(
        _ convert: (Stored) -> Result?
    ) -> [Result]? {
        withBytes { bytes in
            var results: [Result] = []
            results.reserveCapacity(count)
            for position in 0..<count {
                let stored = bytes.loadUnaligned(
                    fromByteOffset: position * MemoryLayout<Stored>.size, as: Stored.self)
                guard let result = convert(Stored(littleEndian: stored)) else { return nil }
                results.append(result)
            }
            return results
        }
    }
}

extension GGUFArray: CustomStringConvertible {
    /// The number of elements and the first eight.
    public var description: String {
        let shown = min(count, 8)
        let elements: [String]
        switch elementType {
        case .string:
            elements = (0..<shown).map { "'\(String(decoding: bytes(at: $0), as: UTF8.self))'" }
        case .bool: elements = (bools ?? []).prefix(shown).map { "\($0)" }
        case .float32, .float64: elements = (floats ?? []).prefix(shown).map { "\($0)" }
        default: elements = (ints ?? []).prefix(shown).map { "\($0)" }
        }
        let list = elements.joined(separator: ", ")
        return count > shown ? "\(count) \(elementType): [\(list), …]" : "[\(list)]"
    }
}
