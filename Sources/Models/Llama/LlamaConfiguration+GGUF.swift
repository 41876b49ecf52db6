public import FathomCheckpoints
import FathomTensors

extension LlamaConfiguration {
    /// The values of `general.architecture` that this configuration describes.
    public static let architectures = ["llama", "qwen2"]

    /// Reads the metadata of a GGUF file.
    ///
    /// llama.cpp permutes Llama's query and key rows, so that pairs stand side by side
    /// (`RotaryLayout.interleaved`); those of Qwen2 it leaves in halves.
    ///
    /// - Throws: `GGUFError` or `ConfigurationError` naming the key that is missing, impossible
    ///   or not supported.
    public init(_ file: GGUFFile) throws {
        let reader = try GGUFConfigurationReader(file)
        let architecture = reader.architecture
        guard Self.architectures.contains(architecture) else {
            throw ConfigurationError(
                "general.architecture", found: "'\(architecture)'",
                expected: Self.architectures.map { "'\($0)'" }.joined(separator: " or "),
                file: file.path)
        }
        hiddenSize = try reader.int("embedding_length")
        intermediateSize = try reader.int("feed_forward_length")
        layerCount = try reader.int("block_count", in: 1...10_000)
        headCount = try reader.int("attention.head_count", in: 1...65_536)
        keyValueHeadCount =
            try reader.optionalInt("attention.head_count_kv", in: 1...65_536) ?? headCount
        guard headCount % keyValueHeadCount == 0 else {
            throw reader.error(
                "attention.head_count_kv", found: "\(keyValueHeadCount)",
                expected: "a divisor of attention.head_count, \(headCount)")
        }
        headDimension =
            try reader.optionalInt("attention.key_length") ?? hiddenSize / headCount
        try reader.check(headDimension, "attention.key_length", 2...65_536)
        let rotated = try reader.optionalInt("rope.dimension_count") ?? headDimension
        guard headDimension % 2 == 0, rotated == headDimension else {
            throw reader.error(
                "rope.dimension_count", found: "\(rotated)",
                expected: "the even head dimension, \(headDimension)")
        }
        normEpsilon = try reader.positive("attention.layer_norm_rms_epsilon")
        contextLength = try reader.int("context_length")
        ropeTheta = Double(try reader.positive("rope.freq_base", default: 10_000))
        ropeScaling = try reader.ropeScaling(
            contextLength: contextLength, dimension: headDimension)
        ropeLayout = architecture == "llama" ? .interleaved : .halves
        vocabularySize = try reader.vocabularySize()
        tiesWordEmbeddings = file.info("output.weight") == nil
        hasQueryKeyValueBias = file.info("blk.0.attn_q.bias") != nil
        hasAttentionOutputBias = file.info("blk.0.attn_output.bias") != nil
        hasFeedForwardBias = file.info("blk.0.ffn_gate.bias") != nil
    }
}
