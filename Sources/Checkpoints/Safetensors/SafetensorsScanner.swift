import FathomJSON
import FathomTensors

/// Reads the tokens of a safetensors header from left to right, without going back.
///
/// Every access to the text is checked against its end.
struct SafetensorsScanner {
    /// A field of a tensor's entry.
    enum Field {
        case dtype, shape, dataOffsets
        case other(String)

        var name: String {
            switch self {
            case .dtype: "dtype"
            case .shape: "shape"
            case .dataOffsets: "data_offsets"
            case .other(let name): name
            }
        }
    }

    private let text: UnsafeBufferPointer<UInt8>
    private var position = 0

    init(text: UnsafeBufferPointer<UInt8>) {
        self.text = text
    }

    /// The next byte that is no white space, without passing it; nil at the end.
    private mutating func peek() -> UInt8? {
        while position < text.count {
            let byte = text[position]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            position += 1
        }
        return nil
    }

    private func unexpected(_ expected: String) -> SafetensorsError.Reason {
        var found = "the end of the header"
        if position < text.count {
            let byte = text[position]
            found =
                byte > 0x20 && byte < 0x7F
                ? "'\(Character(UnicodeScalar(byte)))'" : "the byte \(byte)"
        }
        return .unexpected(offset: 8 + position, found: found, expected: expected)
    }

    /// Passes a punctuation character.
    mutating func expect(_ wanted: Unicode.Scalar) throws(SafetensorsError.Reason) {
        guard peek() == UInt8(ascii: wanted) else { throw unexpected("'\(wanted)'") }
        position += 1
    }

    /// Passes a punctuation character if it comes next.
    mutating func skip(_ wanted: Unicode.Scalar) throws(SafetensorsError.Reason) -> Bool {
        guard let byte = peek() else { throw unexpected("'\(wanted)'") }
        guard byte == UInt8(ascii: wanted) else { return false }
        position += 1
        return true
    }

    /// Passes a comma (true) or the end of an object or array (false).
    mutating func separator(
        orEnd end: Unicode.Scalar
    ) throws(SafetensorsError.Reason) -> Bool {
        let byte = peek()
        guard byte == UInt8(ascii: ",") || byte == UInt8(ascii: end) else {
            throw unexpected("',' or '\(end)'")
        }
        position += 1
        return byte == UInt8(ascii: ",")
    }

    /// Passes the white space that may follow the object.
    mutating func expectEnd() throws(SafetensorsError.Reason) {
        if peek() != nil { throw unexpected("nothing but spaces after the object") }
    }

    /// Passes a string; gives its bytes without the quotes, and whether they hold escapes.
    private mutating func rawString() throws(SafetensorsError.Reason) -> (Range<Int>, Bool) {
        guard peek() == UInt8(ascii: "\"") else { throw unexpected("a string") }
        position += 1
        let start = position
        var hasEscapes = false
        while position < text.count {
            let byte = text[position]
            if byte == UInt8(ascii: "\"") {
                position += 1
                return (start..<position - 1, hasEscapes)
            }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                position += 1
            } else if byte < 0x20 {
                throw unexpected("no control character in a string")
            }
            position += 1
        }
        position = text.count
        throw unexpected("the end of a string")
    }

    /// Passes a string.
    mutating func string(
        maximumBytes: Int = .max
    ) throws(SafetensorsError.Reason) -> String {
        let (range, hasEscapes) = try rawString()
        var name = ""
        if hasEscapes {
            let quoted = UnsafeBufferPointer(
                rebasing: text[range.lowerBound - 1..<range.upperBound + 1])
            guard let value = try? JSONValue(parsing: quoted), let text = value.stringValue else {
                throw .unexpected(
                    offset: 8 + range.lowerBound, found: "a string with a bad escape",
                    expected: "the escapes of JSON")
            }
            name = text
        } else {
            name = String(decoding: UnsafeBufferPointer(rebasing: text[range]), as: UTF8.self)
        }
        guard name.utf8.count <= maximumBytes else {
            throw .nameTooLong(bytes: name.utf8.count, limit: maximumBytes)
        }
        return name
    }

    /// Passes the name of a field.
    mutating func field() throws(SafetensorsError.Reason) -> Field {
        switch try string(maximumBytes: 4096) {
        case "dtype": .dtype
        case "shape": .shape
        case "data_offsets": .dataOffsets
        case let name: .other(name)
        }
    }

    /// Passes the name of a type.
    mutating func type(tensor: String) throws(SafetensorsError.Reason) -> DType {
        let name = try string(maximumBytes: 4096)
        switch SafetensorsType(name) {
        case .supported(let dtype): return dtype
        case .unsupported: throw .unsupportedType(tensor: tensor, name: name)
        case .unknown: throw .unknownType(tensor: tensor, name: name)
        }
    }

    /// Passes a whole number from 0 to the largest `Int`, written with digits alone.
    mutating func number() throws(SafetensorsError.Reason) -> Int {
        guard let first = peek(), first >= 0x30, first <= 0x39 else {
            throw unexpected("a whole number, not negative")
        }
        let start = position
        var value = 0
        while position < text.count, text[position] >= 0x30, text[position] <= 0x39 {
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow2) = tens.addingReportingOverflow(Int(text[position] - 0x30))
            guard !overflow, !overflow2, start == position || first != 0x30 else {
                throw .unexpected(
                    offset: 8 + start, found: "a number beyond 63 bits or with a leading zero",
                    expected: "a whole number")
            }
            value = sum
            position += 1
        }
        if position < text.count, [0x2E, 0x65, 0x45].contains(text[position]) {
            throw unexpected("a whole number, written with digits alone")
        }
        return value
    }
}
