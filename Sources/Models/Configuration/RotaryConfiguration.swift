import FathomTensors

/// The rotary part of a configuration: base, scaling.
struct RotaryConfiguration: Sendable, Hashable {
    var theta: Double
    var scaling: RotaryScaling

    /// Reads either spelling: `rope_theta` with `rope_scaling`, or transformers 5's
    /// `rope_parameters`, which holds both.
    init(_ reader: ConfigurationReader, contextLength: Int) throws(ConfigurationError) {
        let parameters = try reader.optionalObject("rope_parameters")
        // 10,000 is the default of every architecture read here (Su et al., 2021).
        let owner = parameters?.has("rope_theta") == true ? parameters ?? reader : reader
        theta = try owner.positive("rope_theta", default: 10_000)
        let rope = parameters == nil ? try reader.optionalObject("rope_scaling") : parameters
        scaling = .none
        if let rope { scaling = try Self.scaling(rope, contextLength: contextLength) }
    }

    private static func scaling(_ rope: ConfigurationReader, contextLength: Int)
        throws(ConfigurationError) -> RotaryScaling
    {
        let legacyKind = try rope.optionalString("type")
        let kind = try rope.optionalString("rope_type") ?? legacyKind ?? "default"
        switch kind {
        case "default": return .none
        case "linear": return .linear(factor: try rope.positive("factor"))
        case "llama3":
            let low = try rope.positive("low_freq_factor")
            let high = try rope.positive("high_freq_factor")
            guard high > low else {
                throw ConfigurationError(
                    "rope_scaling.high_freq_factor", found: "\(high)",
                    expected: "a number above low_freq_factor, \(low)")
            }
            return .llama3(
                factor: try rope.positive("factor"), lowFrequencyFactor: low,
                highFrequencyFactor: high,
                originalContextLength: try rope.int("original_max_position_embeddings"))
        case "yarn":
            return .yarn(
                factor: try rope.positive("factor"),
                originalContextLength: try rope.optionalInt("original_max_position_embeddings")
                    ?? contextLength,
                // Defaults of Peng et al. (2023), section 3.2.
                betaFast: try rope.positive("beta_fast", default: 32),
                betaSlow: try rope.positive("beta_slow", default: 1),
                attentionFactor: try rope.optionalDouble("attention_factor"),
                mscale: try rope.optionalDouble("mscale"),
                mscaleAllDimensions: try rope.optionalDouble("mscale_all_dim"),
                truncates: try rope.bool("truncate", default: true))
        default:
            throw ConfigurationError(
                "rope_scaling.rope_type", found: "'\(kind)'",
                expected: "'default', 'linear', 'llama3' or 'yarn'")
        }
    }
}
