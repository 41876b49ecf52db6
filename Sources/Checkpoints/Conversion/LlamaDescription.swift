import FathomJSON

/// What the two layouts say of a Llama or Qwen2 model, apart from tensors and tokenizer.
///
/// Read from `config.json` or from GGUF metadata, and written as either.
struct LlamaDescription {
    enum Scaling {
        case none
        case linear(factor: Double)
        case yarn(factor: Double, originalContextLength: Int, betaFast: Double?, betaSlow: Double?)
        case llama3(
            factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double,
            originalContextLength: Int)
    }

    var architecture: String
    var layerCount: Int
    var contextLength: Int
    var hiddenSize: Int
    var intermediateSize: Int
    var headCount: Int
    var keyValueHeadCount: Int
    var headDimension: Int
    var normEpsilon: Double
    var ropeTheta: Double
    var scaling: Scaling
    var vocabularySize: Int
    var tiesWordEmbeddings: Bool
    var beginOfSequence: Int?
    var endOfSequence: Int?

    /// Far above any vocabulary in use; what a file claims must not size an allocation.
    private static let largestVocabulary = 1 << 24
    private static let largestLayerCount = 10_000

    /// Whether query and key rows are permuted in GGUF files.
    var movesRotaryRows: Bool { architecture == "llama" }
}

// MARK: - Hugging Face

extension LlamaDescription {
    init(_ folder: ModelFolder) throws {
        let reader = FieldReader(folder.configuration, path: folder.path + "/config.json")
        architecture = try reader.string("model_type")
        guard architecture == "llama" || architecture == "qwen2" else {
            throw ConversionError.architecture(path: folder.path, found: architecture)
        }
        layerCount = try reader.int("num_hidden_layers", in: 1...Self.largestLayerCount)
        contextLength = try reader.int("max_position_embeddings")
        hiddenSize = try reader.int("hidden_size")
        intermediateSize = try reader.int("intermediate_size")
        headCount = try reader.int("num_attention_heads", in: 1...65_536)
        keyValueHeadCount =
            try reader.optionalInt("num_key_value_heads", in: 1...65_536) ?? headCount
        headDimension = try reader.optionalInt("head_dim", in: 1...65_536) ?? hiddenSize / headCount
        normEpsilon = try reader.optionalDouble("rms_norm_eps") ?? 1e-6
        let scalingReader =
            try reader.optionalObject("rope_parameters") ?? reader.optionalObject("rope_scaling")
        ropeTheta =
            try scalingReader?.optionalDouble("rope_theta")
            ?? reader.optionalDouble("rope_theta") ?? 10_000
        scaling = .none
        vocabularySize = try reader.int("vocab_size", in: 1...Self.largestVocabulary)
        // The defaults of transformers: LlamaConfig and Qwen2Config.
        tiesWordEmbeddings = try reader.optionalBool("tie_word_embeddings") ?? false
        beginOfSequence = folder.configuration["bos_token_id"]?.intValue
        endOfSequence = folder.configuration["eos_token_id"]?.intValue
        if let scalingReader {
            scaling = try Scaling(scalingReader, contextLength: contextLength)
        }
        if try reader.optionalBool("use_sliding_window") == true {
            throw ConversionError.field(
                path: reader.path, name: "use_sliding_window", found: "true", expected: "false")
        }
    }

    /// The content of `config.json`.
    ///
    /// - Parameters:
    ///   - dtype: the name of the weights' type, as PyTorch writes it.
    ///   - hasAttentionBias: whether all four projections of attention have biases.
    func configuration(
        dtype: String, hasAttentionBias: Bool, hasFeedForwardBias: Bool
    ) -> JSONObject {
        var object: JSONObject = [
            "architectures": [
                .string(architecture == "llama" ? "LlamaForCausalLM" : "Qwen2ForCausalLM")
            ],
            "model_type": .string(architecture), "hidden_act": "silu",
            "hidden_size": .integer(hiddenSize), "intermediate_size": .integer(intermediateSize),
            "num_hidden_layers": .integer(layerCount), "num_attention_heads": .integer(headCount),
            "num_key_value_heads": .integer(keyValueHeadCount),
            "head_dim": .integer(headDimension), "max_position_embeddings": .integer(contextLength),
            "rms_norm_eps": .number(normEpsilon), "rope_theta": .number(ropeTheta),
            "rope_scaling": scaling.json, "vocab_size": .integer(vocabularySize),
            "tie_word_embeddings": .bool(tiesWordEmbeddings), "torch_dtype": .string(dtype),
        ]
        if architecture == "llama" {
            object["attention_bias"] = .bool(hasAttentionBias)
            object["mlp_bias"] = .bool(hasFeedForwardBias)
        }
        if let beginOfSequence { object["bos_token_id"] = .integer(beginOfSequence) }
        if let endOfSequence { object["eos_token_id"] = .integer(endOfSequence) }
        return object
    }
}

extension LlamaDescription.Scaling {
    fileprivate init(_ reader: FieldReader, contextLength: Int) throws {
        let kind = try reader.optionalString("rope_type") ?? reader.optionalString("type")
        switch kind ?? "default" {
        case "default": self = .none
        case "linear": self = .linear(factor: try reader.positive("factor"))
        case "yarn":
            self = .yarn(
                factor: try reader.positive("factor"),
                originalContextLength: try reader.optionalInt("original_max_position_embeddings")
                    ?? contextLength,
                betaFast: try reader.optionalDouble("beta_fast"),
                betaSlow: try reader.optionalDouble("beta_slow"))
            for name in ["attention_factor", "mscale", "mscale_all_dim"] {
                guard let value = try reader.optionalDouble(name) else { continue }
                throw ConversionError.field(
                    path: reader.path, name: name, found: "\(value)", expected: "nothing")
            }
        case "llama3":
            self = .llama3(
                factor: try reader.positive("factor"),
                lowFrequencyFactor: try reader.positive("low_freq_factor"),
                highFrequencyFactor: try reader.positive("high_freq_factor"),
                originalContextLength: try reader.int("original_max_position_embeddings"))
        case let other:
            throw ConversionError.field(
                path: reader.path, name: "rope_type", found: "'\(other)'",
                expected: "'default', 'linear', 'yarn' or 'llama3'")
        }
    }

    fileprivate var json: JSONValue {
        switch self {
        case .none: return .null
        case .linear(let factor): return ["rope_type": "linear", "factor": .number(factor)]
        case .yarn(let factor, let length, let fast, let slow):
            var object: JSONObject = [
                "rope_type": "yarn", "factor": .number(factor),
                "original_max_position_embeddings": .integer(length),
            ]
            if let fast { object["beta_fast"] = .number(fast) }
            if let slow { object["beta_slow"] = .number(slow) }
            return .object(object)
        case .llama3(let factor, let low, let high, let length):
            return [
                "rope_type": "llama3", "factor": .number(factor), "low_freq_factor": .number(low),
                "high_freq_factor": .number(high),
                "original_max_position_embeddings": .integer(length),
            ]
        }
    }
}

// MARK: - GGUF

extension LlamaDescription {
    init(_ file: GGUFFile) throws {
        let metadata = file.metadata
        let architecture = try metadata.string("general.architecture")
        guard architecture == "llama" || architecture == "qwen2" else {
            throw ConversionError.architecture(path: file.path, found: architecture)
        }
        self.architecture = architecture
        func checked(_ value: Int, _ name: String, to limit: Int = 1 << 31) throws -> Int {
            guard value >= 1, value <= limit else {
                throw ConversionError.field(
                    path: file.path, name: name, found: "\(value)",
                    expected: "a number from 1 to \(limit)")
            }
            return value
        }
        func int(_ name: String, default fallback: Int? = nil, to limit: Int = 1 << 31) throws
            -> Int
        {
            let key = "\(architecture).\(name)"
            if let fallback, metadata[key] == nil { return try checked(fallback, key, to: limit) }
            return try checked(metadata.int(key), key, to: limit)
        }
        func optional(_ name: String) throws -> Double? {
            try metadata.optionalFloat("\(architecture).\(name)").map(Self.shortest)
        }
        layerCount = try int("block_count", to: Self.largestLayerCount)
        contextLength = try int("context_length")
        hiddenSize = try int("embedding_length")
        intermediateSize = try int("feed_forward_length")
        headCount = try int("attention.head_count", to: 65_536)
        keyValueHeadCount = try int(
            "attention.head_count_kv", default: headCount, to: 65_536)
        headDimension = try int(
            "attention.key_length", default: hiddenSize / headCount, to: 65_536)
        normEpsilon = Self.shortest(
            try metadata.float("\(architecture).attention.layer_norm_rms_epsilon"))
        ropeTheta = try optional("rope.freq_base") ?? 10_000
        guard let embedding = file.info("token_embd.weight"), embedding.shape.count == 2 else {
            throw ConversionError.missingTensor(path: file.path, name: "token_embd.weight")
        }
        vocabularySize = try checked(
            embedding.shape[0], "token_embd.weight rows", to: Self.largestVocabulary)
        tiesWordEmbeddings = file.info("output.weight") == nil
        beginOfSequence = try metadata.optionalInt("tokenizer.ggml.bos_token_id")
        endOfSequence = try metadata.optionalInt("tokenizer.ggml.eos_token_id")
        scaling = .none
        if file.info("rope_freqs.weight") != nil {
            scaling = try RotaryFactors.scaling(of: file, self)
            return
        }
        let type = try metadata.optionalString("\(architecture).rope.scaling.type") ?? "none"
        switch type {
        case "none": break
        case "linear":
            scaling = .linear(factor: try optional("rope.scaling.factor") ?? 1)
        case "yarn":
            scaling = .yarn(
                factor: try optional("rope.scaling.factor") ?? 1,
                originalContextLength: try metadata.optionalInt(
                    "\(architecture).rope.scaling.original_context_length") ?? contextLength,
                betaFast: try optional("rope.scaling.yarn_beta_fast"),
                betaSlow: try optional("rope.scaling.yarn_beta_slow"))
        default:
            throw ConversionError.field(
                path: file.path, name: "\(architecture).rope.scaling.type", found: "'\(type)'",
                expected: "'none', 'linear' or 'yarn'")
        }
    }

    /// The number with the fewest digits that is this one in 32 bits: 1e-06, not
    /// 9.999999974752427e-07.
    private static func shortest(_ value: Float) -> Double { Double("\(value)") ?? Double(value) }

    /// The metadata of the architecture, in the order and under the keys of llama.cpp's converter
    /// (conversion/base.py, `set_gguf_parameters`).
    func append(to metadata: inout GGUFMetadata) {
        func set(_ name: String, _ value: Int) {
            metadata["\(architecture).\(name)"] = .uint32(UInt32(clamping: value))
        }
        func set(_ name: String, _ value: Double) {
            metadata["\(architecture).\(name)"] = .float32(Float(value))
        }
        set("block_count", layerCount)
        set("context_length", contextLength)
        set("embedding_length", hiddenSize)
        set("feed_forward_length", intermediateSize)
        set("attention.head_count", headCount)
        set("attention.head_count_kv", keyValueHeadCount)
        switch scaling {
        case .none, .llama3: break
        case .linear(let factor):
            metadata["\(architecture).rope.scaling.type"] = .string("linear")
            set("rope.scaling.factor", factor)
        case .yarn(let factor, let length, let fast, let slow):
            metadata["\(architecture).rope.scaling.type"] = .string("yarn")
            set("rope.scaling.factor", factor)
            set("rope.scaling.original_context_length", length)
            if let fast { set("rope.scaling.yarn_beta_fast", fast) }
            if let slow { set("rope.scaling.yarn_beta_slow", slow) }
        }
        set("rope.freq_base", ropeTheta)
        set("attention.layer_norm_rms_epsilon", normEpsilon)
        if headDimension * headCount != hiddenSize {
            set("attention.key_length", headDimension)
            set("attention.value_length", headDimension)
        }
        set("vocab_size", vocabularySize)
        if architecture == "llama" { set("rope.dimension_count", headDimension) }
    }
}
