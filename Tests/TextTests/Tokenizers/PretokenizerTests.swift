import FathomJSON
import FathomTestSupport
import FathomText
import Testing

@Suite("Pre-tokenizers")
struct PretokenizerTests {
    private static let ideographs = "[\u{4E00}-\u{9FA5}\u{0800}-\u{4E00}\u{AC00}-\u{D7FF}]+"

    /// The stages of each pre-tokenizer, as expressions.
    static let stages: [(name: String, expressions: [String])] = {
        let gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
        func llama(_ digits: String) -> String {
            #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + digits
                + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        }
        let v3 =
            ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"##
            + #"|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*"#
            + #"|\s*[\r\n]+|\s+(?!\S)|\s+"#
        return [
            ("gpt-2", [gpt2]),
            ("smollm", [#"\p{N}"#, gpt2]),
            ("llama-bpe", [llama(#"\p{N}{1,3}"#)]),
            ("qwen2", [llama(#"\p{N}"#)]),
            ("deepseek-coder", ["[\r\n]", #"\s?\p{L}+"#, #"\s?\p{P}+"#, ideographs, #"\p{N}"#]),
            (
                "deepseek-v3",
                [#"\p{N}{1,3}"#, "[\u{4E00}-\u{9FA5}\u{3040}-\u{309F}\u{30A0}-\u{30FF}]+", v3]
            ),
        ]
    }()

    /// Swift's own engine over the same expressions.
    private func pieces(of text: String, _ expressions: [Regex<AnyRegexOutput>]) -> [String] {
        var pieces = [text[...]]
        for expression in expressions {
            var parts: [Substring] = []
            for piece in pieces {
                // A look-ahead must see the end of the piece, so the piece is a string of its own.
                let whole = String(piece)
                var position = whole.startIndex
                for match in whole.matches(of: expression) {
                    if match.range.lowerBound > position {
                        parts.append(whole[position..<match.range.lowerBound])
                    }
                    parts.append(whole[match.range])
                    position = match.range.upperBound
                }
                if position < whole.endIndex { parts.append(whole[position...]) }
            }
            pieces = parts
        }
        return pieces.map(String.init)
    }

    @Test("cut text as Swift's regular expressions and the general matcher do", arguments: stages)
    func againstExpressions(name: String, expressions: [String]) throws {
        let scanner = try #require(Pretokenizer(named: name))
        let general = try Pretokenizer(expressions: expressions)
        let regexes = try expressions.map { expression in
            // A case-insensitive literal in Swift does not fold the long s as Unicode does.
            let spelled = expression.replacing("(?i:'s|", with: "(?i:'s|'ſ|")
            return try Regex(spelled).matchingSemantics(.unicodeScalar)
        }
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<400 {
            let text = RandomText.next(&generator)
            let pieces = scanner.pieces(of: text)
            #expect(
                pieces.elementsEqual(general.pieces(of: text), by: isSame),
                "\(text.debugDescription)")
            let expected = self.pieces(of: text, regexes)
            #expect(
                pieces.elementsEqual(expected, by: isSame),
                "\(name): \(text.debugDescription): \(pieces), Swift: \(expected)")
        }
    }

    @Test("cut text of every character alone and between others", arguments: stages)
    func everyCharacter(name: String, expressions: [String]) throws {
        let scanner = try #require(Pretokenizer(named: name))
        let general = try Pretokenizer(expressions: expressions)
        var value: UInt32 = 0
        while value < 0x20000 {
            if let scalar = Unicode.Scalar(value) {
                let text =
                    "a\(scalar)1 \(scalar)\(scalar)b!\(scalar)\n\(scalar)'\(scalar) . \(scalar)"
                let pieces = scanner.pieces(of: text)
                if !pieces.elementsEqual(general.pieces(of: text), by: isSame) {
                    Issue.record("\(name) differs at U+\(String(value, radix: 16))")
                }
            }
            // All of both planes would take seconds; prime steps sample them.
            value += value < 0x600 ? 1 : value < 0x3100 ? 3 : 97
        }
    }

    @Test(
        "keep all of the text",
        arguments: [
            "gpt-2", "smollm", "llama-bpe", "qwen2", "deepseek-coder", "deepseek-llm",
            "deepseek-v3",
        ])
    func completeness(name: String) throws {
        let scanner = try #require(Pretokenizer(named: name))
        var generator = SeededGenerator(seed: 9)
        for _ in 0..<500 {
            let text = RandomText.next(&generator)
            #expect(isSame(scanner.pieces(of: text).joined(), text))
        }
    }

    @Test("an unknown pattern runs, with a warning")
    func unknownPattern() throws {
        let bytes = try TokenizerFixtures.trainedJSON { file in
            file["pre_tokenizer"] = [
                "type": "Sequence",
                "pretokenizers": [
                    [
                        "type": "Split", "pattern": ["Regex": #"\p{Lu}?\p{Ll}+|\d{2}|."#],
                        "behavior": "Isolated", "invert": false,
                    ],
                    ["type": "ByteLevel", "add_prefix_space": false, "use_regex": false],
                ],
            ]
        }
        let tokenizer = try TokenizerFixtures.load(bytes)
        #expect(tokenizer.warnings.count == 1)
        #expect(tokenizer.warnings.first?.contains(#"\p{Lu}?\p{Ll}+"#) == true)
        #expect(tokenizer.decode(tokenizer.encode("FooBar 123")) == "FooBar 123")
        #expect(try TokenizerFixtures.tokenizer("16-trained-bpe").warnings.isEmpty)
    }

    @Test(
        "behaviours place the matches as the tokenizers library does",
        arguments: [
            ("Isolated", false, ["ab", "-", "-", "cd"]), ("Removed", false, ["ab", "cd"]),
            ("MergedWithPrevious", false, ["ab-", "-", "cd"]),
            ("MergedWithNext", false, ["ab", "-", "-cd"]),
            ("Contiguous", false, ["ab", "--", "cd"]), ("Removed", true, ["-", "-"]),
        ] as [(String, Bool, [String])])
    func behaviours(behavior: String, isInverted: Bool, expected: [String]) throws {
        let bytes = try TokenizerFixtures.trainedJSON { file in
            file["model"] = [
                "type": "BPE", "merges": [],
                "vocab": [
                    "a": 0, "b": 1, "c": 2, "d": 3, "-": 4, "ab": 5, "cd": 6, "--": 7,
                    "b-": 8, "-c": 9,
                ],
                // Whole pieces that are tokens show where the cuts are.
                "ignore_merges": true,
            ]
            file["added_tokens"] = []
            file["post_processor"] = nil
            file["pre_tokenizer"] = [
                "type": "Sequence",
                "pretokenizers": [
                    [
                        "type": "Split", "pattern": ["String": "-"],
                        "behavior": .string(behavior), "invert": .bool(isInverted),
                    ],
                    ["type": "ByteLevel", "add_prefix_space": false, "use_regex": false],
                ],
            ]
        }
        let tokenizer = try TokenizerFixtures.load(bytes)
        let tokens = tokenizer.encode("ab--cd").compactMap(tokenizer.token)
        // A piece that is no token falls into its letters.
        let known: Set = ["a", "b", "c", "d", "-", "ab", "cd", "--"]
        let spelled = expected.flatMap { known.contains($0) ? [$0] : $0.map(String.init) }
        #expect(tokens == spelled)
    }
}
