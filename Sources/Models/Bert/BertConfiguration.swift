public import FathomJSON

/// The configuration of BERT's encoder (Devlin et al., 2019), as sentence encoders use it.
public struct BertConfiguration: Sendable, Hashable {
    public var vocabularySize: Int
    public var hiddenSize: Int
    public var intermediateSize: Int
    public var layerCount: Int
    public var headCount: Int
    public var normEpsilon: Float
    /// The longest sequence: a position beyond has no embedding.
    public var contextLength: Int
    public var tokenTypeCount: Int

    public var headDimension: Int { hiddenSize / headCount }

    /// The value of `model_type` that this configuration describes.
    public static let modelType = "bert"

    /// Decodes and validates a `config.json`.
    ///
    /// - Throws: `ConfigurationError` naming the field that is missing, impossible or not
    ///   supported.
    public init(_ object: JSONObject) throws(ConfigurationError) {
        let reader = ConfigurationReader(object)
        try reader.require("model_type", isOneOf: [Self.modelType])
        try reader.require("hidden_act", isOneOf: ["gelu"])
        try reader.require("position_embedding_type", isOneOf: ["absolute"])
        if try reader.bool("is_decoder", default: false) {
            throw ConfigurationError(
                "is_decoder", found: "true", expected: "false: only encoders are supported")
        }
        vocabularySize = try reader.int("vocab_size")
        hiddenSize = try reader.int("hidden_size")
        intermediateSize = try reader.int("intermediate_size")
        layerCount = try reader.int("num_hidden_layers", in: 1...10_000)
        headCount = try reader.int("num_attention_heads", in: 1...65_536)
        guard hiddenSize % headCount == 0 else {
            throw ConfigurationError(
                "num_attention_heads", found: "\(headCount)",
                expected: "a divisor of hidden_size, \(hiddenSize)")
        }
        // transformers' defaults for BERT.
        normEpsilon = Float(try reader.positive("layer_norm_eps", default: 1e-12))
        contextLength = try reader.optionalInt("max_position_embeddings") ?? 512
        tokenTypeCount = try reader.optionalInt("type_vocab_size") ?? 2
    }
}
