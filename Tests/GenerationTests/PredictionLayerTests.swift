import FathomCheckpoints
import FathomGeneration
import FathomJSON
import FathomModels
import FathomTensors
import FathomTestSupport
import Testing

/// Guessing with the model's own prediction layer.
@Suite struct PredictionLayerTests {
    private struct Output {
        var tokens: [Int32]
        var proposed: Int
        var accepted: Int
    }

    /// Tokens after a prompt, with and without guesses.
    private func generate(
        _ model: any CausalModel, _ prompt: [Int32], count: Int, _ sampling: SamplingParameters,
        speculates: Bool, cache: PagedCache? = nil
    ) throws -> Output {
        let cache = cache ?? PagedCache(PageStore(model.cacheLayout, maximumBytes: 1 << 30))
        let decoder = SequenceDecoder(model, cache: cache, chunkSize: 5, predicts: speculates)
        var generator = TokenGenerator(
            decoder, prompt: prompt, sampler: Sampler(sampling), alternatives: nil,
            speculates: speculates, lengthLimit: 256)
        for _ in 0..<count { _ = try generator.next() }
        return Output(
            tokens: Array(generator.tokens.dropFirst(prompt.count).prefix(count)),
            proposed: generator.speculation.proposed, accepted: generator.speculation.accepted)
    }

    private func randomModel() throws -> any CausalModel {
        try ModelLoader.load(.open(Fixtures.path("11-grad-v3-mtp")), .exact).model
    }

    @Test("guesses change no token, greedy or drawn", arguments: [0, 0.7, 1.5] as [Float])
    func keepsOutput(temperature: Float) throws {
        let model = try randomModel()
        for seed in 0..<5 as Range<UInt64> {
            let sampling = SamplingParameters(temperature: temperature, seed: seed)
            let prompt: [Int32] = [3, 17, 40, 8, 8, 21, 60, Int32(seed)]
            let plain = try generate(model, prompt, count: 60, sampling, speculates: false)
            let guessed = try generate(model, prompt, count: 60, sampling, speculates: true)
            #expect(guessed.tokens == plain.tokens)
            #expect(plain.proposed == 0)
            #expect(guessed.proposed > 0)
        }
    }

    @Test("a layer that agrees with the model is always right and halves the passes")
    func agreeingLayer() throws {
        let model = AgreeingModel.make()
        let greedy = SamplingParameters(temperature: 0, seed: 0)
        let plain = try generate(model, [1, 2], count: 40, greedy, speculates: false)
        let guessed = try generate(model, [1, 2], count: 40, greedy, speculates: true)
        #expect(guessed.tokens == plain.tokens)
        #expect(guessed.proposed > 0)
        #expect(guessed.accepted == guessed.proposed)
    }

    @Test("a conversation goes on with the predictions of its earlier turns")
    func resumes() throws {
        let model = AgreeingModel.make()
        let greedy = SamplingParameters(temperature: 0, seed: 0)
        let cache = PagedCache(PageStore(model.cacheLayout, maximumBytes: 1 << 30))
        let prompt: [Int32] = [5, 9]
        let first = try generate(
            model, prompt, count: 3, greedy, speculates: true, cache: cache)
        let longer = prompt + first.tokens + [7]
        cache.truncate(to: min(cache.count, longer.count - 1))
        let second = try generate(
            model, longer, count: 30, greedy, speculates: true, cache: cache)
        let alone = try generate(model, longer, count: 30, greedy, speculates: false)
        #expect(second.tokens == alone.tokens)
        #expect(second.proposed > 0 && second.accepted == second.proposed)
    }

    @Test("drawn tokens have the model's probabilities where guesses are checked")
    func distribution() throws {
        let model = try randomModel()
        let prompt: [Int32] = [3, 17, 40, 8]
        // The second token is the first that a guess decides about; its probability is the sum
        // over first tokens.
        let first = try probabilities(model, prompt)
        var expected = [Double](repeating: 0, count: first.count)
        for (token, weight) in first.enumerated() {
            for (next, probability) in try probabilities(model, prompt + [Int32(token)])
                .enumerated()
            {
                expected[next] += weight * probability
            }
        }
        let draws = 4000
        var counts = [Double](repeating: 0, count: first.count)
        for seed in 0..<UInt64(draws) {
            let output = try generate(
                model, prompt, count: 3, SamplingParameters(temperature: 1, seed: seed),
                speculates: true)
            counts[Int(output.tokens[1])] += 1
        }
        let statistic = zip(counts, expected).reduce(0) {
            $0 + ($1.0 - $1.1 * Double(draws)) * ($1.0 - $1.1 * Double(draws))
                / ($1.1 * Double(draws))
        }
        // Mean 60, deviation 11 for 60 degrees of freedom.
        #expect(statistic < 60 + 4 * 11)
    }

    private func probabilities(_ model: any CausalModel, _ tokens: [Int32]) throws -> [Double] {
        let logits = try SequenceEvaluation(model, [tokens]).logits[0]
        let last = logits[rows: (tokens.count - 1)..<tokens.count].floatArray()
        return softmax(last).map(Double.init)
    }
}

/// A model without mixing: the next token follows from the last one alone, so the prediction layer
/// can be made to agree with it exactly.
private enum AgreeingModel {
    static func make() -> DeepSeekModel {
        let text = """
            {"model_type": "deepseek_v3", "vocab_size": 50, "hidden_size": 32,
             "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
             "kv_lora_rank": 16, "q_lora_rank": 8, "qk_nope_head_dim": 8, "qk_rope_head_dim": 4,
             "v_head_dim": 8, "n_routed_experts": 4, "num_experts_per_tok": 2, "n_group": 2,
             "topk_group": 1, "moe_intermediate_size": 8, "n_shared_experts": 1,
             "first_k_dense_replace": 1, "num_nextn_predict_layers": 1}
            """
        guard let object = try? JSONValue(parsing: text).objectValue,
            let configuration = try? DeepSeekConfiguration(object)
        else { preconditionFailure("the configuration is valid") }
        return DeepSeekModel(ParameterScope(Weights()), configuration, cacheType: .f32)
    }

    private struct Weights: ParameterProvider {
        func matrix(_ name: String, rows: Int, columns: Int) -> Matrix {
            if name.hasSuffix("o_proj.weight") || name.hasSuffix("down_proj.weight") {
                return Matrix(.zeros([rows, columns]))
            }
            if name.hasSuffix("eh_proj.weight") {
                // The embedding's half alone.
                let values = (0..<rows * columns).map {
                    $0 / columns == $0 % columns ? Float(1) : 0
                }
                return Matrix(Tensor(values, shape: [rows, columns]))
            }
            var generator = SeededGenerator(seed: UInt64(rows * 1000 + columns))
            return Matrix(
                Tensor(
                    (0..<rows * columns).map { _ in Float.random(in: -1...1, using: &generator) },
                    shape: [rows, columns]))
        }

        func vector(_ name: String, count: Int) -> Tensor {
            Tensor(
                [Float](repeating: name.hasSuffix("weight") ? 1 : 0, count: count), shape: [count])
        }

        func finish() throws {}
    }
}
