import FathomJSON
import FathomTestSupport
import FathomText
import Testing

/// Tokenizers and the vectors that other implementations made with them.
enum TokenizerFixtures {
    static let names = [
        "16-trained-bpe", "16-trained-spm-bpe", "16-trained-spm-unigram",
        "16-tokenizer-mistral-spm", "16-tokenizer-deepseek-v2", "16-tokenizer-deepseek-v3",
    ]

    /// The same, and one that keeps neither case nor spaces, and whose unknown token is special.
    static let allNames = names + ["20-bert-tiny"]

    struct Vector {
        let text: String?
        let ids: [Int32]
        let decoded: String
        let sequenceIDs: [Int32]?
        let decodedWithoutSpecial: String?
    }

    /// Each is loaded once; tokenizers do not change.
    private static let loaded: [String: Result<Tokenizer, any Error>] = Dictionary(
        uniqueKeysWithValues: allNames.map { name in
            (name, Result { try Tokenizer(contentsOf: Fixtures.path(name)) })
        })

    static func tokenizer(_ name: String) throws -> Tokenizer {
        try #require(loaded[name], "no tokenizer named \(name)").get()
    }

    static func vectors(_ name: String, file: String = "vectors.jsonl") throws -> [Vector] {
        try Fixtures.bytes("\(name)/\(file)").split(separator: UInt8(ascii: "\n")).map { line in
            let value = try JSONValue(parsing: line)
            let text = value["text"]?.stringValue
            // Only a text that does not come back as it was stands there twice.
            return Vector(
                text: text, ids: try #require(ids(value["ids"])),
                decoded: try #require(value["decoded"]?.stringValue ?? text),
                sequenceIDs: ids(value["ids_special"]),
                decodedWithoutSpecial: value["decoded_skip_special"]?.stringValue)
        }
    }

    private static func ids(_ value: JSONValue?) -> [Int32]? {
        value?.arrayValue?.compactMap { $0.intValue.map { Int32($0) } }
    }

    /// A byte-level tokenizer as `tokenizer.json`, with the given parts replaced or removed.
    static func trainedJSON(_ change: (inout JSONObject) -> Void = { _ in }) throws -> [UInt8] {
        var file = try #require(
            JSONValue(parsing: Fixtures.bytes("16-trained-bpe/tokenizer.json")).objectValue)
        change(&file)
        return JSONValue.object(file).serializedBytes()
    }

    /// Loads bytes as the only file of a folder.
    static func load(_ bytes: [UInt8], as name: String = "tokenizer.json") throws -> Tokenizer {
        let folder = try TemporaryFolder()
        try folder.write(bytes, to: name)
        return try Tokenizer(contentsOf: folder.path)
    }
}

/// Equality of bytes; strings compare canonically.
func isSame(_ a: String, _ b: String) -> Bool {
    a.utf8.elementsEqual(b.utf8)
}
