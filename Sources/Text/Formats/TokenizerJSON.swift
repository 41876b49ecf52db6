import FathomJSON

/// Reads a `tokenizer.json`, the format of the `tokenizers` library.
enum TokenizerJSON {
    static func parts(
        _ bytes: UnsafeBufferPointer<UInt8>, _ configuration: TokenizerConfiguration
    ) throws(TokenizerError.Reason) -> TokenizerParts {
        var file = try TokenizerJSONFile(bytes)
        let kind =
            try file.model.string("type", in: "model") ?? (file.scores == nil ? "BPE" : "Unigram")
        guard ["BPE", "Unigram", "WordPiece"].contains(kind) else {
            throw .unsupported(
                field: "model.type", value: kind, supported: "BPE, Unigram, WordPiece")
        }
        var warnings = configuration.warnings
        let normalizer = try normalizer(file.fields["normalizer"], warnings: &warnings)
        let cutting = try textCutting(file.fields["pre_tokenizer"], warnings: &warnings)
        let decoding = try decoding(file.fields["decoder"])
        guard decoding.isByteLevel == cutting.isByteLevel else {
            throw .unsupported(
                field: "decoder", value: decoding.isByteLevel ? "ByteLevel" : "not ByteLevel",
                supported: "ByteLevel in both 'pre_tokenizer' and 'decoder', or in neither")
        }

        let added = try addedTokens(file.fields)
        for token in added {
            try file.tokens.add(id: token.id, mayRepeat: true) {
                $0.append(contentsOf: token.content)
            }
        }
        let vocabulary = try file.tokens.finish()
        var special = TokenSet(capacity: vocabulary.count)
        var reserved = TokenSet(capacity: vocabulary.count)
        for token in added {
            if token.isSpecial { special.insert(token.id) }
            if !token.isPlainText { reserved.insert(token.id) }
        }

        let model: Tokenizer.Model
        var joinedUnknown: Int32?
        switch kind {
        case "BPE":
            model = .bytePair(
                try bytePairModel(
                    file, vocabulary, reserved, cutting, joinedUnknown: &joinedUnknown,
                    warnings: &warnings))
        case "WordPiece":
            model = .wordPiece(try wordPieceModel(file, vocabulary, reserved))
        default:
            model = .unigram(
                try unigramModel(file, vocabulary, reserved, joinedUnknown: &joinedUnknown))
        }

        var parts = TokenizerParts(
            vocabulary: vocabulary, model: model, added: added, normalizer: normalizer,
            pretokenizer: Pretokenizer(cutting.stages), wordMarks: cutting.wordMarks,
            addsSpaceInFront: cutting.addsSpaceInFront, joinedUnknown: joinedUnknown,
            decoder: decoder(decoding, vocabulary), special: special, reserved: reserved)
        try addSequenceTokens(file.fields["post_processor"], configuration, to: &parts, &warnings)
        parts.stopTokens = StopTokens.ids(
            in: vocabulary, reserved: reserved, known: [parts.endOfSequence])
        parts.chatTemplate = configuration.chatTemplate
        parts.warnings = warnings
        return parts
    }

    private static func addedTokens(
        _ fields: JSONObject
    ) throws(TokenizerError.Reason) -> [AddedToken] {
        var tokens: [AddedToken] = []
        let list = try fields.array("added_tokens", in: "tokenizer") ?? []
        for (index, value) in list.enumerated() {
            let path = "added_tokens[\(index)]"
            guard let fields = value.objectValue else {
                throw .wrongType(field: path, found: value.kindDescription, expected: "an object")
            }
            let id = try fields.required("id", in: path, fields.int("id", in: path))
            let content = try fields.required(
                "content", in: path, fields.string("content", in: path))
            let isSpecial = try fields.bool("special", in: path) ?? false
            guard !content.isEmpty else { throw .emptyToken(id: id, isSpecial: true) }
            tokens.append(
                AddedToken(
                    id: id, content: Array(content.utf8), isSpecial: isSpecial,
                    isSingleWord: try fields.bool("single_word", in: path) ?? false,
                    stripsLeft: try fields.bool("lstrip", in: path) ?? false,
                    stripsRight: try fields.bool("rstrip", in: path) ?? false,
                    isNormalized: try fields.bool("normalized", in: path) ?? !isSpecial))
        }
        return tokens
    }

    // MARK: Models

    private static func bytePairModel(
        _ file: TokenizerJSONFile, _ vocabulary: Vocabulary, _ reserved: TokenSet,
        _ cutting: TextCutting, joinedUnknown: inout Int32?, warnings: inout [String]
    ) throws(TokenizerError.Reason) -> BytePairModel {
        let fields = file.model
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
            if let affix = try fields.string(key, in: "model"), !affix.isEmpty {
                throw .unsupported(field: "model.\(key)", value: affix, supported: "none")
            }
        }
        if let dropout = fields["dropout"]?.doubleValue, dropout != 0 {
            warnings.append("'model.dropout' is \(dropout); encoding never drops merges")
        }

        var merges = MergeListReader(
            vocabulary: vocabulary, reserved: reserved, capacity: file.merges.count)
        try file.forEachMerge { merge throws(TokenizerError.Reason) in
            switch merge {
            case .joined(let text): try merges.add(text)
            case .pair(let left, let right): try merges.add(left, right)
            }
        }
        warnings.append(contentsOf: merges.warnings)

        let unknownToken = try unknownID(
            try fields.string("unk_token", in: "model"), vocabulary)
        var unknown = BytePairModel.Unknown.omitted
        let alphabet: BytePairModel.Alphabet
        if cutting.isByteLevel {
            alphabet = .bytes(ByteLevelAlphabet.symbols(in: vocabulary))
            warnings.append(contentsOf: ByteLevelAlphabet.warnings(for: vocabulary))
            if let unknownToken { unknown = .token(unknownToken) }
        } else {
            var symbols = CharacterSymbols()
            for id in 0..<vocabulary.count where !reserved.contains(Int32(id)) {
                if let token = vocabulary[id], let scalar = singleScalar(token) {
                    symbols[scalar] = Int32(id)
                }
            }
            alphabet = .characters(symbols)
            if try fields.bool("byte_fallback", in: "model") ?? false {
                unknown = .bytes(try byteTokens(vocabulary))
            } else if let unknownToken {
                unknown = .token(unknownToken)
                if try fields.bool("fuse_unk", in: "model") ?? false {
                    joinedUnknown = unknownToken
                }
            }
        }
        let takesWholeWords = try fields.bool("ignore_merges", in: "model") ?? false
        return BytePairModel(
            alphabet: alphabet, merges: merges.table, unknown: unknown,
            tokenCount: vocabulary.count, strayCharacters: [],
            wholeWords: takesWholeWords
                ? .init(vocabulary: vocabulary, reserved: reserved) : nil,
            unusedTokens: [],
            cutsAtWordMarks: !cutting.isByteLevel && !merges.reachesAcrossWords && !takesWholeWords)
    }

    private static func unigramModel(
        _ file: TokenizerJSONFile, _ vocabulary: Vocabulary, _ reserved: TokenSet,
        joinedUnknown: inout Int32?
    ) throws(TokenizerError.Reason) -> UnigramModel {
        guard let scores = file.scores else {
            throw .wrongType(
                field: "model.vocab", found: "an object",
                expected: "an array of tokens and scores for a Unigram model")
        }
        var unknown = BytePairModel.Unknown.omitted
        var unknownID: Int?
        if let id = try file.model.int("unk_id", in: "model") {
            guard scores.indices.contains(id) else {
                throw .idOutOfRange(token: "unk_id", id: id)
            }
            unknownID = id
            unknown = .token(Int32(id))
            joinedUnknown = Int32(id)
        }
        if try file.model.bool("byte_fallback", in: "model") ?? false {
            unknown = .bytes(try byteTokens(vocabulary))
            joinedUnknown = nil
        }
        var trie = ByteTrie()
        for id in scores.indices where !reserved.contains(Int32(id)) && id != unknownID {
            guard let token = vocabulary[id], !token.isEmpty else {
                throw .emptyToken(id: id, isSpecial: false)
            }
            guard trie.insert(token, value: Int32(id)) else {
                throw .tooManyTokens(count: scores.count, limit: Vocabulary.maximumCount)
            }
        }
        // Added tokens behind the scored ones are never looked up in the trie.
        return UnigramModel(
            trie: trie, scores: scores, unknown: unknown, lowestScore: scores.min() ?? 0,
            roundsSums: false)
    }

    private static func wordPieceModel(
        _ file: TokenizerJSONFile, _ vocabulary: Vocabulary, _ reserved: TokenSet
    ) throws(TokenizerError.Reason) -> WordPieceModel {
        let fields = file.model
        guard file.scores == nil else {
            throw .wrongType(
                field: "model.vocab", found: "an array",
                expected: "an object of tokens and ids for a WordPiece model")
        }
        let unknown = try fields.string("unk_token", in: "model") ?? "[UNK]"
        guard let unknownID = try unknownID(unknown, vocabulary) else {
            throw .missingField("model.unk_token")
        }
        let prefix = try fields.string("continuing_subword_prefix", in: "model") ?? "##"
        let longestWord = try fields.int("max_input_chars_per_word", in: "model") ?? 100
        guard (0...WordPieceModel.longestWordLimit).contains(longestWord) else {
            throw .unsupported(
                field: "model.max_input_chars_per_word", value: "\(longestWord)",
                supported: "0 to \(WordPieceModel.longestWordLimit)")
        }
        var trie = ByteTrie()
        for id in 0..<vocabulary.count where !reserved.contains(Int32(id)) {
            guard let token = vocabulary[id], !token.isEmpty else {
                throw .emptyToken(id: id, isSpecial: false)
            }
            guard trie.insert(token, value: Int32(id)) else {
                throw .tooManyTokens(count: vocabulary.count, limit: Vocabulary.maximumCount)
            }
        }
        return WordPieceModel(
            trie: trie, prefix: Array(prefix.utf8), unknown: unknownID, longestWord: longestWord)
    }

    private static func unknownID(
        _ token: String?, _ vocabulary: Vocabulary
    ) throws(TokenizerError.Reason) -> Int32? {
        guard let token else { return nil }
        guard let id = vocabulary.id(of: token.utf8) else {
            throw .missingField("model.vocab['\(token.excerpt)'], named by 'unk_token',")
        }
        return id
    }

    private static func byteTokens(
        _ vocabulary: Vocabulary
    ) throws(TokenizerError.Reason) -> [Int32] {
        try ByteTokens.collect(in: vocabulary) { id in
            vocabulary[id].map(ByteTokens.looksLikeOne) ?? false
        }.tokens
    }

    private static func singleScalar(_ token: ArraySlice<UInt8>) -> UInt32? {
        token.withUnsafeBufferPointer { text in
            guard !text.isEmpty else { return nil }
            let (scalar, end) = UTF8Text.decode(text, at: 0)
            return end == text.count ? scalar : nil
        }
    }

    private static func decoder(_ decoding: Decoding, _ vocabulary: Vocabulary) -> TokenDecoder {
        guard !decoding.isByteLevel else {
            return TokenDecoder(kind: .byteLevel, vocabulary: vocabulary)
        }
        if let wordPieces = decoding.wordPieces {
            return TokenDecoder(kind: .wordPieces(wordPieces), vocabulary: vocabulary)
        }
        var values = [Int16](repeating: -1, count: vocabulary.count)
        if decoding.joinsBytes {
            for id in values.indices {
                if let token = vocabulary[id], let byte = ByteTokens.value(of: token) {
                    values[id] = Int16(byte)
                }
            }
        }
        return TokenDecoder(
            kind: .pieces(
                .init(
                    byteValues: values, silent: TokenSet(capacity: 0), unknown: nil,
                    leading: decoding.leading)),
            vocabulary: vocabulary)
    }

    // MARK: Tokens around a text

    private static func addSequenceTokens(
        _ value: JSONValue?, _ configuration: TokenizerConfiguration,
        to parts: inout TokenizerParts,
        _ warnings: inout [String]
    ) throws(TokenizerError.Reason) {
        var hasTemplate = false
        for (type, fields, path) in try flattenedComponents(
            value, "post_processor", list: "processors", limit: 16)
        {
            switch type {
            case "ByteLevel": break
            case "TemplateProcessing":
                hasTemplate = true
                try readTemplate(fields, path, into: &parts)
            case "BertProcessing", "RobertaProcessing":
                hasTemplate = true
                parts.sequencePrefix = [try pairedID(fields, "cls", path, parts.vocabulary)]
                parts.sequenceSuffix = [try pairedID(fields, "sep", path, parts.vocabulary)]
            default:
                throw .unsupported(
                    field: path, value: type,
                    supported: "ByteLevel, TemplateProcessing, BertProcessing, RobertaProcessing, "
                        + "Sequence")
            }
        }

        func id(_ token: String?, _ field: String) -> Int32? {
            guard let token else { return nil }
            let id = parts.vocabulary.id(of: token.utf8)
            if id == nil {
                warnings.append("'\(field)' is '\(token.excerpt)', which the vocabulary lacks")
            }
            return id
        }
        parts.beginOfSequence = id(configuration.beginOfSequence, "bos_token")
        parts.endOfSequence = id(configuration.endOfSequence, "eos_token")
        // A file without settings beside it still tells what it puts in front of a text.
        if parts.beginOfSequence == nil, parts.sequencePrefix.count == 1 {
            parts.beginOfSequence = parts.sequencePrefix.first
        }

        // Classes of the Llama kind ignore the file's template and follow their own settings.
        let followsSettings = configuration.tokenizerClass?.contains("Llama") ?? false
        guard followsSettings || !hasTemplate else { return }
        if let adds = configuration.addsBeginOfSequence, let begin = parts.beginOfSequence {
            parts.sequencePrefix = adds ? [begin] : []
        }
        if let adds = configuration.addsEndOfSequence, let end = parts.endOfSequence {
            parts.sequenceSuffix = adds ? [end] : []
        }
    }

    private static func readTemplate(
        _ fields: JSONObject, _ path: String, into parts: inout TokenizerParts
    ) throws(TokenizerError.Reason) {
        let items = try fields.required("single", in: path, fields.array("single", in: path))
        let tokens = try fields.object("special_tokens", in: path) ?? [:]
        var isAfterText = false
        for item in items {
            if item["Sequence"] != nil {
                isAfterText = true
                continue
            }
            guard let name = item["SpecialToken"]?["id"]?.stringValue else {
                throw .wrongType(
                    field: "\(path).single", found: item.kindDescription,
                    expected: "'SpecialToken' and 'Sequence' objects")
            }
            guard let ids = tokens[name]?["ids"]?.arrayValue else {
                throw .missingField("\(path).special_tokens['\(name.excerpt)'].ids")
            }
            for id in ids {
                guard let id = id.intValue, id >= 0, id < parts.vocabulary.count else {
                    throw .idOutOfRange(token: name, id: id.intValue ?? -1)
                }
                if isAfterText {
                    parts.sequenceSuffix.append(Int32(id))
                } else {
                    parts.sequencePrefix.append(Int32(id))
                }
            }
        }
    }

    private static func pairedID(
        _ fields: JSONObject, _ key: String, _ path: String, _ vocabulary: Vocabulary
    ) throws(TokenizerError.Reason) -> Int32 {
        guard let id = fields[key]?[1]?.intValue, id >= 0, id < vocabulary.count else {
            throw .wrongType(
                field: "\(path).\(key)", found: fields[key]?.kindDescription ?? "missing",
                expected: "a token and its id")
        }
        return Int32(id)
    }
}

extension TokenizerJSONFile {
    /// A merge as bytes, valid during the call that passes it.
    enum MergeBytes {
        case joined(UnsafeBufferPointer<UInt8>)
        case pair(UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>)
    }

    /// Calls a closure with each merge, in order.
    func forEachMerge(
        _ body: (MergeBytes) throws(TokenizerError.Reason) -> Void
    ) throws(TokenizerError.Reason) {
        var left: [UInt8] = []
        var right: [UInt8] = []
        for merge in merges {
            left.removeAll(keepingCapacity: true)
            right.removeAll(keepingCapacity: true)
            let isPair: Bool
            switch merge {
            case .joined(let text):
                isPair = false
                reader.appendBytes(of: text, to: &left)
            case .pair(let first, let second):
                isPair = true
                reader.appendBytes(of: first, to: &left)
                reader.appendBytes(of: second, to: &right)
            }
            try left.withUnsafeBufferPointer { left in
                right.withUnsafeBufferPointer { right in
                    Result { () throws(TokenizerError.Reason) in
                        try body(isPair ? .pair(left, right) : .joined(left))
                    }
                }
            }.get()
        }
    }
}
