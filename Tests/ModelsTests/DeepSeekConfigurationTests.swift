import FathomJSON
import FathomModels
import Testing

@Suite("A DeepSeek configuration")
struct DeepSeekConfigurationTests {
    private static let sound = """
        {"model_type": "deepseek_v32", "vocab_size": 32, "hidden_size": 8,
         "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
         "q_lora_rank": 4, "kv_lora_rank": 4, "qk_nope_head_dim": 4, "qk_rope_head_dim": 2,
         "v_head_dim": 4, "n_routed_experts": 8, "num_experts_per_tok": 2, "n_group": 4,
         "topk_group": 2, "n_shared_experts": 1, "moe_intermediate_size": 4,
         "first_k_dense_replace": 1, "index_n_heads": 2, "index_head_dim": 4, "index_topk": 8,
         "max_position_embeddings": 64, "rms_norm_eps": 1e-6, "hidden_act": "silu"}
        """

    private func decode(changing key: String? = nil, to value: JSONValue? = nil) throws
        -> DeepSeekConfiguration
    {
        var object = try #require(try JSONValue(parsing: Self.sound).objectValue)
        if let key { object[key] = value }
        return try DeepSeekConfiguration(object)
    }

    @Test("of a sound file is read")
    func reads() throws {
        let configuration = try decode()
        #expect(configuration.layerCount == 2)
        #expect(configuration.indexer?.keptKeys == 8)
        #expect(try decode(changing: "model_type", to: "deepseek_v3").indexer == nil)
    }

    @Test(
        "with an impossible or unsupported field is refused by its name",
        arguments: [
            ("num_hidden_layers", 1_000_000_000), ("num_hidden_layers", 0),
            ("num_attention_heads", 0), ("num_attention_heads", -1), ("vocab_size", nil),
            ("kv_lora_rank", 0), ("kv_lora_rank", nil), ("q_lora_rank", nil),
            ("qk_rope_head_dim", 3), ("qk_rope_head_dim", 0),
            ("qk_nope_head_dim", .integer(1 << 40)),
            ("n_routed_experts", 0), ("n_routed_experts", .integer(1 << 40)),
            // More experts a token than there are, and more than the kept groups have.
            ("num_experts_per_tok", 9), ("num_experts_per_tok", 5), ("num_experts_per_tok", 0),
            ("n_group", 3), ("n_group", 0), ("topk_group", 5), ("topk_group", 0),
            ("first_k_dense_replace", 3), ("moe_layer_freq", 0), ("n_shared_experts", -1),
            ("index_head_dim", 0), ("index_topk", 0), ("num_nextn_predict_layers", 1_000),
            ("topk_method", "magic"), ("scoring_func", "magic"), ("model_type", "deepseek_v9"),
            ("rms_norm_eps", 0), ("routed_scaling_factor", -1), ("hidden_act", "gelu"),
        ] as [(String, JSONValue?)])
    func refusesField(key: String, value: JSONValue?) throws {
        let error = try #require(throws: ConfigurationError.self) {
            try decode(changing: key, to: value)
        }
        #expect(error.field == key)
        #expect("\(error)".hasPrefix("config.json: '\(key)' is "))
    }
}
