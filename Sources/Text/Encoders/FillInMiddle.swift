/// Prompts that ask a model to write what is missing between two pieces of text.
///
/// ```swift
/// let filling = try FillInMiddle(tokenizer)
/// let (prefix, suffix) = try FillInMiddle.split(file, at: .line(12, utf16Column: 4))
/// let ids = filling.prompt(prefix: prefix, suffix: suffix)
/// // Generate from `ids` until one of `filling.stopTokens`.
/// ```
///
/// DeepSeek Coder, Coder-V2 and V3 were trained with the order prefix, suffix, middle:
/// `<｜fim▁begin｜>prefix<｜fim▁hole｜>suffix<｜fim▁end｜>middle`, at the level of documents and
/// without a chat around it. Coder-V2 of 236 billion parameters was not, though its vocabulary has
/// the tokens.
///
/// - SeeAlso: Guo et al., DeepSeek-Coder, 2024, section 3.1; DeepSeek-AI, DeepSeek-Coder-V2, 2024,
///   section 3; DeepSeek-AI, DeepSeek-V3, 2024, section 4.1.
public struct FillInMiddle: Sendable {
    /// The token before the text in front of the gap.
    public let begin: Int32
    /// The token that stands for the gap, between the two texts.
    public let hole: Int32
    /// The token after the text behind the gap, from which the model goes on.
    public let end: Int32
    /// Tokens at which the gap is filled: those that end a text, and those of another prompt.
    public let stopTokens: Set<Int32>

    let tokenizer: Tokenizer

    private static let beginMarker = "<｜fim▁begin｜>"
    private static let holeMarker = "<｜fim▁hole｜>"
    private static let endMarker = "<｜fim▁end｜>"

    /// Finds the tokens in a model's vocabulary by their names.
    ///
    /// - Throws: ``FillInMiddleError/missingTokens(_:)`` if the model has not got them all.
    public init(_ tokenizer: Tokenizer) throws(FillInMiddleError) {
        var missing: [String] = []
        let ids = [Self.beginMarker, Self.holeMarker, Self.endMarker].map { marker -> Int32 in
            // A token that content can become would be no marker.
            guard let id = tokenizer.id(of: marker), tokenizer.isReserved(id),
                tokenizer.encode([.template(marker)]) == [id]
            else {
                missing.append(marker)
                return 0
            }
            return id
        }
        guard missing.isEmpty else { throw .missingTokens(missing) }
        (begin, hole, end) = (ids[0], ids[1], ids[2])
        stopTokens = tokenizer.stopTokens.union(ids)
        self.tokenizer = tokenizer
    }

    /// The prompt in segments, without the token that begins a text.
    ///
    /// The texts are content: what they say of special tokens stays text.
    public func segments(prefix: String, suffix: String) -> [PromptSegment] {
        var writer = SegmentWriter()
        writer.template(Self.beginMarker)
        writer.content(prefix)
        writer.template(Self.holeMarker)
        writer.content(suffix)
        writer.template(Self.endMarker)
        return writer.segments
    }

    /// The tokens of the prompt, with the token that begins a text where the model expects one.
    public func prompt(prefix: String, suffix: String) -> [Int32] {
        tokenizer.sequencePrefix + tokenizer.encode(segments(prefix: prefix, suffix: suffix))
    }
}

/// Why a gap cannot be filled.
public enum FillInMiddleError: Error, Sendable, Hashable {
    /// Tokens the vocabulary lacks.
    case missingTokens([String])
    /// A cursor behind the end of the text or of its line.
    case cursorOutOfRange(Cursor, limit: String)
    /// A cursor between the bytes of one character.
    case cursorInsideCharacter(Cursor)
}

extension FillInMiddleError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .missingTokens(let tokens):
            "the vocabulary has no \(tokens.map { "'\($0)'" }.joined(separator: ", ")); use a model "
                + "trained to fill gaps, such as DeepSeek Coder, Coder-V2-Lite or V3"
        case .cursorOutOfRange(let cursor, let limit):
            "\(cursor) is outside of the text, which has \(limit)"
        case .cursorInsideCharacter(let cursor):
            "\(cursor) is inside of a character; expected a place between two"
        }
    }
}
