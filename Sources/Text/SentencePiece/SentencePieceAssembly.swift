/// Puts a tokenizer together from SentencePiece's pieces, whichever file held them.
struct SentencePieceAssembly {
    var pieces: [SentencePieceFile.Piece]
    var algorithm: SentencePieceFile.Algorithm
    var normalizer: SentencePieceNormalizer
    var fallsBackToBytes: Bool
    var unknownSurface: String
    /// Whether decoding shows control pieces as they are written.
    var showsControl: Bool
    var recognisesControlInText: Bool

    func parts() throws(TokenizerError.Reason) -> TokenizerParts {
        var builder = Vocabulary.Builder()
        builder.reserve(tokens: pieces.count, bytes: pieces.count * 8)
        for (id, piece) in pieces.enumerated() {
            try piece.text.withUnsafeBufferPointer { bytes in
                Result { () throws(TokenizerError.Reason) in try builder.add(bytes, id: id) }
            }.get()
        }
        let kinds = pieces.map(\.kind)
        let vocabulary = try builder.finish { kinds[$0] == .unused }
        let scores = pieces.map(\.score)

        var special = TokenSet(capacity: pieces.count)
        var reserved = TokenSet(capacity: pieces.count)
        var silent = TokenSet(capacity: pieces.count)
        var control: [AddedToken] = []
        var userDefined: [AddedToken] = []
        var unknown: Int32?
        var isMergeable = [Bool](repeating: false, count: pieces.count)
        for (id, piece) in pieces.enumerated() {
            switch piece.kind {
            case .control:
                special.insert(id)
                reserved.insert(id)
                silent.insert(id)
                control.append(AddedToken(id: id, content: piece.text, isSpecial: true))
            case .unknown:
                special.insert(id)
                if unknown == nil { unknown = Int32(id) }
            case .userDefined:
                let token = AddedToken(id: id, content: piece.text)
                userDefined.append(token)
                isMergeable[id] = token.isPlainText
                if !token.isPlainText { reserved.insert(id) }
            case .normal, .unused: isMergeable[id] = true
            case .byte: break
            }
        }

        var fallback: BytePairModel.Unknown
        var byteValues = [Int16](repeating: -1, count: pieces.count)
        if fallsBackToBytes {
            let bytes = try ByteTokens.collect(in: vocabulary) { kinds[$0] == .byte }
            fallback = .bytes(bytes.tokens)
            byteValues = bytes.values
        } else if let unknown {
            fallback = .token(unknown)
            if let id = kinds.firstIndex(of: .byte) {
                guard ByteTokens.value(of: pieces[id].text[...]) != nil else {
                    throw .malformedByteToken(vocabulary.text(id), id: id)
                }
            }
        } else {
            throw .missingField("a piece for unknown characters")
        }

        let model: Tokenizer.Model
        switch algorithm {
        case .bytePair:
            let merges = try SentencePieceMerges(vocabulary, scores: scores) { isMergeable[$0] }
            let unused = Set(
                pieces.indices.lazy.filter { kinds[$0] == .unused }.map { Int32($0) })
            model = .bytePair(
                BytePairModel(
                    alphabet: .characters(merges.characters), merges: merges.table,
                    unknown: fallback, tokenCount: pieces.count,
                    strayCharacters: merges.strayCharacters, wholeWords: nil,
                    unusedTokens: unused,
                    cutsAtWordMarks: !merges.reachesAcrossWords && unused.isEmpty))
        case .unigram:
            var trie = ByteTrie()
            var lowest = Float.greatestFiniteMagnitude
            for (id, piece) in pieces.enumerated() {
                if piece.kind == .normal { lowest = min(lowest, piece.score) }
                // Plain user-defined symbols are matched before the model runs.
                guard piece.kind == .normal else { continue }
                guard trie.insert(piece.text, value: Int32(id)) else {
                    throw .tooManyTokens(count: pieces.count, limit: Vocabulary.maximumCount)
                }
            }
            if lowest == .greatestFiniteMagnitude { lowest = 0 }
            model = .unigram(
                UnigramModel(
                    trie: trie, scores: scores.map { Double($0) }, unknown: fallback,
                    lowestScore: Double(lowest), roundsSums: true))
        case .word, .character:
            throw .unsupported(
                field: "model_type", value: "\(algorithm)", supported: "unigram, bpe")
        }

        let leading: TokenDecoder.Leading =
            normalizer.addsWordMarkInFront || normalizer.removesExtraWhitespace
            ? .firstWordMark(repeatedly: normalizer.removesExtraWhitespace) : .nothing
        let decoder = TokenDecoder(
            kind: .pieces(
                .init(
                    byteValues: byteValues,
                    silent: showsControl ? TokenSet(capacity: 0) : silent,
                    unknown: unknown.map { ($0, Array(unknownSurface.utf8)) },
                    leading: leading)),
            vocabulary: vocabulary)
        return TokenizerParts(
            vocabulary: vocabulary, model: model, added: control,
            sentencePiece: .init(
                normalizer: normalizer, userDefined: try AddedTokenMatcher(userDefined),
                recognisesControlInText: recognisesControlInText),
            joinedUnknown: fallsBackToBytes ? nil : unknown,
            decoder: decoder, special: special, reserved: reserved)
    }
}
