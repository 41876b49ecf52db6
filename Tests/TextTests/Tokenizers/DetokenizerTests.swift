import FathomTestSupport
import FathomText
import Testing

@Suite("Streaming detokenizer")
struct DetokenizerTests {
    @Test(
        "gives the decoded text, whole characters at a time, for any tokens",
        arguments: TokenizerFixtures.names)
    func streaming(name: String) throws {
        let tokenizer = try TokenizerFixtures.tokenizer(name)
        var lists = try TokenizerFixtures.vectors(name).map(\.ids)
        var generator = SeededGenerator(seed: 61)
        for _ in 0..<200 {
            lists.append(
                (0..<Int.random(in: 0...20, using: &generator)).map { _ in
                    Int32.random(in: -2...Int32(tokenizer.vocabularySize + 1), using: &generator)
                })
        }
        for ids in lists {
            for skips in [false, true] {
                let whole = tokenizer.decode(ids, skippingSpecialTokens: skips)
                var detokenizer = tokenizer.makeDetokenizer(skippingSpecialTokens: skips)
                var text = ""
                for id in ids { text += detokenizer.append(id) }
                text += detokenizer.finish()
                #expect(isSame(text, whole), "\(name): \(ids)")
            }
        }
    }

    @Test("what was given out at any point is a prefix of the whole text")
    func prefixes() throws {
        let tokenizer = try TokenizerFixtures.tokenizer("16-trained-bpe")
        let text = "naïve 日本語 👩‍👩‍👧 é\u{301} — ok"
        let ids = tokenizer.encode(text)
        for split in 0...ids.count {
            var detokenizer = tokenizer.makeDetokenizer(skippingSpecialTokens: false)
            var head = ""
            for id in ids[..<split] { head += detokenizer.append(id) }
            #expect(text.utf8.starts(with: head.utf8), "after \(split) tokens: \(head)")
            #expect(!head.unicodeScalars.contains("\u{FFFD}"))
            var copy = detokenizer
            for id in ids[split...] { head += copy.append(id) }
            #expect(isSame(head + copy.finish(), text))
        }
    }

    @Test("a character cut off by the end becomes one U+FFFD, and only then")
    func cutOff() throws {
        let tokenizer = try TokenizerFixtures.tokenizer("16-trained-bpe")
        let bytes = Array("😀".utf8).compactMap { byte in
            (0..<Int32(tokenizer.vocabularySize)).first { tokenizer.tokenBytes($0) == [byte] }
        }
        #expect(bytes.count == 4)
        var detokenizer = tokenizer.makeDetokenizer()
        #expect(bytes.prefix(3).map { detokenizer.append($0) } == ["", "", ""])
        #expect(detokenizer.finish() == "\u{FFFD}")
        #expect(detokenizer.append(bytes[0]) == "")
        #expect(detokenizer.append(bytes[0]) == "\u{FFFD}")
    }

    @Test("SentencePiece replaces each byte, and drops the first word mark alone")
    func sentencePiece() throws {
        let tokenizer = try TokenizerFixtures.tokenizer("16-trained-spm-bpe")
        let e4 = try #require(tokenizer.id(of: "<0xE4>"))
        let bd = try #require(tokenizer.id(of: "<0xBD>"))
        let a0 = try #require(tokenizer.id(of: "<0xA0>"))
        let mark = try #require(tokenizer.id(of: "▁"))
        #expect(tokenizer.decode([e4, bd, a0]) == "你")
        #expect(tokenizer.decode([e4, bd]) == "\u{FFFD}\u{FFFD}")
        #expect(tokenizer.decode([e4, bd, mark, a0]) == "\u{FFFD}\u{FFFD} \u{FFFD}")
        #expect(tokenizer.decode([mark, mark, e4]) == " \u{FFFD}")
        var detokenizer = tokenizer.makeDetokenizer()
        #expect([e4, bd, a0].map { detokenizer.append($0) } == ["", "", "你"])
    }
}
