import FathomCheckpoints
import FathomGeneration
import FathomModels
import FathomTensors
import FathomTestSupport
import Testing

/// One set of weights gives one result: threads, neighbours in the batch and chunks change no bit.
///
/// Serialised because the number of threads belongs to the process.
@Suite(.serialized) struct SameBytesTests {
    static let models = [
        "15-gguf-llama-mixed/model.gguf", "15-gguf-llama-q8_0/model.gguf", "01-llama-mha",
        "01-llama-bf16-weights", "01-llama-f16-weights", "02-qwen2-tied",
        "03-deepseek-moe-gqa-norm", "04-v2-group-qlora", "06-v3-fp8", "07-v32",
        "15-gguf-deepseek2-v2lite/model.gguf", "15-gguf-deepseek2-v3/model.gguf",
    ]

    private func load(_ name: String) throws -> any CausalModel {
        try ModelLoader.load(.open(Fixtures.path(name))).model
    }

    private func tokens(_ count: Int, _ vocabularySize: Int, seed: UInt64) -> [Int32] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            Int32.random(in: 0..<Int32(vocabularySize), using: &generator)
        }
    }

    @Test("chunks of any size", arguments: models)
    func chunks(name: String) throws {
        let model = try load(name)
        let prompt = tokens(130, model.vocabularySize, seed: 1)
        let whole = try SequenceEvaluation(model, [prompt]).logits[0].floatArray()
        for chunk in [1, 7, 64, 129, 512] {
            let pieces = try SequenceEvaluation(model, [prompt], chunk: chunk)
            #expect(pieces.logits[0].floatArray() == whole, "chunk \(chunk)")
        }
    }

    @Test("alone or among eight", arguments: models)
    func neighbours(name: String) throws {
        let model = try load(name)
        let prompts = (0..<8).map { tokens(3 + 11 * $0, model.vocabularySize, seed: UInt64($0)) }
        let together = try SequenceEvaluation(model, prompts, steps: 4)
        for (index, prompt) in prompts.enumerated() {
            let alone = try SequenceEvaluation(model, [prompt], steps: 4)
            #expect(alone.logits[0].floatArray() == together.logits[index].floatArray())
            #expect(alone.greedyIDs[0] == together.greedyIDs[index])
            #expect(alone.stepLogits[0] == together.stepLogits[index])
        }
    }

    @Test("one thread, two or five", arguments: models)
    func threads(name: String) throws {
        let model = try load(name)
        let prompt = tokens(100, model.vocabularySize, seed: 3)
        defer { ThreadPool.configure(threads: ThreadPool.coreCount) }
        var results: [[Float]] = []
        for count in [1, 2, 5] {
            ThreadPool.configure(threads: count)
            let evaluation = try SequenceEvaluation(model, [prompt], steps: 3)
            results.append(evaluation.logits[0].floatArray() + evaluation.stepLogits[0][2])
        }
        #expect(results[1] == results[0])
        #expect(results[2] == results[0])
    }
}
