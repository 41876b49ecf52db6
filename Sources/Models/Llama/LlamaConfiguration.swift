public import FathomJSON
public import FathomTensors

/// The configuration of Llama-shaped models: Llama, DeepSeek LLM and Coder, SmolLM2, and Qwen2,
/// which differs by the biases of its attention.
public struct LlamaConfiguration: Sendable, Hashable {
    public var vocabularySize: Int
    public var hiddenSize: Int
    public var intermediateSize: Int
    public var layerCount: Int
    public var headCount: Int
    public var keyValueHeadCount: Int
    public var headDimension: Int
    public var normEpsilon: Float
    public var ropeTheta: Double
    public var ropeScaling: RotaryScaling
    public var ropeLayout: RotaryLayout
    /// Whether the output projection is the transposed embedding.
    public var tiesWordEmbeddings: Bool
    /// The longest sequence the model was made for.
    public var contextLength: Int
    /// Whether the query, key and value projections have a bias.
    public var hasQueryKeyValueBias: Bool
    /// Whether the attention's output projection has a bias.
    public var hasAttentionOutputBias: Bool
    /// Whether the feed-forward projections have a bias.
    public var hasFeedForwardBias: Bool

    /// The values of `model_type` that this configuration describes.
    public static let modelTypes = ["llama", "qwen2"]

    /// Decodes and validates a `config.json`.
    ///
    /// - Throws: `ConfigurationError` naming the field that is missing, impossible or not
    ///   supported.
    public init(_ object: JSONObject) throws(ConfigurationError) {
        let reader = ConfigurationReader(object)
        let modelType = try reader.optionalString("model_type") ?? "llama"
        try reader.require("model_type", isOneOf: Self.modelTypes)
        try reader.require("hidden_act", isOneOf: ["silu", "swish"])
        vocabularySize = try reader.int("vocab_size")
        hiddenSize = try reader.int("hidden_size")
        intermediateSize = try reader.int("intermediate_size")
        layerCount = try reader.int("num_hidden_layers", in: 1...10_000)
        headCount = try reader.int("num_attention_heads", in: 1...65_536)
        keyValueHeadCount =
            try reader.optionalInt("num_key_value_heads", in: 1...65_536) ?? headCount
        guard headCount % keyValueHeadCount == 0 else {
            throw ConfigurationError(
                "num_key_value_heads", found: "\(keyValueHeadCount)",
                expected: "a divisor of num_attention_heads, \(headCount)")
        }
        if let given = try reader.optionalInt("head_dim", in: 2...65_536) {
            headDimension = given
        } else {
            guard hiddenSize % headCount == 0 else {
                throw ConfigurationError(
                    "num_attention_heads", found: "\(headCount)",
                    expected: "a divisor of hidden_size, \(hiddenSize), or a head_dim")
            }
            headDimension = hiddenSize / headCount
        }
        guard headDimension % 2 == 0 else {
            throw ConfigurationError(
                "head_dim", found: "\(headDimension)",
                expected: "an even number, because rotary embedding turns pairs")
        }
        // transformers' default for Llama and Qwen2.
        normEpsilon = Float(try reader.positive("rms_norm_eps", default: 1e-6))
        contextLength = try reader.optionalInt("max_position_embeddings") ?? 2048
        let rotary = try RotaryConfiguration(reader, contextLength: contextLength)
        ropeTheta = rotary.theta
        ropeScaling = rotary.scaling
        ropeLayout = .halves
        tiesWordEmbeddings = try reader.bool("tie_word_embeddings", default: false)
        let hasBias = try reader.bool("attention_bias", default: false)
        hasQueryKeyValueBias = modelType == "qwen2" || hasBias
        hasAttentionOutputBias = modelType == "llama" && hasBias
        hasFeedForwardBias = try reader.bool("mlp_bias", default: false)
        if try reader.bool("use_sliding_window", default: false) {
            throw ConfigurationError(
                "use_sliding_window", found: "true",
                expected: "false: sliding-window attention is not supported")
        }
    }
}
