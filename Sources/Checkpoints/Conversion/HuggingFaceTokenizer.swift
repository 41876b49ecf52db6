import FathomJSON

/// A byte-level byte-pair tokenizer as a folder's files hold it, made from GGUF metadata.
struct HuggingFaceTokenizer {
    /// The content of `tokenizer.json`.
    let tokenizer: JSONValue
    /// The content of `tokenizer_config.json`.
    let configuration: JSONValue

    /// - Returns: nil if the metadata hold no such tokenizer, or one whose pre-tokenizer is not
    ///   among `PretokenizerName.known`.
    init?(_ metadata: GGUFMetadata, vocabularySize: Int) throws {
        guard try metadata.optionalString("tokenizer.ggml.model") == "gpt2",
            let name = try metadata.optionalString("tokenizer.ggml.pre"),
            let pretokenizer = PretokenizerName.pretokenizer(named: name)
        else { return nil }
        let tokens = try metadata.strings("tokenizer.ggml.tokens", count: vocabularySize)
        let kinds = try metadata.ints("tokenizer.ggml.token_type", count: vocabularySize)
        let merges = try metadata.strings("tokenizer.ggml.merges")

        var vocabulary: [(String, JSONValue)] = []
        var added: [JSONValue] = []
        var seen = NameIndex()
        for (id, (token, kind)) in zip(tokens, kinds).enumerated() {
            if kind == GGUFVocabulary.Kind.unused.rawValue { continue }
            guard seen.insert(token) else {
                throw ConversionError.tokenizer(
                    path: metadata.path, found: "the token '\(token)' twice",
                    expected: "every token once")
            }
            let isControl = kind == GGUFVocabulary.Kind.control.rawValue
            if isControl || kind == GGUFVocabulary.Kind.userDefined.rawValue {
                added.append([
                    "id": .integer(id), "content": .string(token), "single_word": false,
                    "lstrip": false, "rstrip": false, "normalized": .bool(!isControl),
                    "special": .bool(isControl),
                ])
            } else {
                vocabulary.append((token, .integer(id)))
            }
        }
        tokenizer = [
            "version": "1.0", "truncation": nil, "padding": nil, "added_tokens": .array(added),
            "normalizer": nil, "pre_tokenizer": pretokenizer,
            "post_processor": try Self.postProcessor(metadata, tokens), "decoder": Self.byteLevel,
            "model": [
                "type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil,
                "end_of_word_suffix": nil, "fuse_unk": false, "byte_fallback": false,
                "ignore_merges": .bool(name == "llama-bpe"),
                "vocab": .object(JSONObject(vocabulary)),
                "merges": .array(merges.map { .string($0) }),
            ],
        ]
        configuration = try Self.configuration(metadata, tokens)
    }

    private static let byteLevel: JSONValue = [
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false,
    ]

    /// Puts the special tokens around a text that the metadata ask for.
    private static func postProcessor(
        _ metadata: GGUFMetadata, _ tokens: [String]
    ) throws -> JSONValue {
        func token(_ name: String) throws -> (text: String, id: Int)? {
            guard try metadata.optionalBool("tokenizer.ggml.add_\(name)_token") == true,
                let id = try metadata.optionalInt("tokenizer.ggml.\(name)_token_id"),
                tokens.indices.contains(id)
            else { return nil }
            return (tokens[id], id)
        }
        let (first, last) = (try token("bos"), try token("eos"))
        guard first != nil || last != nil else { return byteLevel }
        func sequence(_ name: String, _ type: Int) -> [JSONValue] {
            func special(_ token: (text: String, id: Int)?) -> [JSONValue] {
                token.map {
                    [["SpecialToken": ["id": .string($0.text), "type_id": .integer(type)]]]
                } ?? []
            }
            return special(first)
                + [["Sequence": ["id": .string(name), "type_id": .integer(type)]]] + special(last)
        }
        let specials = [first, last].compactMap { $0 }.map { token in
            (
                token.text,
                [
                    "id": .string(token.text), "ids": [.integer(token.id)],
                    "tokens": [.string(token.text)],
                ] as JSONValue
            )
        }
        return [
            "type": "TemplateProcessing", "single": .array(sequence("A", 0)),
            "pair": .array(sequence("A", 0) + sequence("B", 1)),
            "special_tokens": .object(JSONObject(specials)),
        ]
    }

    private static func configuration(
        _ metadata: GGUFMetadata, _ tokens: [String]
    ) throws -> JSONValue {
        var object = JSONObject()
        for name in ["bos", "eos"] {
            if let adds = try metadata.optionalBool("tokenizer.ggml.add_\(name)_token") {
                object["add_\(name)_token"] = .bool(adds)
            }
        }
        for (name, key) in GGUFVocabulary.specialTokenNames {
            guard let id = try metadata.optionalInt("tokenizer.ggml.\(key)_token_id"),
                tokens.indices.contains(id)
            else { continue }
            object["\(name)_token"] = .string(tokens[id])
        }
        object["clean_up_tokenization_spaces"] = false
        object["tokenizer_class"] = "PreTrainedTokenizerFast"
        if let template = try metadata.optionalString("tokenizer.chat_template") {
            object["chat_template"] = .string(template)
        }
        return .object(object)
    }
}

extension PretokenizerName {
    /// The `pre_tokenizer` of a name; nil for a name that is not known.
    static func pretokenizer(named name: String) -> JSONValue? {
        guard let expressions = known.first(where: { $0.name == name })?.expressions else {
            return nil
        }
        let splits = expressions.map { expression -> JSONValue in
            [
                "type": "Split", "pattern": ["Regex": .string(expression)],
                "behavior": "Isolated", "invert": false,
            ]
        }
        let byteLevel: JSONValue = [
            "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
            "use_regex": false,
        ]
        return ["type": "Sequence", "pretokenizers": .array(splits + [byteLevel])]
    }
}
