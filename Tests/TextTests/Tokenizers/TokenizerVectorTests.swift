import FathomJSON
import FathomTestSupport
import FathomText
import Testing

@Suite("Tokenizers against the original libraries")
struct TokenizerVectorTests {
    @Test("every stored text has the stored tokens", arguments: TokenizerFixtures.allNames)
    func encoding(name: String) throws {
        let tokenizer = try TokenizerFixtures.tokenizer(name)
        let vectors = try TokenizerFixtures.vectors(name)
        #expect(vectors.count > 600)
        for vector in vectors {
            guard let text = vector.text else { continue }
            #expect(
                tokenizer.encode(text, specialTokens: .recognised) == vector.ids,
                "\(name): \(text.debugDescription)")
            if let ids = vector.sequenceIDs {
                #expect(tokenizer.encodeSequence(text, specialTokens: .recognised) == ids)
            }
        }
    }

    @Test("every stored list of tokens has the stored text", arguments: TokenizerFixtures.allNames)
    func decoding(name: String) throws {
        let tokenizer = try TokenizerFixtures.tokenizer(name)
        for vector in try TokenizerFixtures.vectors(name) {
            #expect(
                isSame(tokenizer.decode(vector.ids), vector.decoded), "\(name): \(vector.ids)")
            if let decoded = vector.decodedWithoutSpecial {
                let text = tokenizer.decode(vector.ids, skippingSpecialTokens: true)
                #expect(isSame(text, decoded), "\(name): \(vector.ids)")
            }
        }
    }

    @Test("DeepSeek-V2's tokens are those of the model's own repository")
    func independentVectors() throws {
        let tokenizer = try TokenizerFixtures.tokenizer("16-tokenizer-deepseek-v2")
        let vectors = try TokenizerFixtures.vectors(
            "16-tokenizer-deepseek-v2", file: "hf_vectors.jsonl")
        #expect(vectors.count == 45)
        for vector in vectors {
            let text = try #require(vector.text)
            #expect(
                tokenizer.encode(text, specialTokens: .recognised) == vector.ids,
                "\(text.debugDescription)")
        }
    }

    @Test("the lists of a GGUF file give the same tokenizer as tokenizer.json")
    func ggufByteLevel() throws {
        let file = try JSONValue(parsing: Fixtures.bytes("16-trained-bpe/tokenizer.json"))
        var tokens = [String](repeating: "", count: 1028)
        var types = [Int32](repeating: 1, count: 1028)
        for (token, id) in try #require(file["model"]?["vocab"]?.objectValue) {
            tokens[try #require(id.intValue)] = token
        }
        for token in try #require(file["added_tokens"]?.arrayValue) {
            let id = try #require(token["id"]?.intValue)
            tokens[id] = try #require(token["content"]?.stringValue)
            types[id] = token["special"]?.boolValue == true ? 3 : 4
        }
        let merges = try #require(file["model"]?["merges"]?.arrayValue).map { merge in
            (merge.arrayValue ?? []).compactMap(\.stringValue).joined(separator: " ")
        }
        let tokenizer = try Tokenizer(
            GGUFTokenizerMetadata(
                model: "gpt2", pre: "deepseek-v3", tokens: tokens, tokenTypes: types,
                merges: merges, beginOfSequence: 0, endOfSequence: 1, addsBeginOfSequence: true))
        #expect(tokenizer.addsBeginOfSequence)
        #expect(tokenizer.stopTokens == [1])
        for vector in try TokenizerFixtures.vectors("16-trained-bpe") {
            if let text = vector.text {
                #expect(tokenizer.encode(text, specialTokens: .recognised) == vector.ids)
            }
            #expect(isSame(tokenizer.decode(vector.ids), vector.decoded))
        }
    }

    @Test("the lists of a GGUF file give the same tokenizer as tokenizer.model")
    func ggufSentencePiece() throws {
        let original = try TokenizerFixtures.tokenizer("16-trained-spm-bpe")
        let pieces = SentencePieceFileWriter.pieces(
            of: try Fixtures.bytes("16-trained-spm-bpe/tokenizer.model"))
        #expect(pieces.count == original.vocabularySize)
        let tokenizer = try Tokenizer(
            GGUFTokenizerMetadata(
                model: "llama", tokens: pieces.map(\.text), scores: pieces.map(\.score),
                tokenTypes: pieces.map { Int32($0.kind) }, beginOfSequence: 1, endOfSequence: 2))
        for vector in try TokenizerFixtures.vectors("16-trained-spm-bpe") {
            // GGUF files' control tokens are recognised in text; SentencePiece's are not.
            guard let text = vector.text, !text.contains("s>"), !text.contains("<pad>") else {
                continue
            }
            #expect(
                tokenizer.encode(text, specialTokens: .recognised) == vector.ids,
                "\(text.debugDescription)")
        }
    }

    @Test("control tokens of a tokenizer.model are found in templates only")
    func sentencePieceControl() throws {
        let tokenizer = try TokenizerFixtures.tokenizer("16-tokenizer-mistral-spm")
        let begin = try #require(tokenizer.beginOfSequence)
        #expect(!tokenizer.encode("<s> a", specialTokens: .recognised).contains(begin))
        let ids = tokenizer.encode([.template("<s>"), .content("</s>")])
        #expect(ids.first == begin)
        #expect(!ids.contains(try #require(tokenizer.endOfSequence)))
        #expect(tokenizer.isReserved(begin))
    }

    @Test("settings beside tokenizer.json are read")
    func settings() throws {
        let tokenizer = try TokenizerFixtures.tokenizer("16-tokenizer-deepseek-v2")
        #expect(tokenizer.beginOfSequence == 100_000)
        #expect(tokenizer.endOfSequence == 100_001)
        #expect(tokenizer.addsBeginOfSequence)
        #expect(tokenizer.stopTokens == [100_001])
        #expect(tokenizer.chatTemplate?.hasPrefix("{% if not add_generation_prompt") == true)
        #expect(tokenizer.token(100_000) == "<｜begin▁of▁sentence｜>")
        #expect(tokenizer.id(of: "<｜end▁of▁sentence｜>") == 100_001)
        let the = try #require(tokenizer.id(of: "Ġthe"))
        #expect(tokenizer.tokenBytes(the) == Array(" the".utf8))
        #expect(tokenizer.tokenBytes(100_001) == Array("<｜end▁of▁sentence｜>".utf8))
        #expect(tokenizer.token(-1) == nil)
        #expect(tokenizer.token(1 << 30) == nil)
        #expect(tokenizer.tokenBytes(-5) == nil)
        #expect(tokenizer.warnings.isEmpty)
    }

    @Test("several tasks may use one tokenizer at once")
    func concurrency() async throws {
        let tokenizer = try TokenizerFixtures.tokenizer("16-trained-bpe")
        let vectors = try TokenizerFixtures.vectors("16-trained-bpe").filter { $0.text != nil }
        let failures = await withTaskGroup(of: Int.self) { group in
            for shift in 0..<4 {
                group.addTask {
                    vectors.indices.count { index in
                        let vector = vectors[(index + shift * 97) % vectors.count]
                        let ids = tokenizer.encode(vector.text ?? "", specialTokens: .recognised)
                        return ids != vector.ids
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(failures == 0)
    }
}
