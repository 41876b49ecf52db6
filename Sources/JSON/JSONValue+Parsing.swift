extension JSONValue {
    /// Reads JSON text strictly by RFC 8259, and nothing but it.
    ///
    /// Refused are duplicate keys, trailing commas or text, comments, a byte order mark, invalid
    /// UTF-8, control characters in strings, escapes of half a surrogate pair, NaN and infinities,
    /// numbers beyond a double's range, leading zeros, and whatever exceeds the limits.
    public init(parsing text: String, limits: JSONLimits = .default) throws(JSONError) {
        try self.init(parsing: text.utf8, limits: limits)
    }

    /// Reads JSON text in UTF-8 strictly by RFC 8259, and nothing but it.
    public init(
        parsing bytes: some Collection<UInt8>, limits: JSONLimits = .default
    ) throws(JSONError) {
        let parse = { (bytes: UnsafeBufferPointer<UInt8>) -> Result<JSONValue, JSONError> in
            Result { () throws(JSONError) in
                var reader = try JSONReader(bytes, limits: limits)
                let value = try reader.readTree(startingWith: try reader.next())
                _ = try reader.next()
                return value
            }
        }
        let result =
            bytes.withContiguousStorageIfAvailable(parse)
            ?? Array(bytes).withUnsafeBufferPointer(parse)
        self = try result.get()
    }
}

extension JSONReader {
    private struct Container {
        let isObject: Bool
        var elements: [JSONValue] = []
        var object = JSONObject()
        var key = ""
    }

    /// Builds the value whose first token was just read.
    package mutating func readTree(startingWith first: Token) throws(JSONError) -> JSONValue {
        var open: [Container] = []
        var token = first
        while true {
            let value: JSONValue
            switch token {
            case .beginObject, .beginArray:
                open.append(Container(isObject: token == .beginObject))
                token = try next()
                continue
            case .key(let raw):
                open[open.count - 1].key = text(raw)
                token = try next()
                continue
            case .endObject, .endArray:
                let container = open.removeLast()
                value = container.isObject ? .object(container.object) : .array(container.elements)
            case .string(let raw): value = .string(text(raw))
            case .integer(let number): value = .integer(number)
            case .number(let number): value = .number(number)
            case .bool(let truth): value = .bool(truth)
            case .null: value = .null
            case .end: throw unexpected("a value")
            }
            guard let last = open.indices.last else { return value }
            if open[last].isObject {
                guard open[last].object.appendIfNew(open[last].key, value) else {
                    throw error(.duplicateKey(open[last].key), at: offset)
                }
            } else {
                open[last].elements.append(value)
            }
            token = try next()
        }
    }
}
