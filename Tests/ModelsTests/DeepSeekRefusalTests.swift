import FathomCheckpoints
import FathomJSON
import FathomModels
import FathomTensors
import FathomTestSupport
import Testing

/// Configurations and weights of DeepSeek's models that do not fit are refused by name.
@Suite struct DeepSeekRefusalTests {
    private func configuration(_ name: String = "07-v32") throws -> JSONObject {
        let files = try FolderFiles(path: Fixtures.path(name))
        return try #require(try files.object(of: "config.json"))
    }

    @Test(
        "an impossible field is named",
        arguments: [
            ("n_routed_experts", 0), ("n_routed_experts", 7), ("num_experts_per_tok", 0),
            ("num_experts_per_tok", 5), ("n_group", 0), ("n_group", 3), ("topk_group", 0),
            ("topk_group", 5), ("topk_method", "random"), ("scoring_func", "tanh"),
            ("kv_lora_rank", 0), ("kv_lora_rank", nil), ("q_lora_rank", 0),
            ("qk_rope_head_dim", 15), ("qk_rope_head_dim", 0), ("qk_nope_head_dim", 0),
            ("v_head_dim", -1), ("num_attention_heads", 0), ("moe_intermediate_size", 0),
            ("n_shared_experts", -1), ("first_k_dense_replace", 4), ("moe_layer_freq", 0),
            ("routed_scaling_factor", 0), ("num_nextn_predict_layers", -1), ("index_topk", 0),
            ("index_n_heads", 0), ("index_head_dim", nil), ("index_head_dim", 8),
            ("num_hidden_layers", 1_000_000_000), ("vocab_size", "many"),
        ] as [(String, JSONValue?)])
    func field(key: String, value: JSONValue?) throws {
        var object = try configuration()
        object[key] = value
        let error = try #require(throws: ConfigurationError.self) {
            try DeepSeekConfiguration(object)
        }
        // Seven experts cannot be split into four groups, and too many are asked of few groups.
        let blamed = ["n_routed_experts 7": "n_group"]["\(key) \(value?.description ?? "")"] ?? key
        #expect(error.field == blamed)
    }

    @Test("an indexer needs compressed queries")
    func indexerWithoutQueryRank() throws {
        var object = try configuration()
        object["q_lora_rank"] = .null
        let error = try #require(throws: ConfigurationError.self) {
            try DeepSeekConfiguration(object)
        }
        #expect(error.field == "q_lora_rank")
        #expect(error.expected.contains("indexer"))
    }

    @Test("heads that do not divide are refused in grouped attention")
    func groupedHeads() throws {
        var object = try configuration("03-deepseek-moe-gqa-norm")
        object["num_key_value_heads"] = 3
        let error = try #require(throws: ConfigurationError.self) {
            try DeepSeekConfiguration(object)
        }
        #expect(error.field == "num_key_value_heads")
    }

    /// The problems of a fixture's model after its tensors were changed.
    private func problems(
        _ name: String, _ change: (inout [(String, Tensor)]) throws -> Void
    ) throws -> [String] {
        let folder = try TemporaryFolder()
        let source = try Fixtures.tensors("\(name)/model.safetensors")
        var tensors = try source.names.map { ($0, try source.tensor($0)) }
        try change(&tensors)
        try SafetensorsWriter.write(tensors, to: folder("model.safetensors"))
        let bytes = try Fixtures.bytes("\(name)/config.json")
        try folder.write(bytes, to: "config.json")
        let error = try #require(throws: ParameterError.self) {
            try ModelLoader.load(.open(folder.path))
        }
        return error.problems.map(\.description)
    }

    @Test("missing and surplus experts are listed together")
    func experts() throws {
        let lost = "model.layers.1.mlp.experts.3.up_proj.weight"
        let surplus = "model.layers.1.mlp.experts.8.up_proj.weight"
        let found = try problems("05-v3") { tensors in
            tensors.removeAll { $0.0 == lost }
            tensors.append((surplus, .zeros([32, 64])))
        }
        #expect(found.count == 2)
        #expect(found[0].contains("'\(lost)' is missing"))
        #expect(found[1].contains("'\(surplus)' is not part of the model"))
    }

    @Test("F8 weights need scales of their blocks' shape")
    func scales() throws {
        let name = "model.layers.0.self_attn.o_proj.weight_scale_inv"
        let found = try problems("06-v3-fp8") { tensors in
            let index = try #require(tensors.firstIndex { $0.0 == name })
            tensors[index].1 = .zeros([1, 1])
        }
        #expect(found.contains { $0.contains("'\(name)' has shape [1, 1]") })
        let without = try problems("06-v3-fp8") { tensors in
            tensors.removeAll { $0.0 == name }
        }
        #expect(without.contains { $0.contains("'\(name)' is missing") })
    }

    @Test("an expert's matrix of another shape is refused")
    func shape() throws {
        let name = "model.layers.1.mlp.experts.0.down_proj.weight"
        let found = try problems("05-v3") { tensors in
            let index = try #require(tensors.firstIndex { $0.0 == name })
            tensors[index].1 = .zeros([32, 64])
        }
        #expect(found == ["'\(name)' has shape [32, 64]; the configuration needs [64, 32]"])
    }

    @Test("weights that are no numbers give logits that are none, and no crash")
    func notANumber() throws {
        for lost in [
            "model.layers.1.mlp.gate.weight", "model.layers.0.self_attn.indexer.wk.weight",
        ] {
            let folder = try TemporaryFolder()
            let source = try Fixtures.tensors("07-v32/model.safetensors")
            let tensors = try source.names.map { name in
                let tensor = try source.tensor(name)
                guard name == lost else { return (name, tensor) }
                let values = [Float](repeating: .nan, count: tensor.elementCount)
                return (name, Tensor(values, shape: tensor.shape))
            }
            try SafetensorsWriter.write(tensors, to: folder("model.safetensors"))
            try folder.write(try Fixtures.bytes("07-v32/config.json"), to: "config.json")
            let model = try ModelLoader.load(.open(folder.path), .exact).model
            let logits = model.logits(
                model.hiddenStates(Batch((0..<20).map { Int32($0) }), observe: nil))
            #expect(logits.nonFiniteCount > 0 || lost.contains("indexer"))
        }
    }
}
