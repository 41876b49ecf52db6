import FathomJSON
import FathomTestSupport
import FathomText
import Testing

@Suite("Normalizers")
struct NormalizerTests {
    @Test(
        "composed and decomposed forms are those of the Unicode Standard",
        arguments: [
            ("e\u{301}", "\u{E9}", "e\u{301}"), ("\u{212B}", "\u{C5}", "A\u{30A}"),
            ("\u{1E0A}\u{323}", "\u{1E0C}\u{307}", "D\u{323}\u{307}"),
            ("\u{1100}\u{1161}\u{11A8}", "\u{AC01}", "\u{1100}\u{1161}\u{11A8}"),
            ("\u{AC00}\u{11A8}", "\u{AC01}", "\u{1100}\u{1161}\u{11A8}"),
            ("\u{AC00}\u{11A7}", "\u{AC00}\u{11A7}", "\u{1100}\u{1161}\u{11A7}"),
            ("\u{0958}", "\u{0915}\u{093C}", "\u{0915}\u{093C}"),
            ("\u{2126}", "\u{3A9}", "\u{3A9}"), ("\u{0344}", "\u{308}\u{301}", "\u{308}\u{301}"),
            ("a\u{5AE}\u{300}", "\u{E0}\u{5AE}", "a\u{5AE}\u{300}"),
            ("q\u{307}\u{323}", "q\u{323}\u{307}", "q\u{323}\u{307}"),
            ("\u{1D15E}", "\u{1D157}\u{1D165}", "\u{1D157}\u{1D165}"),
            ("\u{FB1D}", "\u{5D9}\u{5B4}", "\u{5D9}\u{5B4}"), ("plain", "plain", "plain"),
            ("", "", ""),
        ])
    func forms(text: String, composed: String, decomposed: String) {
        #expect(isSame(CanonicalForm.normalized(text, composing: true), composed))
        #expect(isSame(CanonicalForm.normalized(text, composing: false), decomposed))
    }

    @Test("forms of random text are equivalent, stable, and lead to each other")
    func properties() {
        var generator = SeededGenerator(seed: 71)
        for _ in 0..<3_000 {
            var text = RandomText.next(&generator)
            for _ in 0..<4 {
                if let scalar = Unicode.Scalar(UInt32.random(in: 0xC0..<0x3100, using: &generator))
                {
                    text.unicodeScalars.append(scalar)
                }
            }
            let composed = CanonicalForm.normalized(text, composing: true)
            let decomposed = CanonicalForm.normalized(text, composing: false)
            // Strings are equal when they are canonically equivalent.
            #expect(composed == text && decomposed == text, "\(text.debugDescription)")
            #expect(isSame(CanonicalForm.normalized(composed, composing: true), composed))
            #expect(isSame(CanonicalForm.normalized(decomposed, composing: true), composed))
            #expect(isSame(CanonicalForm.normalized(composed, composing: false), decomposed))
        }
    }

    @Test("steps of tokenizer.json do what they say, in order")
    func steps() throws {
        let bytes = try TokenizerFixtures.trainedJSON { file in
            file["normalizer"] = [
                "type": "Sequence",
                "normalizers": [
                    ["type": "Strip", "strip_left": true, "strip_right": true],
                    ["type": "NFD"], ["type": "StripAccents"], ["type": "Lowercase"],
                    ["type": "Prepend", "prepend": ">"],
                    ["type": "Replace", "pattern": ["Regex": " {2,}"], "content": "_"],
                    ["type": "Replace", "pattern": ["String": "b"], "content": ""],
                ],
            ]
        }
        let tokenizer = try TokenizerFixtures.load(bytes)
        #expect(tokenizer.decode(tokenizer.encode("  Éa   bÇ b ")) == ">ea_c ")
        #expect(tokenizer.encode("") == [])
        #expect(tokenizer.encode("   ") == [])
    }

    @Test("the character map of a model is used, and a damaged one is refused")
    func characterMap() throws {
        let tokenizer = try TokenizerFixtures.tokenizer("16-trained-spm-unigram")
        #expect(tokenizer.encode("ﬁ ｆｕｌｌ　ＡＢＣ") == tokenizer.encode("fi full ABC"))
        for map in [
            [1, 2], [255, 255, 255, 255, 0], [4, 0, 0, 0], [4, 0, 0, 0, 0, 0, 0, 0, 65],
            [4, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0],
        ] as [[UInt8]]
        where map != [4, 0, 0, 0] {
            let file = SentencePieceFileWriter.model(
                [.init(text: "<unk>", score: 0, kind: 2), .init(text: "a", score: 0, kind: 1)],
                characterMap: map)
            #expect(throws: TokenizerError.self, "\(map)") {
                try TokenizerFixtures.load(file, as: "tokenizer.model")
            }
        }
    }
}
