import FathomCheckpoints
import FathomGeneration
import FathomJSON
import FathomModels
import FathomTensors
import FathomTestSupport
import Testing

/// A whole model with an Engram memory: DeepSeek-V3's fixture with a module in two layers.
@Suite struct EngramDecodingTests {
    /// Writes the model and loads it.
    private func load() throws -> (model: any CausalModel, folder: TemporaryFolder) {
        let folder = try TemporaryFolder()
        let files = try FolderFiles(path: Fixtures.path("05-v3"))
        let object = try #require(try files.object(of: "config.json"))
        let engram = try JSONValue(
            parsing: """
                {"engram_vocab_size": [61, 83], "max_ngram_size": 3, "n_embed_per_ngram": 16,
                 "n_head_per_ngram": 2, "layer_ids": [0, 2], "pad_id": 2, "seed": 7,
                 "kernel_size": 4}
                """)
        let pairs = object.map { ($0.key, $0.value) } + [("engram", engram)]
        let whole = JSONObject(pairs)
        try folder.write(Array(JSONValue.object(whole).serialized().utf8), to: "config.json")
        let configuration = try #require(
            try EngramConfiguration(ofModel: whole, branchCount: 1))
        // Three tokens to a canonical id.
        let tables = try EngramTables(
            generatedFor: configuration, canonicalIDs: (0..<320).map { Int32($0 / 3) })
        let weights = try Fixtures.tensors("05-v3/model.safetensors")
        var tensors = try weights.names.map { ($0, try weights.tensor($0)) }
        tensors += tables.tensors(root: "model").map { ($0.name, $0.tensor) }
        var generator = SeededGenerator(seed: 1)
        func random(_ name: String, _ shape: Shape) {
            let values = (0..<shape.elementCount).map { _ in
                Float.random(in: -0.5...0.5, using: &generator)
            }
            tensors.append((name, Tensor(values, shape: shape)))
        }
        for layer in [0, 2] {
            let place = "model.layers.\(layer).engram"
            let rows = tables.hashes[layer].map { $0.primes.joined().reduce(0, +) } ?? 0
            random("\(place).multi_head_embedding.embedding.weight", [rows, 8])
            for projection in ["value_proj", "key_projs.0"] {
                random("\(place).\(projection).weight", [64, 32])
                random("\(place).\(projection).bias", [64])
            }
            for norm in ["norm1.0", "norm2.0", "short_conv.norms.0"] {
                random("\(place).\(norm).weight", [64])
            }
            random("\(place).short_conv.conv.weight", [64, 1, 4])
        }
        try SafetensorsWriter.write(tensors, to: folder("model.safetensors"))
        return (try ModelLoader.load(.open(folder.path), .exact).model, folder)
    }

    private let prompt: [Int32] = (0..<50).map { Int32($0 * $0 % 300) }

    @Test("chunks of any size and decoding through the cache give the bits of one pass")
    func streams() throws {
        let (model, folder) = try load()
        let whole = try SequenceEvaluation(model, [prompt], steps: 20)
        for chunk in [1, 2, 7, 49] {
            let pieces = try SequenceEvaluation(model, [prompt], chunk: chunk, steps: 20)
            #expect(pieces.logits[0].floatArray() == whole.logits[0].floatArray())
            #expect(pieces.greedyIDs[0] == whole.greedyIDs[0])
        }
        let all = prompt + whole.greedyIDs[0]
        let once = try SequenceEvaluation(model, [all]).logits[0]
        for (step, logits) in whole.stepLogits[0].enumerated() {
            let row = prompt.count - 1 + step
            #expect(once[rows: row..<(row + 1)].floatArray() == logits)
        }
        withExtendedLifetime(folder) {}
    }

    @Test("neighbours of a batch do not read each other's n-grams")
    func neighbours() throws {
        let (model, folder) = try load()
        let other = Array(prompt.reversed())
        let together = try SequenceEvaluation(model, [prompt, other], chunk: 9, steps: 5)
        for (index, tokens) in [prompt, other].enumerated() {
            let alone = try SequenceEvaluation(model, [tokens], steps: 5)
            #expect(together.logits[index].floatArray() == alone.logits[0].floatArray())
            #expect(together.greedyIDs[index] == alone.greedyIDs[0])
        }
        withExtendedLifetime(folder) {}
    }

    @Test("refused guesses leave no trace in the memory")
    func speculates() throws {
        let (model, folder) = try load()
        func decoder() throws -> SequenceDecoder {
            let cache = PagedCache(PageStore(model.cacheLayout, maximumBytes: 1 << 30))
            let decoder = SequenceDecoder(model, cache: cache)
            _ = try decoder.prefill(prompt)
            return decoder
        }
        let (plain, guessing) = (try decoder(), try decoder())
        for token in [5, 17, 250, 9, 9, 31] as [Int32] {
            let expected = try plain.step([token]).floatArray()
            let logits = try guessing.step([token, 77, 12, 140])
            #expect(logits[rows: 0..<1].floatArray() == expected)
            guessing.truncate(to: guessing.cache.count - 3)
            #expect(guessing.cache.count == plain.cache.count)
        }
        withExtendedLifetime(folder) {}
    }

    @Test("a cache goes back within its last pass, and to the start from anywhere else")
    func goesBack() throws {
        let (model, folder) = try load()
        let cache = PagedCache(PageStore(model.cacheLayout, maximumBytes: 1 << 30))
        let decoder = SequenceDecoder(model, cache: cache, chunkSize: 10)
        let whole = try decoder.prefill(prompt)
        cache.truncate(to: 45)
        #expect(cache.count == 45)
        #expect(try decoder.prefill(prompt) == whole)
        cache.truncate(to: 20)
        #expect(cache.count == 0)
        #expect(try decoder.prefill(prompt) == whole)
        withExtendedLifetime(folder) {}
    }
}
