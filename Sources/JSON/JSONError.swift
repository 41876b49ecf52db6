/// Why a text was refused as JSON, and where.
///
/// The description reads "line 2, column 14 (byte 31): found ']', expected a value".
public struct JSONError: Error, Sendable, Hashable {
    /// What was wrong.
    public enum Reason: Sendable, Hashable {
        /// Something other than the grammar allows at this place.
        case unexpected(found: String, expected: String)
        /// A key that the object already has.
        case duplicateKey(String)
        /// Bytes that are not UTF-8.
        case invalidUTF8
        /// An escape such as `\ud800` that names half of a character.
        case loneSurrogate
        /// A number too large for a 64-bit floating-point value.
        case numberOutOfRange(String)
        /// More nesting than the limit allows.
        case tooDeep(limit: Int)
        /// More bytes than the limit allows.
        case tooLarge(bytes: Int, limit: Int)
        /// More values than the limit allows.
        case tooManyElements(limit: Int)
    }

    /// What was wrong.
    public let reason: Reason
    /// Bytes before the place.
    public let offset: Int
    /// Line of the place, counted from 1.
    public let line: Int
    /// Bytes from the start of the line, counted from 1.
    public let column: Int

    init(_ reason: Reason, at offset: Int, in bytes: UnsafeBufferPointer<UInt8>) {
        self.reason = reason
        self.offset = offset
        var line = 1
        var lineStart = 0
        for position in 0..<min(offset, bytes.count) where bytes[position] == UInt8(ascii: "\n") {
            line += 1
            lineStart = position + 1
        }
        self.line = line
        column = offset - lineStart + 1
    }
}

extension JSONError: CustomStringConvertible {
    public var description: String {
        "line \(line), column \(column) (byte \(offset)): \(reason)"
    }
}

extension JSONError.Reason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unexpected(let found, let expected):
            "found \(found), expected \(expected)"
        case .duplicateKey(let key):
            "the key '\(key)' appears twice in one object; every key must appear once"
        case .invalidUTF8:
            "these bytes are not UTF-8; JSON text must be"
        case .loneSurrogate:
            "this escape is half of a surrogate pair; both halves must be written, high first"
        case .numberOutOfRange(let number):
            "the number \(number) is out of range; numbers end at about 1.8e308"
        case .tooDeep(let limit):
            "more than \(limit) arrays and objects inside each other"
        case .tooLarge(let bytes, let limit):
            "\(bytes) bytes of JSON; the limit is \(limit)"
        case .tooManyElements(let limit):
            "more than \(limit) values"
        }
    }
}
