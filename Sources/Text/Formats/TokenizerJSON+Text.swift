import FathomJSON

/// Reads how `tokenizer.json` changes and cuts text.
extension TokenizerJSON {
    // MARK: Normalizers

    static func normalizer(
        _ value: JSONValue?, warnings: inout [String]
    ) throws(TokenizerError.Reason) -> Normalizer {
        var normalizer = Normalizer()
        // How many times longer a text can become: steps of a hostile file multiply.
        var growth = 1
        for (type, fields, path) in try flattenedComponents(
            value, "normalizer", list: "normalizers", limit: Normalizer.maximumSteps)
        {
            switch type {
            case "NFC": normalizer.steps.append(.canonical(composes: true))
            case "NFD": normalizer.steps.append(.canonical(composes: false))
            case "Lowercase": normalizer.steps.append(.lowercase)
            case "StripAccents": normalizer.steps.append(.stripMarks)
            case "BertNormalizer":
                if try fields.bool("clean_text", in: path) ?? true {
                    normalizer.steps.append(.cleanText)
                }
                if try fields.bool("handle_chinese_chars", in: path) ?? true {
                    normalizer.steps.append(.separateIdeographs)
                }
                let lowers = try fields.bool("lowercase", in: path) ?? true
                if try fields.bool("strip_accents", in: path) ?? lowers {
                    normalizer.steps += [.canonical(composes: false), .stripNonspacingMarks]
                }
                if lowers { normalizer.steps.append(.lowercase) }
            case "Strip":
                normalizer.steps.append(
                    .strip(
                        left: try fields.bool("strip_left", in: path) ?? true,
                        right: try fields.bool("strip_right", in: path) ?? true))
            case "Prepend":
                let prefix = try fields.required(
                    "prepend", in: path, fields.string("prepend", in: path))
                guard prefix.utf8.count <= Normalizer.maximumGrowth else {
                    throw .unsupported(
                        field: "\(path).prepend", value: prefix,
                        supported: "up to \(Normalizer.maximumGrowth) bytes")
                }
                normalizer.steps.append(.prepend(Array(prefix.utf8)))
            case "Replace":
                let content = try fields.required(
                    "content", in: path, fields.string("content", in: path))
                growth *= content.utf8.count + 1
                guard growth <= Normalizer.maximumGrowth else {
                    throw .unsupported(
                        field: "\(path).content", value: content,
                        supported: "replacements that lengthen a text at most "
                            + "\(Normalizer.maximumGrowth) times")
                }
                let pattern = try pattern(fields["pattern"], path, warnings: &warnings)
                normalizer.steps.append(.replace(pattern, with: Array(content.utf8)))
            case "Precompiled":
                // As SentencePiece applies the map: the longest entry at each place. The
                // `tokenizers` library looks at whole clusters of characters instead and drops
                // marks that follow an entry, which is not repeated here.
                let text = try fields.required(
                    "precompiled_charsmap", in: path,
                    fields.string("precompiled_charsmap", in: path))
                guard let blob = Base64.decode(text) else {
                    throw .malformedCharacterMap(detail: "not Base64")
                }
                normalizer.steps.append(.characterMap(try CharacterMap(blob)))
            default:
                throw .unsupported(
                    field: path, value: type,
                    supported: "NFC, NFD, Lowercase, StripAccents, BertNormalizer, Strip, "
                        + "Prepend, Replace, Precompiled, Sequence")
            }
        }
        return normalizer
    }

    private static func pattern(
        _ value: JSONValue?, _ path: String, warnings: inout [String]
    ) throws(TokenizerError.Reason) -> SplitPattern {
        if let text = value?["String"]?.stringValue { return .literal(Array(text.utf8)) }
        if let expression = value?["Regex"]?.stringValue {
            return try SplitPattern(expression: expression, warnings: &warnings)
        }
        throw .wrongType(
            field: "\(path).pattern", found: value?.kindDescription ?? "missing",
            expected: "an object with 'String' or 'Regex'")
    }

    // MARK: Pre-tokenizers

    struct TextCutting {
        var stages: [Pretokenizer.Stage] = []
        var isByteLevel = false
        var addsSpaceInFront = false
        var wordMarks: Tokenizer.WordMarkWriting?
    }

    static func textCutting(
        _ value: JSONValue?, warnings: inout [String]
    ) throws(TokenizerError.Reason) -> TextCutting {
        var cutting = TextCutting()
        let components = try flattenedComponents(
            value, "pre_tokenizer", list: "pretokenizers", limit: Pretokenizer.maximumStages)
        for (index, (type, fields, path)) in components.enumerated() {
            guard !cutting.isByteLevel else {
                throw .unsupported(
                    field: path, value: "\(type) after ByteLevel",
                    supported: "ByteLevel as the last one")
            }
            switch type {
            case "Split":
                cutting.stages.append(
                    .init(
                        pattern: try pattern(fields["pattern"], path, warnings: &warnings),
                        behavior: try behavior(fields, path) ?? .isolated,
                        isInverted: try fields.bool("invert", in: path) ?? false))
            case "Digits":
                let isIndividual = try fields.bool("individual_digits", in: path) ?? false
                cutting.stages.append(
                    .init(
                        pattern: .scanned(
                            .run(leading: [], body: .number, maximum: isIndividual ? 1 : .max))))
            case "Punctuation":
                cutting.stages.append(
                    .init(
                        pattern: .scanned(
                            .run(leading: [], body: [.punctuation, .asciiPunctuation], maximum: 1)),
                        behavior: try behavior(fields, path) ?? .isolated))
            case "WhitespaceSplit":
                cutting.stages.append(
                    .init(
                        pattern: .scanned(.run(leading: [], body: .whitespace, maximum: 1)),
                        behavior: .removed))
            case "Whitespace":
                var ignored: [String] = []
                cutting.stages.append(
                    .init(
                        pattern: try SplitPattern(
                            expression: #"\w+|[^\w\s]+"#, warnings: &ignored),
                        behavior: .removed, isInverted: true))
            case "BertPreTokenizer":
                cutting.stages.append(
                    .init(
                        pattern: .scanned(.bertWords), behavior: .removed, isInverted: true))
            case "ByteLevel":
                cutting.isByteLevel = true
                cutting.addsSpaceInFront = try fields.bool("add_prefix_space", in: path) ?? true
                guard !cutting.addsSpaceInFront || index == 0 else {
                    throw .unsupported(
                        field: "\(path).add_prefix_space", value: "true",
                        supported: "true only without other pre-tokenizers before it")
                }
                if try fields.bool("use_regex", in: path) ?? true {
                    cutting.stages.append(.init(pattern: .scanned(.words(.gpt2))))
                }
            case "Metaspace":
                guard index == 0 else {
                    throw .unsupported(
                        field: path, value: "Metaspace after others",
                        supported: "Metaspace as the first one")
                }
                try readWordMarks(fields, path, into: &cutting)
            default:
                throw .unsupported(
                    field: path, value: type,
                    supported: "Split, Digits, Punctuation, WhitespaceSplit, Whitespace, "
                        + "BertPreTokenizer, ByteLevel, Metaspace, Sequence")
            }
        }
        return cutting
    }

    private static func behavior(
        _ fields: JSONObject, _ path: String
    ) throws(TokenizerError.Reason) -> Pretokenizer.Behavior? {
        guard let name = try fields.string("behavior", in: path) else { return nil }
        guard let behavior = Pretokenizer.Behavior(rawValue: name) else {
            throw .unsupported(
                field: "\(path).behavior", value: name,
                supported: Pretokenizer.Behavior.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return behavior
    }

    private static func readWordMarks(
        _ fields: JSONObject, _ path: String, into cutting: inout TextCutting
    ) throws(TokenizerError.Reason) {
        let mark = Array((try fields.string("replacement", in: path) ?? "\u{2581}").utf8)
        guard mark == WordMark.bytes else {
            throw .unsupported(
                field: "\(path).replacement", value: String(decoding: mark, as: UTF8.self),
                supported: "\u{2581}")
        }
        let addsPrefix = try fields.bool("add_prefix_space", in: path) ?? true
        let name =
            try fields.string("prepend_scheme", in: path) ?? (addsPrefix ? "always" : "never")
        guard let prefix = Tokenizer.WordMarkWriting.Prefix(rawValue: name) else {
            throw .unsupported(
                field: "\(path).prepend_scheme", value: name, supported: "always, first, never")
        }
        cutting.wordMarks = .init(mark: mark, prefix: prefix)
        if try fields.bool("split", in: path) ?? true {
            cutting.stages.append(.init(pattern: .literal(mark), behavior: .mergedWithNext))
        }
    }

    // MARK: Decoders

    struct Decoding {
        var isByteLevel = false
        var joinsBytes = false
        var wordPieces: TokenDecoder.WordPieces?
        var leading = TokenDecoder.Leading.nothing
    }

    static func decoding(_ value: JSONValue?) throws(TokenizerError.Reason) -> Decoding {
        var decoding = Decoding()
        for (type, fields, path) in try flattenedComponents(
            value, "decoder", list: "decoders", limit: 16)
        {
            switch type {
            case "ByteLevel": decoding.isByteLevel = true
            case "ByteFallback": decoding.joinsBytes = true
            case "Fuse": break
            case "WordPiece":
                decoding.wordPieces = .init(
                    prefix: Array((try fields.string("prefix", in: path) ?? "##").utf8),
                    cleansUp: try fields.bool("cleanup", in: path) ?? true)
            case "Metaspace":
                let scheme = try fields.string("prepend_scheme", in: path)
                let adds = try fields.bool("add_prefix_space", in: path) ?? true
                if scheme.map({ $0 != "never" }) ?? adds {
                    decoding.leading = .firstWordMark(repeatedly: false)
                }
            case "Replace":
                guard fields["pattern"]?["String"]?.stringValue == "\u{2581}",
                    fields["content"]?.stringValue == " "
                else {
                    throw .unsupported(
                        field: path, value: "Replace", supported: "Replace of '\u{2581}' by ' '")
                }
            case "Strip":
                guard fields["content"]?.stringValue == " ", fields["stop"]?.intValue ?? 0 == 0,
                    let count = fields["start"]?.intValue, (0...16).contains(count)
                else {
                    throw .unsupported(
                        field: path, value: "Strip", supported: "Strip of spaces at the start")
                }
                decoding.leading = .spaces(count)
            default:
                throw .unsupported(
                    field: path, value: type,
                    supported: "ByteLevel, ByteFallback, Fuse, WordPiece, Metaspace, Replace, "
                        + "Strip, Sequence")
            }
        }
        return decoding
    }
}

/// Base64 of RFC 4648, padded.
enum Base64 {
    static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 4 * 3)
        var bits: UInt32 = 0
        var count = 0
        var padding = 0
        for character in text.utf8 {
            let value: UInt32
            switch character {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = UInt32(character) - 65
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = UInt32(character) - 71
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = UInt32(character) + 4
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            case UInt8(ascii: "="):
                padding += 1
                value = 0
            default: return nil
            }
            guard padding == 0 || character == UInt8(ascii: "=") else { return nil }
            bits = bits << 6 | value
            count += 1
            if count.isMultiple(of: 4) {
                bytes.append(UInt8(truncatingIfNeeded: bits >> 16))
                bytes.append(UInt8(truncatingIfNeeded: bits >> 8))
                bytes.append(UInt8(truncatingIfNeeded: bits))
                bits = 0
            }
        }
        guard count.isMultiple(of: 4), padding <= 2, padding <= bytes.count else { return nil }
        bytes.removeLast(padding)
        return bytes
    }
}
