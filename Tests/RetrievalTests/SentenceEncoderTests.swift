import FathomCheckpoints
import FathomJSON
import FathomRetrieval
import FathomTensors
import FathomTestSupport
import FathomText
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

private let realModel = getenv("FATHOM_MINILM").map { String(cString: $0) }

/// Sentence encoders against the sentence-transformers library.
@Suite struct SentenceEncoderTests {
    static func tiny() throws -> SentenceEncoder {
        try SentenceEncoder(contentsOf: Fixtures.path("20-bert-tiny"))
    }

    @Test("embeddings of a random model are the library's, texts that are cut off among them")
    func tinyReference() throws {
        let value = try JSONValue(parsing: Fixtures.bytes("20-bert-tiny/texts.json"))
        let texts = try #require(value.arrayValue).compactMap(\.stringValue)
        let expected = try Fixtures.tensors("20-bert-tiny/embeddings.safetensors")
            .tensor("embeddings").floatArray()
        let encoder = try Self.tiny()
        #expect(encoder.maximumTokens == 32 && encoder.dimension == 16)
        let found = try encoder.embed(texts)
        #expect(found.count == expected.count)
        for (a, b) in zip(found, expected) { #expect(abs(a - b) <= 2e-6) }
    }

    @Test(
        "all-MiniLM-L6-v2 gives the library's tokens, and its embeddings to 1e-5",
        .enabled(
            if: realModel != nil, "set FATHOM_MINILM to what `fathom pull all-MiniLM-L6-v2` prints")
    )
    func realReference() throws {
        let encoder = try SentenceEncoder(contentsOf: #require(realModel))
        let value = try JSONValue(parsing: Fixtures.bytes("20-minilm-reference/texts.json"))
        let expected = try Fixtures.tensors("20-minilm-reference/embeddings.safetensors")
            .tensor("embeddings").floatArray()
        let entries = try #require(value.arrayValue)
        var texts: [String] = []
        for entry in entries {
            let text = try #require(entry["text"]?.stringValue)
            texts.append(text)
            let ids = entry["ids"]?.arrayValue?.compactMap { $0.intValue.map { Int32($0) } }
            #expect(encoder.tokens(of: text) == ids)
        }
        let found = try encoder.embed(texts)
        #expect(found.count == expected.count)
        for (a, b) in zip(found, expected) { #expect(abs(a - b) <= 1e-5) }
        for row in stride(from: 0, to: expected.count, by: encoder.dimension) {
            let cosine = zip(found[row..<(row + encoder.dimension)], expected[row...])
                .reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            #expect(cosine >= 0.99999)
        }
    }

    @Test("a text has the same bits alone and among others")
    func independentOfOthers() throws {
        let encoder = try Self.tiny()
        let texts = (0..<60).map { index in
            (0...index).map { "license \($0 * 7 % 11)" }.joined(separator: " ")
        }
        let together = try encoder.embed(texts)
        for (index, text) in texts.enumerated() {
            let row = together[(index * 16)..<(index * 16 + 16)]
            #expect(try encoder.embed([text]) == Array(row))
        }
    }

    @Test("a decoder embeds too, with vectors of length 1")
    func decoder() throws {
        let encoder = try SentenceEncoder(
            contentsOf: Fixtures.path("15-gguf-llama-q8_0/model.gguf"))
        let rows = try encoder.embed(["one text", "another"])
        #expect(rows.count == 2 * encoder.dimension)
        for row in [rows.prefix(encoder.dimension), rows.suffix(encoder.dimension)] {
            #expect(abs(row.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
        }
    }

    /// A copy of the tiny model with one of its files changed.
    private func copy(changing name: String, to bytes: [UInt8]) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for file in [
            "config.json", "tokenizer.json", "model.safetensors", "sentence_bert_config.json",
        ] {
            try folder.write(Fixtures.bytes("20-bert-tiny/\(file)"), to: file)
        }
        try folder.write(bytes, to: name)
        return folder
    }

    @Test("settings that are impossible or not supported are refused by name")
    func refusals() throws {
        for length in ["0", "2", "-1", "\"32\"", "1e9"] {
            let folder = try copy(
                changing: "sentence_bert_config.json",
                to: Array("{\"max_seq_length\": \(length)}".utf8))
            #expect(throws: RetrievalError.self, "\(length)") {
                try SentenceEncoder(contentsOf: folder.path)
            }
        }
        let folder = try copy(changing: "vocab.txt", to: [])
        #expect(mkdir(folder("1_Pooling"), 0o700) == 0)
        try folder.write(
            Array("{\"pooling_mode_cls_token\": true}".utf8), to: "1_Pooling/config.json")
        let error = #expect(throws: RetrievalError.self) {
            try SentenceEncoder(contentsOf: folder.path)
        }
        #expect(
            error
                == .unsupportedPooling(
                    path: folder("1_Pooling/config.json"), found: "cls_token"))
    }

    @Test("weights that give no numbers are said to be damaged")
    func damagedWeights() throws {
        var bytes = try Fixtures.bytes("20-bert-tiny/model.safetensors")
        // The last bytes are a row of a matrix.
        bytes.replaceSubrange(
            (bytes.count - 4096)..<bytes.count, with: repeatElement(0xFF, count: 4096))
        let folder = try copy(changing: "model.safetensors", to: bytes)
        #expect(throws: RetrievalError.notANumber(path: folder.path)) {
            try SentenceEncoder(contentsOf: folder.path).embed(["copyright license notice"])
        }
    }
}
