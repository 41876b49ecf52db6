import FathomJSON
import FathomTestSupport
import FathomText
import Testing

@Suite("Added tokens")
struct AddedTokenTests {
    private func tokenizer(_ tokens: [JSONObject]) throws -> Tokenizer {
        let bytes = try TokenizerFixtures.trainedJSON { file in
            file["post_processor"] = nil
            var added = (file["added_tokens"]?.arrayValue ?? []).prefix(3).map { $0 }
            for (index, token) in tokens.enumerated() {
                var token = token
                token["id"] = .integer(1024 + index)
                for key in ["single_word", "lstrip", "rstrip", "normalized", "special"]
                where token[key] == nil {
                    token[key] = .bool(key == "special")
                }
                added.append(.object(token))
            }
            file["added_tokens"] = .array(added)
        }
        return try TokenizerFixtures.load(bytes)
    }

    private func text(_ tokenizer: Tokenizer, _ text: String) -> [String] {
        tokenizer.encode(text, specialTokens: .recognised).map { id in
            id >= 1024 ? "#\(id - 1024)" : tokenizer.decode([id])
        }
    }

    @Test("the longest of those that start leftmost is taken")
    func leftmostLongest() throws {
        let tokenizer = try tokenizer([["content": "<a"], ["content": "<a>"], ["content": "a>b"]])
        #expect(text(tokenizer, "<a>b") == ["#1", "b"])
        #expect(text(tokenizer, "<a <a>") == ["#0", " ", "#1"])
        #expect(text(tokenizer, "a>b") == ["#2"])
    }

    @Test("white space is taken along as the flags say")
    func stripping() throws {
        let tokenizer = try tokenizer([
            ["content": "<l>", "lstrip": true], ["content": "<r>", "rstrip": true],
        ])
        #expect(text(tokenizer, "1 \n<l> 2") == ["1", "#0", " ", "2"])
        #expect(text(tokenizer, "1 <r> \u{3000}2") == ["1", " ", "#1", "2"])
        #expect(text(tokenizer, " <l> <l>") == ["#0", "#0"])
        #expect(text(tokenizer, "<r>  <r>") == ["#1", "#1"])
    }

    @Test("single words count only between characters that are no word's")
    func singleWords() throws {
        let tokenizer = try tokenizer([["content": "$w", "single_word": true]])
        #expect(text(tokenizer, "$w").contains("#0"))
        #expect(text(tokenizer, "-$w-").contains("#0"))
        for text in ["a$w", "$wa", "$w1", "é$w", "$w_"] {
            #expect(!self.text(tokenizer, text).contains("#0"), "\(text)")
        }
    }

    @Test("white space and single characters are plain text, so content has them too")
    func plainText() throws {
        let tokenizer = try tokenizer([
            ["content": "\t\t\t", "special": false], ["content": "ő", "special": false],
            ["content": "qzq", "special": false], ["content": "\n\n", "special": true],
        ])
        #expect(tokenizer.encode("\t\t\t") == [1024])
        #expect(tokenizer.encode("ő") == [1025])
        #expect(!tokenizer.encode("qzq").contains(1026))
        #expect(!tokenizer.encode("\n\n").contains(1027))
        #expect(!tokenizer.isReserved(1024))
        #expect(tokenizer.isReserved(1026))
        #expect(!tokenizer.isSpecial(1026))
        #expect(tokenizer.isSpecial(1027))
    }

    @Test("skipping special tokens leaves unflagged markers in the text")
    func skipping() throws {
        let tokenizer = try tokenizer([["content": "<s1>"], ["content": "<m>", "special": false]])
        let ids = tokenizer.encode("<s1><m>", specialTokens: .recognised)
        #expect(tokenizer.decode(ids, skippingSpecialTokens: true) == "<m>")
        #expect(tokenizer.decode(ids) == "<s1><m>")
        #expect(tokenizer.decode([-1, 5_000, 1024]) == "<s1>")
    }
}
