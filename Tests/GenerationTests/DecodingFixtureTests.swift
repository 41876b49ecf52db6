import FathomCheckpoints
import FathomGeneration
import FathomModels
import FathomTensors
import FathomTestSupport
import Testing

/// Decoding through the cache against Hugging Face transformers.
@Suite struct DecodingFixtureTests {
    @Test(
        "greedy tokens through the cache are the reference's",
        arguments: [
            "01-llama-mha", "01-llama-gqa-sharded", "02-qwen2-tied", "04-v2-group-qlora", "05-v3",
            "07-v32",
        ])
    func decodesGreedily(name: String) throws {
        let model = try ModelLoader.load(.open(Fixtures.path(name)), .exact).model
        let expected = try Fixtures.tensors("\(name)/decode.safetensors")
        let prompt = try expected.tensor("prompt_ids").int64Array().map { Int32($0) }
        let greedy = try expected.tensor("greedy_ids").int64Array().map { Int32($0) }
        let logits = try expected.tensor("step_logits").floatArray()
        for chunk in [nil, 3] {
            let found = try SequenceEvaluation(model, [prompt], chunk: chunk, steps: greedy.count)
            #expect(found.greedyIDs[0] == greedy)
            let steps = found.stepLogits[0].flatMap { $0 }
            try #require(steps.count == logits.count)
            let worst = zip(steps, logits).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
            // The tightest bound that the READMEs of these cases state.
            #expect(worst <= 6.9e-4)
        }
    }

    @Test(
        "GGUF files decode to the reference's tokens",
        arguments: [
            "15-gguf-llama-mixed", "15-gguf-llama-q8_0", "15-gguf-deepseek2-v2lite",
            "15-gguf-deepseek2-v3",
        ])
    func decodesGGUF(name: String) throws {
        let model = try ModelLoader.load(.open(Fixtures.path("\(name)/model.gguf")), .exact).model
        let expected = try Fixtures.tensors("\(name)/cases.safetensors")
        let prompt = try expected.tensor("prompt_ids").int64Array().map { Int32($0) }
        let greedy = try expected.tensor("greedy_ids").int64Array().map { Int32($0) }
        let found = try SequenceEvaluation(model, [prompt], steps: greedy.count)
        #expect(found.greedyIDs[0] == greedy)
    }

    @Test(
        "sequences of a batch give what each gives alone in the reference",
        arguments: ["01-llama-mha", "05-v3"])
    func batches(name: String) throws {
        let model = try ModelLoader.load(.open(Fixtures.path(name)), .exact).model
        let expected = try Fixtures.tensors("\(name)/batch.safetensors")
        let sequences = try (0..<2).map { index in
            try expected.tensor("seq\(index)_ids").int64Array().map { Int32($0) }
        }
        let found = try SequenceEvaluation(model, sequences, steps: 8)
        for index in 0..<2 {
            let reference = try expected.tensor("seq\(index)_logits").floatArray()
            let logits = found.logits[index].floatArray()
            try #require(logits.count == reference.count)
            #expect(zip(logits, reference).allSatisfy { abs($0 - $1) <= 6.9e-4 })
        }
        let greedy = try expected.tensor("left.greedy_ids").int64Array().map { Int32($0) }
        #expect(found.greedyIDs.flatMap { $0 } == greedy)
    }
}
