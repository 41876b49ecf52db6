import FathomJSON

/// A `tokenizer.json` as it was read: the large lists in a form of their own, the rest as values.
///
/// The large lists are the tokens and the merges, hundreds of thousands of strings. They are read
/// straight from the bytes of the file into the vocabulary's.
struct TokenizerJSONFile {
    enum Merge {
        /// Two tokens with a space between them.
        case joined(JSONReader.RawString)
        case pair(JSONReader.RawString, JSONReader.RawString)
    }

    /// Everything but `model`.
    var fields = JSONObject()
    /// The `model`, without its tokens and merges.
    var model = JSONObject()
    var tokens = Vocabulary.Builder()
    var tokenCount = 0
    /// Scores of the tokens, for a unigram model.
    var scores: [Double]?
    var merges: [Merge] = []
    private(set) var reader: JSONReader

    init(_ bytes: UnsafeBufferPointer<UInt8>) throws(TokenizerError.Reason) {
        do throws(JSONError) {
            reader = try JSONReader(bytes, limits: .default)
        } catch {
            throw .json(error)
        }
        try expect(.beginObject, "an object")
        while let key = try nextKey() {
            let name = reader.text(key)
            if name == "model", model.isEmpty {
                try readModel()
            } else {
                guard fields[name] == nil, name != "model" else {
                    throw .json(reader.duplicateKey(name))
                }
                fields[name] = try readTree()
            }
        }
        try expect(.end, "the end of the text")
    }

    private mutating func next() throws(TokenizerError.Reason) -> JSONReader.Token {
        do throws(JSONError) {
            return try reader.next()
        } catch {
            throw .json(error)
        }
    }

    private mutating func expect(
        _ token: JSONReader.Token, _ description: String
    ) throws(TokenizerError.Reason) {
        guard try next() == token else { throw .json(reader.unexpected(description)) }
    }

    private mutating func readTree() throws(TokenizerError.Reason) -> JSONValue {
        let first = try next()
        do throws(JSONError) {
            return try reader.readTree(startingWith: first)
        } catch {
            throw .json(error)
        }
    }

    /// The next key of the object around the place, or nil at its end.
    private mutating func nextKey() throws(TokenizerError.Reason) -> JSONReader.RawString? {
        switch try next() {
        case .key(let key): return key
        default: return nil
        }
    }

    private mutating func readModel() throws(TokenizerError.Reason) {
        guard try next() == .beginObject else {
            throw .wrongType(field: "model", found: "something else", expected: "an object")
        }
        var hasTokens = false
        var hasMerges = false
        while let key = try nextKey() {
            if reader.isEqual(key, "vocab") {
                guard !hasTokens else { throw .json(reader.duplicateKey("vocab")) }
                hasTokens = true
                try readTokens()
            } else if reader.isEqual(key, "merges") {
                guard !hasMerges else { throw .json(reader.duplicateKey("merges")) }
                hasMerges = true
                try readMerges()
            } else {
                let name = reader.text(key)
                guard model[name] == nil else { throw .json(reader.duplicateKey(name)) }
                model[name] = try readTree()
            }
        }
        guard hasTokens else { throw .missingField("model.vocab") }
    }

    private mutating func readTokens() throws(TokenizerError.Reason) {
        switch try next() {
        case .beginObject:
            while let key = try nextKey() {
                guard case .integer(let id) = try next() else {
                    throw .wrongType(
                        field: "model.vocab['\(reader.text(key).excerpt)']",
                        found: "something else", expected: "an integer")
                }
                try add(key, id: id)
            }
        case .beginArray:
            var scores: [Double] = []
            while true {
                let token = try next()
                if token == .endArray { break }
                guard token == .beginArray, case .string(let text) = try next() else {
                    throw wrongPair(scores.count)
                }
                let score: Double
                switch try next() {
                case .number(let value): score = value
                case .integer(let value): score = Double(value)
                default: throw wrongPair(scores.count)
                }
                guard try next() == .endArray else { throw wrongPair(scores.count) }
                try add(text, id: scores.count)
                scores.append(score)
            }
            self.scores = scores
        default:
            throw .wrongType(
                field: "model.vocab", found: "something else", expected: "an object or an array")
        }
    }

    private func wrongPair(_ index: Int) -> TokenizerError.Reason {
        .wrongType(
            field: "model.vocab[\(index)]", found: "something else",
            expected: "an array of a token and its score")
    }

    private mutating func add(
        _ text: JSONReader.RawString, id: Int
    ) throws(TokenizerError.Reason) {
        let reader = reader
        try tokens.add(id: id) { reader.appendBytes(of: text, to: &$0) }
        tokenCount += 1
    }

    private mutating func readMerges() throws(TokenizerError.Reason) {
        guard try next() == .beginArray else {
            throw .wrongType(
                field: "model.merges", found: "something else", expected: "an array")
        }
        while true {
            switch try next() {
            case .endArray: return
            case .string(let text): merges.append(.joined(text))
            case .beginArray:
                guard case .string(let left) = try next(), case .string(let right) = try next(),
                    try next() == .endArray
                else { throw wrongMerge }
                merges.append(.pair(left, right))
            default: throw wrongMerge
            }
        }
    }

    private var wrongMerge: TokenizerError.Reason {
        .wrongType(
            field: "model.merges[\(merges.count)]", found: "something else",
            expected: "two tokens")
    }
}
