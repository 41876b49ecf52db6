import FathomJSON

/// A byte-level byte-pair tokenizer as GGUF metadata hold it, read from a folder's files.
///
/// Follows llama.cpp's converter (conversion/base.py, `get_vocab_base`; gguf-py/gguf/vocab.py,
/// `SpecialVocab`).
struct GGUFVocabulary {
    /// The kinds of tokens, with their numbers in `tokenizer.ggml.token_type`.
    enum Kind: Int32 {
        case normal = 1
        case control = 3
        case userDefined = 4
        case unused = 5
    }

    private var pretokenizer: String
    private var tokens: [String]
    private var kinds: [Kind]
    private var merges: [String]
    /// Keys without `tokenizer.ggml.`, and values, in order.
    private var specialTokens: [(key: String, value: GGUFValue)] = []
    private var templates: [(name: String?, text: String)] = []

    /// Reads `tokenizer.json` and what belongs to it.
    ///
    /// - Parameters:
    ///   - size: how many tokens the model has; those that the tokenizer lacks are filled up.
    ///   - configuration: the content of `config.json`.
    ///   - pretokenizer: the value of `tokenizer.ggml.pre`; nil derives it.
    /// - Returns: nil if there is no tokenizer.
    /// - Throws: `ConversionError.tokenizer` for another kind of tokenizer or a broken file.
    init?(
        _ files: FolderFiles, size: Int, configuration: JSONObject, pretokenizer: String?
    ) throws {
        guard let tokenizer = try files.object(of: "tokenizer.json") else {
            guard try files.path(of: "tokenizer.model") == nil else {
                throw ConversionError.tokenizer(
                    path: files.path, found: "tokenizer.model alone",
                    expected: "a byte-level byte-pair tokenizer in tokenizer.json")
            }
            return nil
        }
        let path = files.path + "/tokenizer.json"
        func broken(_ found: String, _ expected: String) -> ConversionError {
            .tokenizer(path: path, found: found, expected: expected)
        }
        let model = tokenizer["model"]
        let kind = model?["type"]?.stringValue ?? "no type"
        let isByteLevel =
            tokenizer["decoder"]?.contains(stage: "ByteLevel") == true
            || tokenizer["pre_tokenizer"]?.contains(stage: "ByteLevel") == true
        guard kind == "BPE", isByteLevel, let vocabulary = model?["vocab"]?.objectValue else {
            throw broken(
                "a tokenizer of type '\(kind)'" + (isByteLevel ? "" : " that is not byte-level"),
                "a byte-level one of type 'BPE'")
        }
        guard let name = pretokenizer ?? PretokenizerName.name(for: tokenizer["pre_tokenizer"])
        else {
            throw broken(
                "a pre-tokenizer that GGUF has no known name for",
                "one of " + PretokenizerName.known.map(\.name).joined(separator: ", ")
                    + ", or a name to be given")
        }
        self.pretokenizer = name

        var tokens = [String?](repeating: nil, count: size)
        for (text, value) in vocabulary {
            guard let id = value.intValue, tokens.indices.contains(id), tokens[id] == nil else {
                throw broken("'\(text)' with the id \(value)", "ids of their own below \(size)")
            }
            tokens[id] = text
        }
        var kinds = tokens.map { $0 == nil ? Kind.unused : .normal }
        var added: [(text: String, id: Int)] = []
        for entry in tokenizer["added_tokens"]?.arrayValue ?? [] {
            guard let id = entry["id"]?.intValue, let text = entry["content"]?.stringValue,
                tokens.indices.contains(id), tokens[id] == nil || tokens[id] == text
            else { throw broken("the added token \(entry)", "ids of their own below \(size)") }
            let isControl = entry["special"]?.boolValue == true || Self.looksSpecial(text)
            kinds[id] = isControl ? .control : .userDefined
            tokens[id] =
                isControl
                ? text
                : String(
                    String.UnicodeScalarView(
                        text.unicodeScalars.map { $0 == "\u{2581}" ? " " : $0 }))
            added.append((text, id))
        }
        self.tokens = tokens.enumerated().map { $1 ?? "[PAD\($0)]" }
        self.kinds = kinds
        merges = try Self.merges(model?["merges"], path: path)
        try readSpecialTokens(
            files, tokenizer: tokenizer, added: added, configuration: configuration)
    }

    /// Added tokens that are control tokens whatever their entry says.
    private static func looksSpecial(_ text: String) -> Bool {
        ["<pad>", "<mask>", "<2mass>", "[@BOS@]"].contains(text)
            || text.hasPrefix("<|") && text.hasSuffix("|>")
            || text.hasPrefix("<\u{FF5C}") && text.hasSuffix("\u{FF5C}>")
            || text.hasPrefix("<unused") && text.hasSuffix(">")
    }

    /// Merges, written as one text or as two; a space within a part becomes `Ġ`.
    private static func merges(
        _ value: JSONValue?, path: String
    ) throws(ConversionError) -> [String] {
        var merges: [String] = []
        for merge in value?.arrayValue ?? [] {
            if let text = merge.stringValue {
                merges.append(text)
                continue
            }
            let parts = (merge.arrayValue ?? []).compactMap(\.stringValue)
            guard parts.count == 2, merge.arrayValue?.count == 2 else {
                throw .tokenizer(
                    path: path, found: "the merge \(merge)", expected: "two texts to be joined")
            }
            merges.append(
                parts.map { part in
                    String(
                        String.UnicodeScalarView(
                            part.unicodeScalars.map { $0 == " " ? "\u{120}" : $0 }))
                }.joined(separator: " "))
        }
        return merges
    }

    /// The names of special tokens in `tokenizer_config.json` and in GGUF keys; "seperator" is how
    /// the format spells it.
    static let specialTokenNames = [
        ("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("sep", "seperator"),
        ("pad", "padding"), ("cls", "cls"), ("mask", "mask"),
    ]

    private mutating func readSpecialTokens(
        _ files: FolderFiles, tokenizer: JSONObject, added: [(text: String, id: Int)],
        configuration: JSONObject
    ) throws {
        let settings = try files.object(of: "tokenizer_config.json") ?? JSONObject()
        var ids: [(key: String, value: GGUFValue)] = []
        var additions: [(key: String, value: GGUFValue)] = []
        for (name, key) in Self.specialTokenNames {
            let setting = settings["\(name)_token"]
            let text = setting?.stringValue ?? setting?["content"]?.stringValue
            let id =
                text.flatMap { text in added.first { $0.text == text }?.id }
                ?? configuration["\(name)_token_id"]?.intValue
            if let id, tokens.indices.contains(id) {
                ids.append(("\(key)_token_id", .uint32(UInt32(id))))
            }
            if name == "bos" || name == "eos",
                let adds = settings["add_\(name)_token"]?.boolValue
                    ?? Self.addsByTemplate(tokenizer, name, text)
            {
                additions.append(("add_\(name)_token", .bool(adds)))
            }
        }
        if let prefix = settings["add_prefix_space"]?.boolValue {
            additions.append(("add_space_prefix", .bool(prefix)))
        }
        specialTokens = ids + additions
        templates = try Self.templates(files, settings)
    }

    /// Whether the post-processor's template begins or ends with a special token; nil where it has
    /// no template.
    private static func addsByTemplate(
        _ tokenizer: JSONObject, _ name: String, _ text: String?
    ) -> Bool? {
        guard let processor = tokenizer["post_processor"] else { return nil }
        for step in processor["processors"]?.arrayValue ?? [processor]
        where step["type"]?.stringValue == "TemplateProcessing" {
            guard let single = step["single"]?.arrayValue, single.count > 1,
                let end = name == "bos" ? single.first : single.last,
                let id = end["SpecialToken"]?["id"]?.stringValue
            else { continue }
            return id == text
        }
        return nil
    }

    /// The chat templates: of a file of its own, or of `tokenizer_config.json`, where there may be
    /// several with names.
    private static func templates(
        _ files: FolderFiles, _ settings: JSONObject
    ) throws -> [(name: String?, text: String)] {
        if let bytes = try files.bytes(of: "chat_template.jinja", limit: 16 << 20) {
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw ConversionError.tokenizer(
                    path: files.path + "/chat_template.jinja", found: "bytes that are not UTF-8",
                    expected: "text")
            }
            return [(nil, text)]
        }
        if let text = settings["chat_template"]?.stringValue { return [(nil, text)] }
        return (settings["chat_template"]?.arrayValue ?? []).compactMap { entry in
            guard let name = entry["name"]?.stringValue,
                let text = entry["template"]?.stringValue
            else { return nil }
            return (name == "default" ? nil : name, text)
        }
    }

    func append(to metadata: inout GGUFMetadata) {
        metadata["tokenizer.ggml.model"] = .string("gpt2")
        metadata["tokenizer.ggml.pre"] = .string(pretokenizer)
        metadata["tokenizer.ggml.tokens"] = .array(GGUFArray(tokens))
        metadata["tokenizer.ggml.token_type"] = .array(GGUFArray(kinds.map(\.rawValue)))
        metadata["tokenizer.ggml.merges"] = .array(GGUFArray(merges))
        for (key, value) in specialTokens { metadata["tokenizer.ggml.\(key)"] = value }
        let named = templates.compactMap(\.name)
        if !named.isEmpty {
            metadata["tokenizer.chat_templates"] = .array(GGUFArray(named))
        }
        for (name, text) in templates {
            metadata["tokenizer.chat_template" + (name.map { ".\($0)" } ?? "")] = .string(text)
        }
    }
}

extension JSONValue {
    /// Whether a part of a tokenizer, or one of its stages, is of a type.
    fileprivate func contains(stage type: String) -> Bool {
        if self["type"]?.stringValue == type { return true }
        let stages = self["pretokenizers"] ?? self["decoders"]
        return stages?.arrayValue?.contains { $0["type"]?.stringValue == type } ?? false
    }
}
