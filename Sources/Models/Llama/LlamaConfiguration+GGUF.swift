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
        let metadata = file.metadata
        let architecture = try metadata.string("general.architecture")
        guard Self.architectures.contains(architecture) else {
            throw ConfigurationError(
                "general.architecture", found: "'\(architecture)'",
                expected: Self.architectures.map { "'\($0)'" }.joined(separator: " or "),
                file: file.path)
        }
        func key(_ name: String) -> String { "\(architecture).\(name)" }
        func size(_ name: String, in range: ClosedRange<Int> = 1...ConfigurationReader.largestSize)
            throws -> Int
        {
            let value = try metadata.int(key(name))
            try check(value, name, range)
            return value
        }
        func check(_ value: Int, _ name: String, _ range: ClosedRange<Int>) throws {
            guard range.contains(value) else {
                throw ConfigurationError(
                    key(name), found: "\(value)",
                    expected: "a number from \(range.lowerBound) to \(range.upperBound)",
                    file: file.path)
            }
        }
        hiddenSize = try size("embedding_length")
        intermediateSize = try size("feed_forward_length")
        layerCount = try size("block_count", in: 1...10_000)
        headCount = try size("attention.head_count", in: 1...65_536)
        keyValueHeadCount =
            try metadata.optionalInt(key("attention.head_count_kv")) ?? headCount
        try check(keyValueHeadCount, "attention.head_count_kv", 1...65_536)
        guard headCount % keyValueHeadCount == 0 else {
            throw ConfigurationError(
                key("attention.head_count_kv"), found: "\(keyValueHeadCount)",
                expected: "a divisor of attention.head_count, \(headCount)", file: file.path)
        }
        headDimension =
            try metadata.optionalInt(key("attention.key_length")) ?? hiddenSize / headCount
        try check(headDimension, "attention.key_length", 2...65_536)
        let rotated = try metadata.optionalInt(key("rope.dimension_count")) ?? headDimension
        guard headDimension % 2 == 0, rotated == headDimension else {
            throw ConfigurationError(
                key("rope.dimension_count"), found: "\(rotated)",
                expected: "the even head dimension, \(headDimension)", file: file.path)
        }
        let epsilon = try metadata.float(key("attention.layer_norm_rms_epsilon"))
        guard epsilon > 0, epsilon.isFinite else {
            throw ConfigurationError(
                key("attention.layer_norm_rms_epsilon"), found: "\(epsilon)",
                expected: "a number above 0", file: file.path)
        }
        normEpsilon = epsilon
        contextLength = try size("context_length")
        ropeTheta = Double(try metadata.optionalFloat(key("rope.freq_base")) ?? 10_000)
        guard ropeTheta > 0, ropeTheta.isFinite else {
            throw ConfigurationError(
                key("rope.freq_base"), found: "\(ropeTheta)", expected: "a number above 0",
                file: file.path)
        }
        ropeScaling = try Self.scaling(file, architecture, contextLength, headDimension)
        ropeLayout = architecture == "llama" ? .interleaved : .halves
        guard let embedding = file.info("token_embd.weight"), embedding.shape.count == 2 else {
            throw ParameterError(
                checkpoint: file.path, problems: [.missing("token_embd.weight")])
        }
        vocabularySize = embedding.shape[0]
        try check(vocabularySize, "vocab_size", 1...ConfigurationReader.largestSize)
        tiesWordEmbeddings = file.info("output.weight") == nil
        hasQueryKeyValueBias = file.info("blk.0.attn_q.bias") != nil
        hasAttentionOutputBias = file.info("blk.0.attn_output.bias") != nil
        hasFeedForwardBias = file.info("blk.0.ffn_gate.bias") != nil
    }

    private static func scaling(
        _ file: GGUFFile, _ architecture: String, _ contextLength: Int, _ headDimension: Int
    ) throws -> RotaryScaling {
        let metadata = file.metadata
        func key(_ name: String) -> String { "\(architecture).rope.scaling.\(name)" }
        if let info = file.info("rope_freqs.weight") {
            let factors = try file.tensor("rope_freqs.weight").floatArray()
            guard factors.count == headDimension / 2, factors.allSatisfy({ $0 > 0 && $0.isFinite })
            else {
                throw ConfigurationError(
                    "rope_freqs.weight", found: "shape \(info.shape)",
                    expected: "\(headDimension / 2) numbers above 0", file: file.path)
            }
            return .factors(factors)
        }
        let kind = try metadata.optionalString(key("type")) ?? "none"
        let factor = Double(try metadata.optionalFloat(key("factor")) ?? 1)
        guard factor > 0, factor.isFinite else {
            throw ConfigurationError(
                key("factor"), found: "\(factor)", expected: "a number above 0", file: file.path)
        }
        switch kind {
        case "none": return .none
        case "linear": return .linear(factor: factor)
        case "yarn":
            return .yarn(
                factor: factor,
                originalContextLength: try metadata.optionalInt(key("original_context_length"))
                    ?? contextLength,
                betaFast: Double(try metadata.optionalFloat(key("yarn_beta_fast")) ?? 32),
                betaSlow: Double(try metadata.optionalFloat(key("yarn_beta_slow")) ?? 1),
                attentionFactor: nil, mscale: nil, mscaleAllDimensions: nil, truncates: true)
        default:
            throw ConfigurationError(
                key("type"), found: "'\(kind)'", expected: "'none', 'linear' or 'yarn'",
                file: file.path)
        }
    }
}
