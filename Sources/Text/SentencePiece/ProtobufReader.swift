/// Reads the fields of a protocol buffer one by one, within bounds.
struct ProtobufReader {
    enum Value {
        case number(UInt64)
        case fixed64(UInt64)
        case bytes(Range<Int>)
        case fixed32(UInt32)
    }

    private let bytes: [UInt8]
    private var position: Int
    private let end: Int

    init(_ bytes: [UInt8], in range: Range<Int>? = nil) {
        self.bytes = bytes
        position = range?.lowerBound ?? 0
        end = min(range?.upperBound ?? bytes.count, bytes.count)
    }

    /// The next field, or nil at the end.
    mutating func next() throws(TokenizerError.Reason) -> (field: Int, value: Value)? {
        guard position < end else { return nil }
        let start = position
        let tag = try readNumber()
        let field = Int(truncatingIfNeeded: tag >> 3 & 0x1FFF_FFFF)
        guard tag >> 32 == 0, field > 0 else {
            throw .protobuf(detail: "the tag \(tag) is not one of a field", offset: start)
        }
        switch tag & 7 {
        case 0: return (field, .number(try readNumber()))
        case 1: return (field, .fixed64(try readFixed(8)))
        case 2:
            let length = try readNumber()
            guard length <= UInt64(end - position) else {
                throw .protobuf(
                    detail:
                        "field \(field) is \(length) bytes long, but \(end - position) are left",
                    offset: start)
            }
            let range = position..<position + Int(length)
            position = range.upperBound
            return (field, .bytes(range))
        case 5: return (field, .fixed32(UInt32(truncatingIfNeeded: try readFixed(4))))
        default:
            throw .protobuf(
                detail: "field \(field) has the unknown wire type \(tag & 7)", offset: start)
        }
    }

    private mutating func readNumber() throws(TokenizerError.Reason) -> UInt64 {
        let start = position
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard position < end else {
                throw .protobuf(detail: "a number is cut off", offset: start)
            }
            let byte = bytes[position]
            position += 1
            if shift == 63, byte > 1 { break }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw .protobuf(detail: "a number of more than 64 bits", offset: start)
    }

    private mutating func readFixed(_ count: Int) throws(TokenizerError.Reason) -> UInt64 {
        guard end - position >= count else {
            throw .protobuf(detail: "a number is cut off", offset: position)
        }
        var value: UInt64 = 0
        for index in 0..<count { value |= UInt64(bytes[position + index]) << UInt64(8 * index) }
        position += count
        return value
    }
}
