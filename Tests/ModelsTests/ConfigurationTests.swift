import FathomCheckpoints
import FathomJSON
import FathomModels
import FathomTensors
import FathomTestSupport
import Testing

@Suite struct ConfigurationTests {
    private static let sound = """
        {"model_type": "llama", "vocab_size": 32, "hidden_size": 8, "intermediate_size": 16,
         "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
         "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "hidden_act": "silu"}
        """

    private func decode(changing key: String? = nil, to value: JSONValue? = nil) throws
        -> LlamaConfiguration
    {
        var object = try #require(try JSONValue(parsing: Self.sound).objectValue)
        if let key { object[key] = value }
        return try LlamaConfiguration(object)
    }

    @Test("reads what it says and fills in the published defaults")
    func readsFields() throws {
        let configuration = try decode()
        #expect(configuration.headDimension == 4)
        #expect(configuration.ropeTheta == 10_000)
        #expect(configuration.ropeScaling == .none)
        #expect(!configuration.tiesWordEmbeddings)
        #expect(!configuration.hasQueryKeyValueBias)
        #expect(try decode(changing: "num_key_value_heads").keyValueHeadCount == 2)
        #expect(try decode(changing: "model_type", to: "qwen2").hasQueryKeyValueBias)
    }

    @Test(
        "refuses an impossible or unsupported field by its name",
        arguments: [
            ("num_hidden_layers", 1_000_000_000), ("num_hidden_layers", 0),
            ("num_attention_heads", 0), ("num_attention_heads", 3), ("num_key_value_heads", 4),
            ("hidden_size", -8), ("hidden_size", "eight"), ("hidden_size", nil),
            ("vocab_size", 1.5), ("head_dim", 3), ("rms_norm_eps", 0), ("rope_theta", -1),
            ("hidden_act", "gelu"), ("model_type", "mamba"), ("use_sliding_window", true),
            ("tie_word_embeddings", "yes"),
        ] as [(String, JSONValue?)])
    func refusesField(key: String, value: JSONValue?) throws {
        let error = try #require(throws: ConfigurationError.self) {
            try decode(changing: key, to: value)
        }
        #expect(error.field == key)
        #expect("\(error)".contains("config.json: '\(key)' is"))
    }

    @Test("refuses a rotary scaling it does not know, and one without its factor")
    func refusesScaling() throws {
        let unknown = try #require(throws: ConfigurationError.self) {
            try decode(changing: "rope_scaling", to: ["type": "longrope", "factor": 2])
        }
        #expect(unknown.field == "rope_scaling.rope_type")
        let missing = try #require(throws: ConfigurationError.self) {
            try decode(changing: "rope_scaling", to: ["type": "linear"])
        }
        #expect(missing.field == "rope_scaling.factor")
    }

    @Test("lists every weight that is missing, misshapen or left over, in one error")
    func listsWeightProblems() throws {
        let folder = try TemporaryFolder()
        try folder.write(Array(Self.sound.utf8), to: "config.json")
        try SafetensorsWriter.write(
            [
                ("model.embed_tokens.weight", Tensor.zeros([32, 9])),
                ("model.norm.weight", Tensor.zeros([8])),
                ("model.layers.0.surprise", Tensor.zeros([1])),
                ("model.layers.0.input_layernorm.weight", Tensor.zeros([2])),
            ], to: folder("model.safetensors"))
        let error = try #require(throws: ParameterError.self) {
            try ModelLoader.load(.open(folder.path))
        }
        #expect(
            error.problems.contains(
                .shape("model.embed_tokens.weight", found: [32, 9], expected: [32, 8])))
        #expect(error.problems.contains(.missing("lm_head.weight")))
        #expect(error.problems.contains(.missing("model.layers.1.mlp.down_proj.weight")))
        #expect(error.problems.contains(.surplus("model.layers.0.surprise")))
        #expect(error.problems.count == 21)
    }

    @Test(
        "refuses weights of a type that cannot be computed with, by their names",
        // F8_E4M3 needs the scales of its blocks: `DeepSeekRefusalTests`.
        arguments: DType.allCases.filter { $0.safetensorsName != nil && $0 != .f8e4m3 })
    func refusesTypes(type: DType) throws {
        let folder = try TemporaryFolder()
        try folder.write(Fixtures.bytes("01-llama-mha/config.json"), to: "config.json")
        let source = try Fixtures.tensors("01-llama-mha/model.safetensors")
        let tensors = try source.names.map { name in
            let tensor = try source.tensor(name)
            return (name, Tensor.zeros(tensor.shape, dtype: type))
        }
        try SafetensorsWriter.write(tensors, to: folder("model.safetensors"))
        if [.f64, .f32, .f16, .bf16].contains(type) {
            _ = try ModelLoader.load(.open(folder.path))
            return
        }
        let error = try #require(throws: ParameterError.self) {
            try ModelLoader.load(.open(folder.path))
        }
        #expect(
            error.problems.contains(.type("model.norm.weight", found: type.name)))
        #expect(error.problems.count == source.names.count)
    }

    @Test("refuses an architecture it does not have, naming those it has")
    func refusesArchitecture() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            Array(#"{"model_type": "gpt_neox"}"#.utf8), to: "config.json")
        try SafetensorsWriter.write(
            [("x", Tensor.zeros([1]))], to: folder("model.safetensors"))
        let error = try #require(throws: ConfigurationError.self) {
            try ModelLoader.load(.open(folder.path))
        }
        #expect("\(error)".contains("'gpt_neox'"))
        #expect("\(error)".contains("'llama'"))
    }
}
