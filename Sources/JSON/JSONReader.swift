/// Reads JSON one token at a time, without building values: the base of `JSONValue(parsing:)`.
///
/// Files with hundreds of thousands of strings (vocabularies) are read with it directly, so that no
/// `String` is made for each. The reader borrows the bytes it was given: it must not outlive the
/// closure that lent them. Every access is checked against their count.
package struct JSONReader {
    /// A string as it stands between its quotes.
    package struct RawString: Sendable, Hashable {
        /// Where the characters are, quotes excluded.
        package let range: Range<Int>
        /// Whether there are escapes, so that the bytes are not the text yet.
        package let hasEscapes: Bool
    }

    package enum Token: Sendable, Hashable {
        case beginObject, endObject, beginArray, endArray
        case key(RawString)
        case string(RawString)
        case integer(Int)
        case number(Double)
        case bool(Bool)
        case null
        /// The end of the text, after exactly one value.
        case end
    }

    /// What the grammar allows next.
    private enum State {
        case value, valueOrEndOfArray, keyOrEndOfObject, key, commaOrEnd, done
    }

    let bytes: UnsafeBufferPointer<UInt8>
    private let limits: JSONLimits
    private(set) var offset = 0
    private var state = State.value
    /// Whether each container around this place is an object, outermost first.
    private var containers: [Bool] = []
    private var elementCount = 0

    package init(_ bytes: UnsafeBufferPointer<UInt8>, limits: JSONLimits) throws(JSONError) {
        self.bytes = bytes
        self.limits = limits
        guard bytes.count <= limits.maximumBytes else {
            throw JSONError(
                .tooLarge(bytes: bytes.count, limit: limits.maximumBytes), at: 0, in: bytes)
        }
    }

    /// How many containers stand around the place.
    package var depth: Int { containers.count }

    /// Reads the next token.
    package mutating func next() throws(JSONError) -> Token {
        skipWhitespace()
        switch state {
        case .value:
            return try readValue()
        case .valueOrEndOfArray:
            if peek() == UInt8(ascii: "]") { return endContainer(.endArray) }
            return try readValue()
        case .keyOrEndOfObject:
            if peek() == UInt8(ascii: "}") { return endContainer(.endObject) }
            return try readKey(expecting: "a key or '}'")
        case .key:
            return try readKey(expecting: "a key")
        case .commaOrEnd:
            return try readSeparator()
        case .done:
            guard offset == bytes.count else { throw unexpected("the end of the text") }
            return .end
        }
    }

    /// Skips the rest of the value whose first token was just read.
    package mutating func skipValue(startingWith token: Token) throws(JSONError) {
        guard token == .beginArray || token == .beginObject else { return }
        let outside = depth - 1
        while depth > outside { _ = try next() }
    }

    /// An error at the place reached, for readers that expect more than JSON does.
    package func unexpected(_ expected: String) -> JSONError {
        JSONError(.unexpected(found: foundDescription, expected: expected), at: offset, in: bytes)
    }

    /// An error at the place reached: a key that the object around it has already.
    package func duplicateKey(_ key: String) -> JSONError {
        error(.duplicateKey(key), at: offset)
    }

    func error(_ reason: JSONError.Reason, at offset: Int) -> JSONError {
        JSONError(reason, at: offset, in: bytes)
    }

    // MARK: Grammar

    private mutating func readSeparator() throws(JSONError) -> Token {
        let isObject = containers[containers.count - 1]
        let byte = peek()
        if byte == UInt8(ascii: ",") {
            offset += 1
            skipWhitespace()
            return isObject ? try readKey(expecting: "a key") : try readValue()
        }
        if isObject, byte == UInt8(ascii: "}") { return endContainer(.endObject) }
        if !isObject, byte == UInt8(ascii: "]") { return endContainer(.endArray) }
        throw unexpected(isObject ? "',' or '}'" : "',' or ']'")
    }

    private mutating func endContainer(_ token: Token) -> Token {
        offset += 1
        containers.removeLast()
        valueIsComplete()
        return token
    }

    private mutating func valueIsComplete() {
        state = containers.isEmpty ? .done : .commaOrEnd
    }

    private mutating func readKey(expecting expected: String) throws(JSONError) -> Token {
        guard peek() == UInt8(ascii: "\"") else { throw unexpected(expected) }
        let key = try readString()
        skipWhitespace()
        guard peek() == UInt8(ascii: ":") else { throw unexpected("':'") }
        offset += 1
        state = .value
        return .key(key)
    }

    private mutating func readValue() throws(JSONError) -> Token {
        elementCount += 1
        guard elementCount <= limits.maximumElements else {
            throw error(.tooManyElements(limit: limits.maximumElements), at: offset)
        }
        switch peek() {
        case UInt8(ascii: "\""):
            let text = try readString()
            valueIsComplete()
            return .string(text)
        case UInt8(ascii: "{"):
            try beginContainer(isObject: true)
            return .beginObject
        case UInt8(ascii: "["):
            try beginContainer(isObject: false)
            return .beginArray
        case UInt8(ascii: "t"):
            try readWord("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try readWord("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try readWord("null")
            return .null
        case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")):
            let number = try readNumber()
            valueIsComplete()
            return number
        default:
            throw unexpected(state == .valueOrEndOfArray ? "a value or ']'" : "a value")
        }
    }

    private mutating func beginContainer(isObject: Bool) throws(JSONError) {
        guard containers.count < limits.maximumDepth else {
            throw error(.tooDeep(limit: limits.maximumDepth), at: offset)
        }
        offset += 1
        containers.append(isObject)
        state = isObject ? .keyOrEndOfObject : .valueOrEndOfArray
    }

    private mutating func readWord(_ word: StaticString) throws(JSONError) {
        let start = offset
        for position in 0..<word.utf8CodeUnitCount {
            guard peek() == word.utf8Start[position] else {
                offset = start
                throw unexpected("'\(word)'")
            }
            offset += 1
        }
        valueIsComplete()
    }

    // MARK: Bytes

    /// The byte at the place, or nil at the end.
    func peek(ahead distance: Int = 0) -> UInt8? {
        offset + distance < bytes.count ? bytes[offset + distance] : nil
    }

    mutating func advance(to position: Int) {
        offset = position
    }

    private mutating func skipWhitespace() {
        while let byte = peek(),
            byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n")
                || byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\t")
        {
            offset += 1
        }
    }

    private var foundDescription: String {
        guard let byte = peek() else { return "the end of the text" }
        if byte == 0xEF, peek(ahead: 1) == 0xBB, peek(ahead: 2) == 0xBF {
            return "a byte order mark"
        }
        guard (0x20..<0x7F).contains(byte) else {
            return "the byte 0x" + String(byte, radix: 16, uppercase: true)
        }
        return "'\(Character(Unicode.Scalar(byte)))'"
    }
}
