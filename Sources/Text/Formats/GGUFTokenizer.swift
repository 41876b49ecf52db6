extension Tokenizer {
    /// Makes a tokenizer of what a GGUF file says about it.
    ///
    /// - Throws: `TokenizerError` for a kind of model or pre-tokenizer that is not supported, and
    ///   for lists that do not fit together.
    public convenience init(_ metadata: GGUFTokenizerMetadata) throws {
        do throws(TokenizerError.Reason) {
            try self.init(GGUFTokenizer(metadata).parts())
        } catch {
            throw TokenizerError(source: "tokenizer of the GGUF file", reason: error)
        }
    }
}

/// Reads the tokenizer that a GGUF file's keys describe.
struct GGUFTokenizer {
    private enum TokenType: Int32 {
        case undefined = 0
        case normal, unknown, control, userDefined, unused, byte
    }

    private let metadata: GGUFTokenizerMetadata
    private let types: [TokenType]

    init(_ metadata: GGUFTokenizerMetadata) throws(TokenizerError.Reason) {
        self.metadata = metadata
        let count = metadata.tokens.count
        guard count > 0 else { throw .emptyVocabulary }
        guard count <= Vocabulary.maximumCount else {
            throw .tooManyTokens(count: count, limit: Vocabulary.maximumCount)
        }
        if let scores = metadata.scores {
            guard scores.count == count else {
                throw .wrongCount(field: "scores", found: scores.count, expected: count)
            }
        }
        var types = [TokenType](repeating: .normal, count: count)
        if let numbers = metadata.tokenTypes {
            guard numbers.count == count else {
                throw .wrongCount(field: "token types", found: numbers.count, expected: count)
            }
            for (id, number) in numbers.enumerated() {
                guard let type = TokenType(rawValue: number) else {
                    throw .unsupported(
                        field: "token_type of token \(id)", value: "\(number)",
                        supported: "0 to 6")
                }
                types[id] = type
            }
        }
        self.types = types
    }

    func parts() throws(TokenizerError.Reason) -> TokenizerParts {
        var parts: TokenizerParts
        switch metadata.model {
        case "gpt2": parts = try byteLevelParts()
        case "llama": parts = try sentencePieceParts()
        default:
            throw .unsupported(
                field: "tokenizer.ggml.model", value: metadata.model, supported: "gpt2, llama")
        }
        parts.beginOfSequence = try id(metadata.beginOfSequence, "bos_token_id")
        parts.endOfSequence = try id(metadata.endOfSequence, "eos_token_id")
        let endOfTurn = try id(metadata.endOfTurn, "eot_token_id")
        _ = try id(metadata.padding, "padding_token_id")
        if metadata.addsBeginOfSequence ?? (metadata.model == "llama"),
            let begin = parts.beginOfSequence
        {
            parts.sequencePrefix = [begin]
        }
        if metadata.addsEndOfSequence == true, let end = parts.endOfSequence {
            parts.sequenceSuffix = [end]
        }
        parts.stopTokens = StopTokens.ids(
            in: parts.vocabulary, reserved: parts.reserved,
            known: [parts.endOfSequence, endOfTurn])
        parts.chatTemplate = metadata.chatTemplate
        return parts
    }

    private func id(_ value: Int?, _ field: String) throws(TokenizerError.Reason) -> Int32? {
        guard let value else { return nil }
        guard metadata.tokens.indices.contains(value) else {
            throw .idOutOfRange(token: field, id: value)
        }
        return Int32(value)
    }

    // MARK: Byte-level BPE

    private func byteLevelParts() throws(TokenizerError.Reason) -> TokenizerParts {
        guard let merges = metadata.merges else {
            throw .missingField("tokenizer.ggml.merges")
        }
        var warnings: [String] = []
        let pretokenizer: Pretokenizer
        switch metadata.pre {
        case nil, "default":
            pretokenizer = .gpt2
            warnings.append(
                "the GGUF file names no pre-tokenizer; text is cut as for GPT-2, which may differ "
                    + "from how the model was trained")
        case let name?:
            guard let known = Pretokenizer(named: name) else {
                throw .unsupported(
                    field: "tokenizer.ggml.pre", value: name,
                    supported: Pretokenizer.principalNames)
            }
            pretokenizer = known
        }

        var builder = Vocabulary.Builder()
        builder.reserve(tokens: metadata.tokens.count, bytes: metadata.tokens.count * 8)
        var added: [AddedToken] = []
        var special = TokenSet(capacity: metadata.tokens.count)
        var reserved = TokenSet(capacity: metadata.tokens.count)
        for (id, token) in metadata.tokens.enumerated() {
            try builder.add(token, id: id)
            switch types[id] {
            case .control, .unknown, .userDefined:
                let isSpecial = types[id] != .userDefined
                guard !token.isEmpty else { throw .emptyToken(id: id, isSpecial: true) }
                let addedToken = AddedToken(
                    id: id, content: Array(token.utf8), isSpecial: isSpecial)
                added.append(addedToken)
                if isSpecial { special.insert(id) }
                if !addedToken.isPlainText { reserved.insert(id) }
            case .undefined, .normal, .unused, .byte: break
            }
        }
        let vocabulary = try builder.finish { types[$0] == .unused }

        var reader = MergeListReader(
            vocabulary: vocabulary, reserved: reserved, capacity: merges.count)
        for merge in merges { try reader.add(merge) }
        let takesWholeWords = pretokenizer.takesWholeWords
        var normalizer = Normalizer()
        if metadata.pre == "qwen2" || metadata.pre == "deepseek-r1-qwen" {
            normalizer.steps = [.canonical(composes: true)]
        }
        let model = BytePairModel(
            alphabet: .bytes(ByteLevelAlphabet.symbols(in: vocabulary)), merges: reader.table,
            unknown: .omitted, tokenCount: vocabulary.count, strayCharacters: [],
            wholeWords: takesWholeWords
                ? .init(vocabulary: vocabulary, reserved: reserved) : nil,
            unusedTokens: [], cutsAtWordMarks: false)
        warnings.append(contentsOf: reader.warnings)
        warnings.append(contentsOf: ByteLevelAlphabet.warnings(for: vocabulary))
        return TokenizerParts(
            vocabulary: vocabulary, model: .bytePair(model), added: added, normalizer: normalizer,
            pretokenizer: pretokenizer,
            decoder: TokenDecoder(kind: .byteLevel, vocabulary: vocabulary), special: special,
            reserved: reserved, warnings: warnings)
    }

    // MARK: SentencePiece

    private func sentencePieceParts() throws(TokenizerError.Reason) -> TokenizerParts {
        guard let scores = metadata.scores else {
            throw .missingField("tokenizer.ggml.scores")
        }
        if let id = scores.firstIndex(where: { !$0.isFinite }) { throw .badScore(id: id) }
        var pieces: [SentencePieceFile.Piece] = []
        pieces.reserveCapacity(metadata.tokens.count)
        for (id, token) in metadata.tokens.enumerated() {
            guard !token.isEmpty else {
                throw .emptyToken(id: id, isSpecial: types[id] == .control)
            }
            let kind: SentencePieceFile.Kind =
                switch types[id] {
                case .undefined, .normal: .normal
                case .unknown: .unknown
                case .control: .control
                case .userDefined: .userDefined
                case .unused: .unused
                case .byte: .byte
                }
            pieces.append(.init(text: Array(token.utf8), score: scores[id], kind: kind))
        }
        if let unknown = try id(metadata.unknown, "unknown_token_id"),
            pieces[Int(unknown)].kind != .byte
        {
            pieces[Int(unknown)].kind = .unknown
        }
        let addsSpacePrefix = metadata.addsSpacePrefix ?? true
        return try SentencePieceAssembly(
            pieces: pieces, algorithm: .bytePair,
            normalizer: SentencePieceNormalizer(
                characterMap: nil, addsWordMarkInFront: addsSpacePrefix,
                removesExtraWhitespace: false, escapesWhitespace: true),
            fallsBackToBytes: types.contains(.byte), unknownSurface: "\u{2047}",
            showsControl: true, recognisesControlInText: true
        ).parts()
    }
}
