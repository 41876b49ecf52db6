import FathomCheckpoints
import FathomTensors

/// Reads the keys of a GGUF file's architecture with their limits.
struct GGUFConfigurationReader {
    let file: GGUFFile
    /// As `general.architecture` names it; the keys begin with it.
    let architecture: String

    init(_ file: GGUFFile) throws {
        self.file = file
        architecture = try file.metadata.string("general.architecture")
    }

    func key(_ name: String) -> String { "\(architecture).\(name)" }

    func int(_ name: String, in range: ClosedRange<Int> = 1...ConfigurationReader.largestSize)
        throws -> Int
    {
        let value = try file.metadata.int(key(name))
        try check(value, name, range)
        return value
    }

    func optionalInt(
        _ name: String, in range: ClosedRange<Int> = 1...ConfigurationReader.largestSize
    ) throws -> Int? {
        guard let value = try file.metadata.optionalInt(key(name)) else { return nil }
        try check(value, name, range)
        return value
    }

    func check(_ value: Int, _ name: String, _ range: ClosedRange<Int>) throws {
        guard range.contains(value) else {
            throw error(
                name, found: "\(value)",
                expected: "a number from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    /// A number above zero.
    func positive(_ name: String, default standard: Float? = nil) throws -> Float {
        let value =
            if let standard { try file.metadata.optionalFloat(key(name)) ?? standard } else {
                try file.metadata.float(key(name))
            }
        guard value > 0, value.isFinite else {
            throw error(name, found: "\(value)", expected: "a number above 0")
        }
        return value
    }

    func bool(_ name: String, default standard: Bool) throws -> Bool {
        try file.metadata.optionalBool(key(name)) ?? standard
    }

    /// Rows of the embedding.
    func vocabularySize() throws -> Int {
        guard let embedding = file.info("token_embd.weight"), embedding.shape.count == 2 else {
            throw ParameterError(
                checkpoint: file.path, problems: [.missing("token_embd.weight")])
        }
        try check(embedding.shape[0], "vocab_size", 1...ConfigurationReader.largestSize)
        return embedding.shape[0]
    }

    /// How rotary positions are stretched, for `dimension` rotated elements.
    func ropeScaling(contextLength: Int, dimension: Int) throws -> RotaryScaling {
        if let info = file.info("rope_freqs.weight") {
            let factors = try file.tensor("rope_freqs.weight").floatArray()
            guard factors.count == dimension / 2, factors.allSatisfy({ $0 > 0 && $0.isFinite })
            else {
                throw ConfigurationError(
                    "rope_freqs.weight", found: "shape \(info.shape)",
                    expected: "\(dimension / 2) numbers above 0", file: file.path)
            }
            return .factors(factors)
        }
        let kind = try file.metadata.optionalString(key("rope.scaling.type")) ?? "none"
        let factor = Double(try positive("rope.scaling.factor", default: 1))
        switch kind {
        case "none": return .none
        case "linear": return .linear(factor: factor)
        case "yarn":
            // 0.1 times `mscale_all_dim`, which llama.cpp takes to be `mscale` too.
            let multiplier = try file.metadata.optionalFloat(
                key("rope.scaling.yarn_log_multiplier"))
            let mscale = multiplier.map { Double($0) * 10 }
            return .yarn(
                factor: factor,
                originalContextLength: try optionalInt("rope.scaling.original_context_length")
                    ?? contextLength,
                betaFast: Double(try positive("rope.scaling.yarn_beta_fast", default: 32)),
                betaSlow: Double(try positive("rope.scaling.yarn_beta_slow", default: 1)),
                attentionFactor: nil, mscale: mscale, mscaleAllDimensions: mscale, truncates: true)
        default:
            throw error(
                "rope.scaling.type", found: "'\(kind)'", expected: "'none', 'linear' or 'yarn'")
        }
    }

    func error(_ name: String, found: String, expected: String) -> ConfigurationError {
        ConfigurationError(key(name), found: found, expected: expected, file: file.path)
    }
}
