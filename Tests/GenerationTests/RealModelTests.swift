import FathomCheckpoints
import FathomGeneration
import FathomJSON
import FathomModels
import FathomTensors
import FathomTestSupport
import FathomText
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The file of SmolLM2-135M-Instruct in Q4_1, too large to keep with the tests.
private let modelPath = getenv("FATHOM_SMOLLM2").map { String(cString: $0) }

/// SmolLM2-135M-Instruct against transformers on the dequantised weights.
@Suite(
    .enabled(
        if: modelPath != nil,
        "set FATHOM_SMOLLM2 to the file that `fathom pull SmolLM2-135M-Instruct` prints"))
struct RealModelTests {
    @Test("logits and greedy tokens are the reference's", arguments: 0..<3)
    func agreesWithReference(prompt: Int) throws {
        let path = try #require(modelPath)
        let model = try ModelLoader.load(.open(path), .exact).model
        let expected = try Fixtures.tensors("18-smollm2-real/cases.safetensors")
        func ids(_ name: String) throws -> [Int32] {
            try expected.tensor("p\(prompt).\(name)").int64Array().map { Int32($0) }
        }
        let greedy = try ids("greedy_ids")
        let margins = try expected.tensor("p\(prompt).margins").floatArray()
        // Beyond a margin of twice the tolerance the next token may rightly differ.
        let certain = margins.firstIndex { $0 < 0.02 } ?? margins.count
        let found = try SequenceEvaluation(model, [ids("input_ids")], steps: greedy.count)
        let reference = try expected.tensor("p\(prompt).last_logits").floatArray()
        let logits = found.stepLogits[0][0]
        try #require(logits.count == reference.count)
        #expect(zip(logits, reference).allSatisfy { abs($0 - $1) <= 2e-3 })
        #expect(certain > 0)
        #expect(found.greedyIDs[0].prefix(certain) == greedy.prefix(certain))
    }

    @Test("the tokenizer in the file gives the reference's prompts and texts")
    func tokenizes() throws {
        let tokenizer = try Tokenizer(.open(#require(modelPath)))
        let expected = try Fixtures.tensors("18-smollm2-real/cases.safetensors")
        let text = String(
            decoding: try Fixtures.bytes("18-smollm2-real/cases.json"), as: UTF8.self)
        let cases = try #require(try JSONValue(parsing: text).arrayValue)
        #expect(cases.count == 3)
        for (index, item) in cases.enumerated() {
            func ids(_ name: String) throws -> [Int32] {
                try expected.tensor("p\(index).\(name)").int64Array().map { Int32($0) }
            }
            let prompt = try #require(item["prompt"]?.stringValue)
            #expect(try tokenizer.encode(prompt, specialTokens: .recognised) == ids("input_ids"))
            #expect(try tokenizer.decode(ids("greedy_ids")) == item["text"]?.stringValue)
            #expect(!tokenizer.encode(prompt).contains { tokenizer.isSpecial($0) })
        }
    }

    @Test("the quantised path loses no quality on a text")
    func keepsQuality() throws {
        let path = try #require(modelPath)
        let tokenizer = try Tokenizer(.open(path))
        let text = try String(decoding: Fixtures.bytes("18-smollm2-real/README.md"), as: UTF8.self)
        let tokens = tokenizer.encode(text)
        var exact = Perplexity()
        try exact.add(tokens, model: ModelLoader.load(.open(path), .exact).model)
        var stored = Perplexity()
        try stored.add(tokens, model: ModelLoader.load(.open(path)).model)
        // A short text: the bound for long ones is half a per cent.
        #expect(abs(stored.perplexity / exact.perplexity - 1) < 0.03)
    }
}
