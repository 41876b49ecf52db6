import FathomCheckpoints
import FathomModels
import FathomTensors
import FathomTestSupport
import Testing

/// Llama-shaped models against Hugging Face transformers.
@Suite struct LlamaFixtureTests {
    /// A case and the largest difference of logits its README allows.
    static let cases: [(name: String, tolerance: Float)] = [
        ("01-llama-mha", 6.9e-4), ("01-llama-bf16-weights", 6.5e-4),
        ("01-llama-f16-weights", 7.1e-4), ("01-llama-gqa-sharded", 8.4e-4),
        ("01-llama-linear-rope", 7.6e-4), ("01-llama3-rope-tied", 1.8e-3),
        ("02-qwen2-tied", 1.7e-3),
    ]

    /// Puts the configuration of a case beside the weights of another, which it shares.
    private func folder(_ name: String, weightsOf other: String) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write(Fixtures.bytes("\(name)/config.json"), to: "config.json")
        try folder.write(Fixtures.bytes("\(other)/model.safetensors"), to: "model.safetensors")
        return folder
    }

    @Test("logits and hidden states agree with the reference", arguments: cases)
    func agreesWithReference(name: String, tolerance: Float) throws {
        let shared =
            name == "01-llama-linear-rope" ? try folder(name, weightsOf: "01-llama-mha") : nil
        defer { withExtendedLifetime(shared) {} }
        let loaded = try ModelLoader.load(.open(shared?.path ?? Fixtures.path(name)), .exact)
        let expected = try Fixtures.tensors("\(name)/cases.safetensors")
        let ids = try expected.tensor("input_ids")
        let tokens = ids.int64Array().map { Int32($0) }
        let length = ids.shape[1]
        var batch = Batch()
        for row in 0..<ids.shape[0] {
            batch.append(tokens[(row * length)..<((row + 1) * length)], cache: nil)
        }
        var seen: [String: Tensor] = [:]
        let hidden = loaded.model.hiddenStates(batch) { seen[$0] = $1 }
        let logits = loaded.model.logits(hidden)
        #expect(try largestDifference(logits, expected.tensor("logits")) <= tolerance)
        for name in expected.names where name.hasPrefix("hidden.") {
            let reference = try expected.tensor(name)
            let largest = reference.floatArray().map(abs).max() ?? 0
            let found = try #require(seen[name], "\(name) was not observed")
            #expect(
                try largestDifference(found, reference) <= max(tolerance, 1e-4 * largest), "\(name)"
            )
        }
    }

    @Test(
        "GGUF files give the reference's logits",
        arguments: [("15-gguf-llama-mixed", Float(1.1e-3)), ("15-gguf-llama-q8_0", 2.6e-3)])
    func readsGGUF(name: String, tolerance: Float) throws {
        let loaded = try ModelLoader.load(.open(Fixtures.path("\(name)/model.gguf")), .exact)
        let expected = try Fixtures.tensors("\(name)/cases.safetensors")
        let tokens = try expected.tensor("input_ids").int64Array().map { Int32($0) }
        let logits = loaded.model.logits(
            loaded.model.hiddenStates(Batch(tokens), observe: nil))
        #expect(try largestDifference(logits, expected.tensor("logits")) <= tolerance)
    }

    @Test("both spellings of a configuration mean the same")
    func readsBothSpellings() throws {
        for name in ["01-llama-linear-rope", "01-llama3-rope-tied", "02-qwen2-tied"] {
            let files = try FolderFiles(path: Fixtures.path(name))
            let old = try #require(try files.object(of: "config.json"))
            let new = try #require(try files.object(of: "config.v5.json"))
            #expect(try LlamaConfiguration(old) == LlamaConfiguration(new), "\(name)")
        }
    }

    @Test(
        "gradients of every parameter agree with PyTorch",
        arguments: ["11-grad-llama", "11-grad-qwen2"])
    func gradientsAgree(name: String) throws {
        var options = ModelOptions.exact
        options.recordsGradients = true
        let loaded = try ModelLoader.load(.open(Fixtures.path(name)), options)
        let expected = try Fixtures.tensors("\(name)/cases.safetensors")
        let ids = try expected.tensor("input_ids")
        let (tokens, labels) = (
            ids.int64Array().map { Int32($0) },
            try expected.tensor("labels").int64Array().map { Int32($0) }
        )
        let length = ids.shape[1]
        var batch = Batch()
        var targets: [Int32] = []
        for row in 0..<ids.shape[0] {
            let range = (row * length)..<((row + 1) * length)
            batch.append(tokens[range], cache: nil)
            targets += labels[range].dropFirst() + [-100]
        }
        let logits = loaded.model.logits(loaded.model.hiddenStates(batch, observe: nil))
        let loss = crossEntropy(logits, labels: targets)
        let reference = try expected.tensor("loss").floatArray()[0]
        #expect(abs(loss.floatArray()[0] - reference) <= 1e-5 * abs(reference))
        let gradients = Gradients(of: loss)
        #expect(!loaded.parameters.loaded.isEmpty)
        for parameter in loaded.parameters.loaded {
            let gradient = try #require(gradients[parameter.tensor], "\(parameter.name)")
            let wanted = try expected.tensor("grad.\(parameter.name)")
            let largest = wanted.floatArray().map(abs).max() ?? 0
            #expect(
                try largestDifference(gradient, wanted) <= 1e-4 * largest + 1e-6,
                "\(parameter.name)")
        }
    }

}
