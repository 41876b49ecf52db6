import FathomJSON
import FathomTestSupport
import FathomText
import Testing

@Suite("Damaged and hostile tokenizers")
struct TokenizerDamageTests {
    private func reason(_ load: () throws -> Tokenizer) -> TokenizerError.Reason? {
        do {
            _ = try load()
            Issue.record("the tokenizer was accepted")
            return nil
        } catch let error as TokenizerError {
            return error.reason
        } catch {
            Issue.record("an error of another kind: \(error)")
            return nil
        }
    }

    private func reasonOfFile(
        changing change: (inout JSONObject) -> Void
    ) throws -> TokenizerError.Reason? {
        let bytes = try TokenizerFixtures.trainedJSON(change)
        return reason { try TokenizerFixtures.load(bytes) }
    }

    private func changeVocabulary(
        _ file: inout JSONObject, _ change: (inout JSONObject) -> Void
    ) {
        var model = file["model"]?.objectValue ?? [:]
        var vocabulary = model["vocab"]?.objectValue ?? [:]
        change(&vocabulary)
        model["vocab"] = .object(vocabulary)
        file["model"] = .object(model)
    }

    // MARK: tokenizer.json

    @Test("ids must be there once each, from 0 without a gap")
    func ids() throws {
        #expect(
            try reasonOfFile { file in changeVocabulary(&file) { $0["!"] = 4 } }
                == .duplicateID(4, first: "!", second: "\""))
        #expect(
            try reasonOfFile { file in changeVocabulary(&file) { $0["Ġthe"] = nil } }
                .map { if case .missingID = $0 { true } else { false } } ?? false
                || TokenizerFixtures.tokenizer("16-trained-bpe").id(of: "Ġthe") == nil)
        #expect(
            try reasonOfFile { file in changeVocabulary(&file) { $0["!"] = 2_000 } }
                == .missingID(3, count: 2_001))
        #expect(
            try reasonOfFile { file in changeVocabulary(&file) { $0["!"] = -3 } }
                == .idOutOfRange(token: "!", id: -3))
        #expect(
            try reasonOfFile { file in changeVocabulary(&file) { $0["!"] = .integer(1 << 40) } }
                == .idOutOfRange(token: "!", id: 1 << 40))
        #expect(
            try reasonOfFile { file in changeVocabulary(&file) { $0["!"] = 3.5 } }
                == .wrongType(
                    field: "model.vocab['!']", found: "something else", expected: "an integer"))
        #expect(
            try reasonOfFile { file in changeVocabulary(&file) { $0 = [:] } }.map { reason in
                if case .missingID = reason { true } else { false }
            } == true)
    }

    @Test("a token of 10 MB is refused")
    func longToken() throws {
        let token = String(repeating: "x", count: 10 << 20)
        #expect(
            try reasonOfFile { file in changeVocabulary(&file) { $0[token] = 1024 } }
                == .tokenTooLong(id: 1024, bytes: 10 << 20, limit: 1 << 16))
        #expect(
            try reasonOfFile { file in
                file["added_tokens"] = [["id": 1028, "content": .string(token), "special": true]]
            } == .tokenTooLong(id: 1028, bytes: 10 << 20, limit: 1 << 16))
    }

    @Test("merges must name two tokens and give one")
    func merges() throws {
        func withMerges(_ merges: JSONValue) throws -> TokenizerError.Reason? {
            try reasonOfFile { file in
                var model = file["model"]?.objectValue ?? [:]
                model["merges"] = merges
                file["model"] = .object(model)
            }
        }
        #expect(
            try withMerges([["!", "☃"]]) == .unknownMergeToken(index: 0, token: "☃"))
        #expect(
            try withMerges([["!", "\""], ["!", "!"]])
                .map { if case .unknownMergeToken = $0 { true } else { false } } == true)
        #expect(try withMerges(["a"]) == .malformedMerge(index: 0, text: "a"))
        #expect(try withMerges(["a b c"]) == .malformedMerge(index: 0, text: "a b c"))
        #expect(try withMerges([" a"]) == .malformedMerge(index: 0, text: " a"))
        for wrong in [[["a"]], [["a", "b", "c"]], [1], [["a", 1]], "a b"] as [JSONValue] {
            #expect(
                try withMerges(wrong)
                    .map { if case .wrongType = $0 { true } else { false } } == true)
        }
    }

    @Test("added tokens must be there, whole, and agree with the vocabulary")
    func addedTokens() throws {
        func withToken(_ token: JSONValue) throws -> TokenizerError.Reason? {
            try reasonOfFile { file in
                file["added_tokens"] = .array((file["added_tokens"]?.arrayValue ?? []) + [token])
            }
        }
        #expect(
            try withToken(["id": 1028, "content": "", "special": true])
                == .emptyToken(id: 1028, isSpecial: true))
        #expect(
            try withToken(["id": 3, "content": "<x>", "special": true])
                == .duplicateID(3, first: "!", second: "<x>"))
        #expect(
            try withToken(["id": 1028, "content": "!", "special": true])
                == .duplicateToken("!", first: 3, second: 1028))
        #expect(
            try withToken(["id": -1, "content": "<x>"]) == .idOutOfRange(token: "<x>", id: -1))
        #expect(
            try withToken(["id": 1028]) == .missingField("added_tokens[7].content"))
        #expect(
            try withToken(["id": "7", "content": "<x>"])
                == .wrongType(
                    field: "added_tokens[7].id", found: "a string", expected: "an integer"))
        #expect(
            try withToken([
                "id": 1028, "content": .string(String(repeating: "<", count: 600)),
            ]) == .tokenTooLong(id: 1028, bytes: 600, limit: 512))
    }

    @Test("parts that are not supported are named, with those that are")
    func unsupported() throws {
        let changes: [(String, JSONValue)] = [
            ("normalizer", ["type": "NFKC"]), ("pre_tokenizer", ["type": "CharDelimiterSplit"]),
            ("decoder", ["type": "CTC"]), ("post_processor", ["type": "Magic"]),
            ("pre_tokenizer", .null), ("decoder", .null),
            ("model", ["type": "WordLevel", "vocab": ["a": 0]]),
            (
                "pre_tokenizer",
                ["type": "Split", "pattern": ["Regex": #"(?<=a)b"#], "behavior": "Isolated"]
            ),
            ("pre_tokenizer", ["type": "Split", "pattern": ["String": "a"], "behavior": "Odd"]),
        ]
        for (key, value) in changes {
            let reason = try reasonOfFile { $0[key] = value }
            switch reason {
            case .unsupported, .pattern: break
            default: Issue.record("\(key) = \(value): \(String(describing: reason))")
            }
        }
    }

    @Test("replacements that multiply a text are refused")
    func growth() throws {
        func steps(_ count: Int, _ content: String) -> JSONValue {
            let step: JSONValue = [
                "type": "Replace", "pattern": ["String": "a"], "content": .string(content),
            ]
            return [
                "type": "Sequence", "normalizers": .array(Array(repeating: step, count: count)),
            ]
        }
        _ = try TokenizerFixtures.load(
            TokenizerFixtures.trainedJSON { $0["normalizer"] = steps(10, "b") })
        for normalizer in [
            steps(11, "b"), steps(2, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
            steps(1, String(repeating: "a", count: 2_000)), steps(33, ""),
            ["type": "Prepend", "prepend": .string(String(repeating: "a", count: 2_000))],
        ] as [JSONValue] {
            guard case .unsupported = try reasonOfFile(changing: { $0["normalizer"] = normalizer })
            else {
                Issue.record("\(normalizer.serialized().prefix(80)) was accepted")
                continue
            }
        }
    }

    @Test("JSON that is none, or says a thing twice, is refused")
    func json() throws {
        for text in [
            "", "{", "[]", "{}", #"{"model": {}}"#, #"{"model": {"vocab": {}}}"#,
            #"{"model": {"vocab": {"a": 0, "a": 1}, "merges": []}}"#,
            #"{"model": {"vocab": {"a": 0}}, "model": {"vocab": {"a": 0}}}"#,
            #"{"added_tokens": [], "added_tokens": [], "model": {"vocab": {"a": 0}}}"#,
            #"{"model": {"vocab": [["a", 1], ["b"]]}}"#, #"{"model": {"vocab": 3}}"#,
        ] {
            #expect(throws: TokenizerError.self, "\(text)") {
                try TokenizerFixtures.load(Array(text.utf8))
            }
        }
        #expect(throws: TokenizerError.self) { try Tokenizer(contentsOf: "/nowhere/at/all") }
        let folder = try TemporaryFolder()
        do {
            _ = try Tokenizer(contentsOf: folder.path)
            Issue.record("an empty folder was accepted")
        } catch let error as TokenizerError {
            #expect(error.reason == .noTokenizer)
            #expect("\(error)".hasPrefix(folder.path))
        }
    }

    // MARK: GGUF

    @Test("lists of a GGUF file must be as long as the tokens")
    func ggufCounts() {
        var metadata = GGUFTokenizerMetadata(
            model: "gpt2", pre: "gpt-2", tokens: ["a", "b", "ab"], merges: ["a b"])
        #expect(throws: Never.self) { try Tokenizer(metadata) }
        metadata.scores = [0, 0]
        #expect(
            reason { try Tokenizer(metadata) }
                == .wrongCount(field: "scores", found: 2, expected: 3))
        metadata.scores = nil
        metadata.tokenTypes = [1, 1, 1, 1]
        #expect(
            reason { try Tokenizer(metadata) }
                == .wrongCount(field: "token types", found: 4, expected: 3))
        metadata.tokenTypes = [1, 1, 9]
        #expect(
            reason { try Tokenizer(metadata) }
                == .unsupported(field: "token_type of token 2", value: "9", supported: "0 to 6"))
        metadata.tokenTypes = nil
        metadata.endOfSequence = 3
        #expect(
            reason { try Tokenizer(metadata) } == .idOutOfRange(token: "eos_token_id", id: 3))
        metadata.endOfSequence = nil
        metadata.tokens = ["a", "b", "a"]
        #expect(
            reason { try Tokenizer(metadata) } == .duplicateToken("a", first: 0, second: 2))
        metadata.tokens = []
        #expect(reason { try Tokenizer(metadata) } == .emptyVocabulary)
    }

    @Test("kinds of GGUF tokenizers that are not known are named")
    func ggufKinds() {
        let tokens = ["a", "b"]
        for metadata in [
            GGUFTokenizerMetadata(model: "bert", tokens: tokens),
            GGUFTokenizerMetadata(model: "gpt2", pre: "unheard-of", tokens: tokens, merges: []),
        ] {
            let reason = reason { try Tokenizer(metadata) }
            guard case .unsupported(_, let value, _) = reason else {
                Issue.record("\(String(describing: reason))")
                continue
            }
            #expect(["bert", "unheard-of"].contains(value))
        }
        #expect(
            reason { try Tokenizer(GGUFTokenizerMetadata(model: "gpt2", tokens: tokens)) }
                == .missingField("tokenizer.ggml.merges"))
        #expect(
            reason { try Tokenizer(GGUFTokenizerMetadata(model: "llama", tokens: tokens)) }
                == .missingField("tokenizer.ggml.scores"))
    }

    @Test(
        "byte tokens must be named '<0x00>' to '<0xFF>', each once",
        arguments: ["<0x-1>", "<0xZZ>", "<0x1>", "<0x100>", "0x41", "<0x4g>", "<0x41>"])
    func byteTokens(name: String) throws {
        var tokens = ["<unk>"]
        tokens += (0..<256).map { byte in
            "<0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true) + ">"
        }
        tokens.append("▁")
        var types = [Int32](repeating: 6, count: 258)
        types[0] = 2
        types[257] = 1
        func tokenizer() throws -> Tokenizer {
            try Tokenizer(
                GGUFTokenizerMetadata(
                    model: "llama", tokens: tokens,
                    scores: [Float](repeating: 0, count: tokens.count), tokenTypes: types))
        }
        #expect(try tokenizer().decode(tokenizer().encode("é")) == "é")
        tokens[100] = name
        let reason = reason { try tokenizer() }
        switch reason {
        case .malformedByteToken(name, id: 100): break
        case .duplicateToken(name, _, _) where name == "<0x41>": break
        default: Issue.record("\(name): \(String(describing: reason))")
        }

        let pieces = zip(tokens, types).map {
            SentencePieceFileWriter.Piece(text: $0, score: 0, kind: Int($1))
        }
        #expect(throws: TokenizerError.self) {
            try TokenizerFixtures.load(
                SentencePieceFileWriter.model(pieces, fallsBackToBytes: true),
                as: "tokenizer.model")
        }
    }

    @Test("scores must be numbers")
    func scores() {
        for score in [Float.nan, .infinity] {
            #expect(
                reason {
                    try Tokenizer(
                        GGUFTokenizerMetadata(
                            model: "llama", tokens: ["<unk>", "a"], scores: [0, score],
                            tokenTypes: [2, 1]))
                } == .badScore(id: 1))
        }
    }

    // MARK: tokenizer.model

    @Test("pieces of a tokenizer.model must be whole, different and not empty")
    func sentencePiece() throws {
        typealias Writer = SentencePieceFileWriter
        func reason(_ pieces: [Writer.Piece], algorithm: UInt64 = 2) -> TokenizerError.Reason? {
            self.reason {
                try TokenizerFixtures.load(
                    Writer.model(pieces, algorithm: algorithm), as: "tokenizer.model")
            }
        }
        let unknown = Writer.Piece(text: "<unk>", score: 0, kind: 2)
        let a = Writer.Piece(text: "a", score: -1, kind: 1)
        #expect(reason([unknown, a, a]) == .duplicateToken("a", first: 1, second: 2))
        #expect(
            reason([unknown, .init(text: "", score: 0, kind: 1)])
                == .emptyToken(id: 1, isSpecial: false))
        #expect(
            reason([unknown, .init(text: "", score: 0, kind: 3)])
                == .emptyToken(id: 1, isSpecial: true))
        #expect(reason([unknown, .init(text: "a", score: .nan, kind: 1)]) == .badScore(id: 1))
        #expect(reason([a]) == .missingField("a piece for unknown characters"))
        #expect(reason([]) == .emptyVocabulary)
        #expect(
            reason([unknown, .init(text: "a", score: 0, kind: 77)])
                == .unsupported(field: "type of piece 1", value: "77", supported: "1 to 6"))
        for algorithm in [0, 3, 4, 99] as [UInt64] {
            guard case .unsupported = reason([unknown, a], algorithm: algorithm) else {
                Issue.record("algorithm \(algorithm) was accepted")
                continue
            }
        }
        guard
            case .protobuf = self.reason({
                try TokenizerFixtures.load(
                    [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], as: "tokenizer.model")
            })
        else {
            Issue.record("a length past the end was accepted")
            return
        }
    }

    @Test("unused pieces merge, but are spelled in their parts")
    func unusedPieces() throws {
        let tokenizer = try TokenizerFixtures.load(
            SentencePieceFileWriter.model(
                [
                    .init(text: "<unk>", score: 0, kind: 2), .init(text: "a", score: -5, kind: 1),
                    .init(text: "b", score: -6, kind: 1), .init(text: "ab", score: -1, kind: 5),
                    .init(text: "abab", score: -2, kind: 1),
                ], addsWordMark: false), as: "tokenizer.model")
        #expect(tokenizer.encode("ab") == [1, 2])
        #expect(tokenizer.encode("abab") == [4])
        #expect(tokenizer.encode("ababab") == [4, 1, 2])
        #expect(tokenizer.encode("abXYa") == [1, 2, 0, 1])
    }

    // MARK: Damage

    @Test(
        "flipped bytes give an error or a tokenizer that works",
        arguments: [
            ("16-trained-bpe", "tokenizer.json"), ("16-trained-spm-bpe", "tokenizer.model"),
            ("16-trained-spm-unigram", "tokenizer.model"),
        ])
    func flippedBytes(name: String, file: String) throws {
        let folder = try TemporaryFolder()
        var flips = ByteFlips(try Fixtures.bytes("\(name)/\(file)"), seed: 81)
        try flips.forEach("\(file) of \(name)", count: 150) { bytes in
            try folder.write(bytes, to: file)
            do {
                let tokenizer = try Tokenizer(contentsOf: folder.path)
                let text = "Hello <｜User｜> wörld 中文 \u{1F600}\r\n 123 <|user|>"
                let ids = tokenizer.encode([.template("<think>a"), .content(text)])
                #expect(ids.allSatisfy { $0 >= 0 && $0 < tokenizer.vocabularySize })
                _ = tokenizer.decode(ids + [-1, 0, 1, 700, .max])
            } catch let error as TokenizerError {
                #expect(!"\(error)".isEmpty)
            }
        }
    }
}
