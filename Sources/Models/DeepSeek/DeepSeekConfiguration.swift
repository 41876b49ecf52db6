public import FathomJSON
public import FathomTensors

/// The configuration of DeepSeek's mixture-of-experts models: DeepSeekMoE, V2 (Lite, Coder-V2),
/// V3 (V3.1, R1) and V3.2.
public struct DeepSeekConfiguration: Sendable, Hashable {
    /// Multi-head latent attention (DeepSeek-V2, section 2.1).
    public struct Latent: Sendable, Hashable {
        /// The rank of the compressed queries; `nil` if they are not compressed.
        public var queryRank: Int?
        /// The rank of the compressed keys and values.
        public var rank: Int
        /// The part of a head's query and key without and with rotary positions.
        public var plainWidth: Int
        public var rotaryWidth: Int
        public var valueWidth: Int
        /// Whether the checkpoint has the up-projection of keys and values in two parts, keys
        /// transposed, as GGUF files do.
        public var isSplit = false
    }

    /// The lightning indexer of DeepSeek-V3.2 (arXiv 2512.02556, section 2.1).
    public struct Indexer: Sendable, Hashable {
        public var headCount: Int
        public var headWidth: Int
        /// Keys chosen for a query.
        public var keptKeys: Int
    }

    /// What mixes positions.
    public enum Attention: Sendable, Hashable {
        case grouped(keyValueHeadCount: Int)
        case latent(Latent)
    }

    public var vocabularySize: Int
    public var hiddenSize: Int
    /// The width of feed-forward layers without experts.
    public var intermediateSize: Int
    public var layerCount: Int
    public var headCount: Int
    public var attention: Attention
    public var experts: ExpertConfiguration
    public var indexer: Indexer?
    /// Layers that predict further tokens; they follow the others in the checkpoint.
    public var predictionLayerCount: Int
    /// A memory of n-grams in some layers.
    public var engram: EngramConfiguration?
    public var normEpsilon: Float
    public var ropeTheta: Double
    public var ropeScaling: RotaryScaling
    /// DeepSeekMoE rotates as Llama does; latent attention rotates neighbours.
    public var rotaryLayout: RotaryLayout
    public var contextLength: Int
    public var tiesWordEmbeddings: Bool
    public var hasAttentionBias: Bool

    /// The values of `model_type` that this configuration describes.
    public static let modelTypes = ["deepseek", "deepseek_v2", "deepseek_v3", "deepseek_v32"]

    /// Decodes and validates a `config.json`.
    ///
    /// - Throws: `ConfigurationError` naming the field that is missing, impossible or not
    ///   supported.
    public init(_ object: JSONObject) throws(ConfigurationError) {
        let reader = ConfigurationReader(object)
        try reader.require("model_type", isOneOf: Self.modelTypes)
        try reader.require("hidden_act", isOneOf: ["silu", "swish"])
        let modelType = try reader.optionalString("model_type") ?? "deepseek"
        vocabularySize = try reader.int("vocab_size")
        hiddenSize = try reader.int("hidden_size")
        intermediateSize = try reader.int("intermediate_size")
        layerCount = try reader.int("num_hidden_layers", in: 1...10_000)
        headCount = try reader.int("num_attention_heads", in: 1...65_536)
        if modelType == "deepseek" {
            attention = try Self.grouped(reader, hiddenSize: hiddenSize, headCount: headCount)
        } else {
            attention = .latent(try Latent(reader))
        }
        experts = try ExpertConfiguration(reader, modelType: modelType, layerCount: layerCount)
        indexer = modelType == "deepseek_v32" ? try Indexer(reader, attention) : nil
        predictionLayerCount =
            try reader.optionalInt("num_nextn_predict_layers", in: 0...16) ?? 0
        engram = try EngramConfiguration(ofModel: object, hiddenSize: hiddenSize, branchCount: 1)
        if let engram {
            let count = layerCount
            guard engram.layers.allSatisfy({ $0 < count }) else {
                throw ConfigurationError(
                    "engram.layer_ids", found: "\(engram.layers)",
                    expected: "layers from 0 to \(layerCount - 1)")
            }
            guard predictionLayerCount == 0 else {
                throw ConfigurationError(
                    "num_nextn_predict_layers", found: "\(predictionLayerCount)",
                    expected: "0 beside an Engram memory, whose rows it would not have")
            }
        }
        normEpsilon = Float(try reader.positive("rms_norm_eps", default: 1e-6))
        contextLength = try reader.optionalInt("max_position_embeddings") ?? 2048
        let rotary = try RotaryConfiguration(reader, contextLength: contextLength)
        ropeTheta = rotary.theta
        ropeScaling = rotary.scaling
        rotaryLayout = modelType == "deepseek" ? .halves : .interleaved
        tiesWordEmbeddings = try reader.bool("tie_word_embeddings", default: false)
        hasAttentionBias = try reader.bool("attention_bias", default: false)
    }

    private static func grouped(
        _ reader: ConfigurationReader, hiddenSize: Int, headCount: Int
    ) throws(ConfigurationError) -> Attention {
        let count = try reader.optionalInt("num_key_value_heads", in: 1...65_536) ?? headCount
        guard headCount % count == 0 else {
            throw ConfigurationError(
                "num_key_value_heads", found: "\(count)",
                expected: "a divisor of num_attention_heads, \(headCount)")
        }
        guard hiddenSize % headCount == 0, hiddenSize / headCount % 2 == 0 else {
            throw ConfigurationError(
                "num_attention_heads", found: "\(headCount)",
                expected: "a number that divides hidden_size, \(hiddenSize), into even heads")
        }
        return .grouped(keyValueHeadCount: count)
    }
}

extension DeepSeekConfiguration.Latent {
    init(_ reader: ConfigurationReader) throws(ConfigurationError) {
        queryRank = try reader.optionalInt("q_lora_rank", in: 1...65_536)
        rank = try reader.int("kv_lora_rank", in: 1...65_536)
        plainWidth = try reader.int("qk_nope_head_dim", in: 1...65_536)
        rotaryWidth = try reader.int("qk_rope_head_dim", in: 2...65_536)
        valueWidth = try reader.int("v_head_dim", in: 1...65_536)
        guard rotaryWidth % 2 == 0 else {
            throw ConfigurationError(
                "qk_rope_head_dim", found: "\(rotaryWidth)",
                expected: "an even number, because rotary embedding turns pairs")
        }
    }
}

extension DeepSeekConfiguration.Indexer {
    init(
        _ reader: ConfigurationReader, _ attention: DeepSeekConfiguration.Attention
    ) throws(ConfigurationError) {
        headCount = try reader.int("index_n_heads", in: 1...65_536)
        headWidth = try reader.int("index_head_dim", in: 2...65_536)
        keptKeys = try reader.int("index_topk")
        guard case .latent(let latent) = attention, latent.queryRank != nil else {
            throw ConfigurationError(
                "q_lora_rank", found: "nothing",
                expected: "a rank: the indexer's queries are made from the compressed queries")
        }
        guard latent.rotaryWidth <= headWidth else {
            throw ConfigurationError(
                "index_head_dim", found: "\(headWidth)",
                expected: "at least qk_rope_head_dim, \(latent.rotaryWidth)")
        }
    }
}

extension ExpertConfiguration {
    init(
        _ reader: ConfigurationReader, modelType: String, layerCount: Int
    ) throws(ConfigurationError) {
        let isV3 = modelType == "deepseek_v3" || modelType == "deepseek_v32"
        let count = try reader.int("n_routed_experts", in: 1...65_536)
        let perToken = try reader.int("num_experts_per_tok", in: 1...65_536)
        var (groupCount, keptGroups) = (1, 1)
        let method = try reader.optionalString("topk_method")
        try reader.require(
            "topk_method", isOneOf: ["greedy", "group_limited_greedy", "noaux_tc"])
        if isV3 || method == "group_limited_greedy" || method == "noaux_tc" {
            groupCount = try reader.optionalInt("n_group", in: 1...65_536) ?? 1
            keptGroups = try reader.optionalInt("topk_group", in: 1...65_536) ?? groupCount
        }
        hasSelectionBias = isV3 || method == "noaux_tc"
        selection = try ExpertSelection(
            checking: count, perToken: perToken, groupCount: groupCount, keptGroups: keptGroups,
            groupScore: hasSelectionBias ? .twoLargest : .largest)
        try reader.require("scoring_func", isOneOf: ["softmax", "sigmoid"])
        let scoringName = try reader.optionalString("scoring_func")
        scoring = (scoringName ?? (isV3 ? "sigmoid" : "softmax")) == "sigmoid" ? .sigmoid : .softmax
        sharedCount = try reader.optionalInt("n_shared_experts", in: 0...1024) ?? 0
        intermediateSize = try reader.int("moe_intermediate_size")
        denseLayerCount =
            try reader.optionalInt("first_k_dense_replace", in: 0...layerCount) ?? 0
        layerFrequency = try reader.optionalInt("moe_layer_freq", in: 1...10_000) ?? 1
        normalizesWeights = try reader.bool("norm_topk_prob", default: isV3)
        // DeepSeekMoE's code knows no factor; V2's leaves it out where weights are normalised.
        let scale = Float(try reader.positive("routed_scaling_factor", default: 1))
        weightScale =
            modelType == "deepseek" || (!isV3 && normalizesWeights && perToken > 1) ? 1 : scale
        balanceFactor = Float(try reader.optionalDouble("aux_loss_alpha") ?? 0)
    }
}

extension ExpertSelection {
    /// Checks the numbers before they are used.
    init(
        checking count: Int, perToken: Int, groupCount: Int, keptGroups: Int,
        groupScore: GroupScore, names: Names = .huggingFace, file: String = "config.json"
    ) throws(ConfigurationError) {
        guard count % groupCount == 0 else {
            throw ConfigurationError(
                names.groupCount, found: "\(groupCount)",
                expected: "a divisor of \(names.count), \(count)", file: file)
        }
        guard keptGroups <= groupCount else {
            throw ConfigurationError(
                names.keptGroups, found: "\(keptGroups)",
                expected: "at most \(names.groupCount), \(groupCount)", file: file)
        }
        guard perToken <= count / groupCount * keptGroups else {
            throw ConfigurationError(
                names.perToken, found: "\(perToken)",
                expected: "at most the \(count / groupCount * keptGroups) experts to choose from",
                file: file)
        }
        self.init(
            expertCount: count, perToken: perToken, groupCount: groupCount,
            keptGroups: keptGroups, groupScore: groupScore)
    }

    /// What a file calls the fields.
    struct Names {
        let count, perToken, groupCount, keptGroups: String

        static let huggingFace = Names(
            count: "n_routed_experts", perToken: "num_experts_per_tok", groupCount: "n_group",
            keptGroups: "topk_group")
    }
}
