import FathomTestSupport
import FathomText
import Testing

@Suite("Time of encoding, in steps")
struct TokenizerTimeTests {
    @Test(
        "merging takes O(n log n) steps for texts of one word",
        arguments: ["a", " ", "ab", "\u{200D}", "中", "<｜", "\u{301}", "\n"])
    func merging(unit: String) throws {
        for name in ["16-trained-bpe", "16-tokenizer-mistral-spm"] {
            let tokenizer = try TokenizerFixtures.tokenizer(name)
            for count in [1_000, 10_000, 60_000] {
                let text = String(repeating: unit, count: count / unit.utf8.count)
                let steps = Double(tokenizer.mergeStepCount(of: text))
                let bytes = Double(text.utf8.count)
                // A look-up for each pair, then at most two new pairs a merge, each pushed and
                // popped at a cost below log2 of the pairs.
                var logarithm = 1.0
                while Double(1 << Int(logarithm)) < bytes { logarithm += 1 }
                #expect(steps <= bytes * (4 + 3 * logarithm), "\(name), \(count) of '\(unit)'")
            }
        }
    }

    @Test("long texts of one character keep their text")
    func longTexts() throws {
        for name in TokenizerFixtures.names where name != "16-trained-spm-unigram" {
            let tokenizer = try TokenizerFixtures.tokenizer(name)
            for unit in ["a", " ", "0", "中", "😀"] {
                let text = String(repeating: unit, count: 5_000)
                let decoded = tokenizer.decode(tokenizer.encode(text))
                #expect(isSame(decoded, text), "\(name): '\(unit)'")
            }
        }
    }
}
