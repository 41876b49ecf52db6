/// Reads the fields of a GGUF header from left to right; every read is checked against the end.
struct GGUFReader {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    var remaining: Int { bytes.count - position }

    mutating func integer<Value: FixedWidthInteger>(
        _ what: @autoclosure () -> String
    ) throws(GGUFError.Reason) -> Value {
        guard remaining >= MemoryLayout<Value>.size else {
            throw .headerCutShort(offset: position, reading: what())
        }
        let value = bytes.loadUnaligned(fromByteOffset: position, as: Value.self)
        position += MemoryLayout<Value>.size
        return Value(littleEndian: value)
    }

    /// Passes a number of bytes.
    mutating func skip(
        _ count: Int, _ what: @autoclosure () -> String
    ) throws(GGUFError.Reason) {
        guard count >= 0, count <= remaining else {
            throw .headerCutShort(offset: position, reading: what())
        }
        position += count
    }

    /// Passes a string's length; the string is known to lie within the file.
    mutating func stringLength(
        _ what: @autoclosure () -> String
    ) throws(GGUFError.Reason) -> Int {
        let offset = position
        let length: UInt64 = try integer(what())
        guard length <= UInt64(remaining) else {
            throw .stringTooLong(offset: offset, bytes: length, limit: remaining)
        }
        return Int(length)
    }

    /// Passes a string, which must be UTF-8.
    mutating func string(
        _ what: @autoclosure () -> String
    ) throws(GGUFError.Reason) -> String {
        let length = try stringLength(what())
        let offset = position
        try skip(length, what())
        guard let string = String(validating: bytes[offset..<position], as: UTF8.self) else {
            throw .invalidUTF8(offset: offset, of: what())
        }
        return string
    }

    /// A byte that was passed already.
    func byte(at offset: Int) -> UInt8 { bytes[offset] }
}
