import FathomCheckpoints
import FathomJSON
import FathomModels
import FathomTensors
import FathomTestSupport
import Testing

/// BERT's encoder against Hugging Face transformers.
@Suite struct BertTests {
    private static func model() throws -> BertModel {
        try BertModel.load(ModelFolder(path: Fixtures.path("20-bert-tiny")))
    }

    /// The stored sequences, one after the other, and their lengths.
    private static func sequences() throws -> (SafetensorsFile, [[Int32]]) {
        let cases = try Fixtures.tensors("20-bert-tiny/cases.safetensors")
        var tokens = try cases.tensor("input_ids").int64Array().map { Int32($0) }[...]
        let sequences = try cases.tensor("lengths").int64Array().map { length in
            defer { tokens = tokens.dropFirst(Int(length)) }
            return Array(tokens.prefix(Int(length)))
        }
        return (cases, sequences)
    }

    /// Two layers of sums of at most 40 numbers below 10, each rounded to 24 bits.
    @Test("hidden states of several sequences at once agree with the reference")
    func agreesWithReference() throws {
        let (cases, sequences) = try Self.sequences()
        var batch = Batch()
        for tokens in sequences { batch.append(tokens, cache: nil) }
        var seen: [String: Tensor] = [:]
        let hidden = try Self.model().hiddenStates(batch) { seen[$0] = $1 }
        #expect(try largestDifference(hidden, cases.tensor("hidden.layer.1")) < 1e-5)
        for name in ["hidden.embed", "hidden.layer.0"] {
            let found = try #require(seen[name])
            #expect(try largestDifference(found, cases.tensor(name)) < 1e-5, "\(name)")
        }
    }

    @Test("a sequence has the same bits alone and among others")
    func independentOfOthers() throws {
        let (_, sequences) = try Self.sequences()
        let model = try Self.model()
        var batch = Batch()
        for tokens in sequences + sequences.reversed() { batch.append(tokens, cache: nil) }
        let together = model.hiddenStates(batch)
        for (index, tokens) in sequences.enumerated() {
            let alone = model.hiddenStates(Batch(tokens)).floatArray()
            for place in [index, 2 * sequences.count - 1 - index] {
                let range = batch.sequences[place].range
                #expect(together[rows: range].floatArray() == alone)
            }
        }
    }

    @Test("every token sees those behind it")
    func seesBothSides() throws {
        let model = try Self.model()
        let one = model.hiddenStates(Batch([2, 10, 11, 3]))[rows: 0..<1].floatArray()
        let other = model.hiddenStates(Batch([2, 10, 12, 3]))[rows: 0..<1].floatArray()
        #expect(one != other)
    }

    @Test("what a configuration lacks or asks beyond BERT's encoder is named")
    func refusesConfigurations() throws {
        let good = try #require(
            try FolderFiles(path: Fixtures.path("20-bert-tiny")).object(of: "config.json"))
        #expect(try BertConfiguration(good).headDimension == 8)
        let changes: [(String, JSONValue)] = [
            ("hidden_act", "relu"), ("position_embedding_type", "relative_key"),
            ("is_decoder", true), ("num_attention_heads", 3), ("num_attention_heads", 0),
            ("hidden_size", .null), ("vocab_size", -1), ("layer_norm_eps", 0),
            ("model_type", "roberta"), ("max_position_embeddings", "64"),
        ]
        for (key, value) in changes {
            var object = good
            object[key] = value
            let error = #expect(throws: ConfigurationError.self) { try BertConfiguration(object) }
            #expect(error?.field == key)
        }
    }

    @Test("weights that do not fit the configuration are all named")
    func refusesOtherSizes() throws {
        let folder = try TemporaryFolder()
        for name in ["model.safetensors", "config.json"] {
            try folder.write(Fixtures.bytes("20-bert-tiny/\(name)"), to: name)
        }
        var object = try #require(try FolderFiles(path: folder.path).object(of: "config.json"))
        object["intermediate_size"] = 48
        object["num_hidden_layers"] = 1
        try folder.write(JSONValue.object(object).serializedBytes(), to: "config.json")
        let error = #expect(throws: ParameterError.self) {
            try BertModel.load(ModelFolder(path: folder.path))
        }
        let problems = error?.problems.map(\.description) ?? []
        #expect(
            problems.contains {
                $0.hasPrefix("'encoder.layer.0.intermediate.dense.weight' has shape [40, 16]")
            })
        #expect(problems.contains("'encoder.layer.1.output.dense.bias' is not part of the model"))
    }
}
