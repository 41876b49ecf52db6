import FathomJSON

/// What the files beside a tokenizer say: `tokenizer_config.json`, `special_tokens_map.json` and
/// `chat_template.jinja`.
struct TokenizerConfiguration {
    var tokenizerClass: String?
    var beginOfSequence: String?
    var endOfSequence: String?
    var addsBeginOfSequence: Bool?
    var addsEndOfSequence: Bool?
    var chatTemplate: String?
    var warnings: [String] = []

    init() {}

    init(_ fields: JSONObject) {
        tokenizerClass = fields["tokenizer_class"]?.stringValue
        beginOfSequence = Self.token(fields["bos_token"])
        endOfSequence = Self.token(fields["eos_token"])
        addsBeginOfSequence = fields["add_bos_token"]?.boolValue
        addsEndOfSequence = fields["add_eos_token"]?.boolValue
        switch fields["chat_template"] {
        case .string(let template): chatTemplate = template
        case .array(let templates):
            // Several named templates; the one for plain conversation is called default.
            let named = templates.compactMap { entry in
                entry["template"]?.stringValue.map { (entry["name"]?.stringValue ?? "", $0) }
            }
            chatTemplate = (named.first { $0.0 == "default" } ?? named.first)?.1
            if named.count > 1 {
                warnings.append(
                    "'chat_template' holds \(named.count) templates ("
                        + named.map(\.0).joined(separator: ", ").excerpt
                        + "); 'default' or the first is used")
            }
        default: break
        }
    }

    /// Fills what is missing from `special_tokens_map.json`.
    mutating func complete(with fields: JSONObject) {
        beginOfSequence = beginOfSequence ?? Self.token(fields["bos_token"])
        endOfSequence = endOfSequence ?? Self.token(fields["eos_token"])
    }

    /// A token written as a string or as an object with its content.
    private static func token(_ value: JSONValue?) -> String? {
        value?.stringValue ?? value?["content"]?.stringValue
    }
}
