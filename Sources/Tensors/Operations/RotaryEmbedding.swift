import FathomKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// How rotary position embedding is stretched beyond the length a model was trained for.
public enum RotaryScaling: Sendable, Hashable {
    case none
    /// Positions divided by a factor (Chen et al., 2023).
    case linear(factor: Double)
    /// Llama 3.1's blend by wavelength.
    case llama3(
        factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double,
        originalContextLength: Int)
    /// YaRN (Peng et al., 2023).
    case yarn(
        factor: Double, originalContextLength: Int, betaFast: Double, betaSlow: Double,
        attentionFactor: Double?, mscale: Double?, mscaleAllDimensions: Double?, truncates: Bool)
    /// Each frequency divided by its own factor, as GGUF files store Llama 3's blend.
    case factors([Float])
}

/// Which elements of a head are rotated together.
public enum RotaryLayout: Sendable, Hashable {
    /// Element i with element i + half: checkpoints in Hugging Face layout.
    case halves
    /// Element 2i with 2i + 1: DeepSeek's own code, and GGUF files of Llama.
    case interleaved
}

/// YaRN's factor for attention at a stretch of `factor`: `0.1 · mscale · ln(factor) + 1`
/// (Peng et al., 2023).
public func yarnFactor(_ factor: Double, _ mscale: Double) -> Double {
    factor > 1 ? 0.1 * mscale * log(factor) + 1 : 1
}

/// The frequencies of a rotary embedding (Su et al., 2021).
public struct RotaryFrequencies: Sendable {
    let frequencies: [Float]
    /// What YaRN multiplies sines and cosines by; 1 otherwise.
    let attentionFactor: Double
    let layout: RotaryLayout

    /// Computes the frequencies of `dimension` rotated elements.
    ///
    /// - Precondition: an even dimension, and as many factors as pairs if factors are given.
    public init(dimension: Int, theta: Double, scaling: RotaryScaling, layout: RotaryLayout) {
        precondition(dimension > 0 && dimension % 2 == 0, "\(dimension) elements make no pairs")
        var values = [Float](repeating: 0, count: dimension / 2)
        var factor = 1.0
        switch scaling {
        case .none:
            fk_rope_frequencies_default(&values, dimension, theta)
        case .linear(let scale):
            fk_rope_frequencies_linear(&values, dimension, theta, scale)
        case .llama3(let scale, let low, let high, let original):
            fk_rope_frequencies_llama3(
                &values, dimension, theta, scale, low, high, Double(original))
        case .yarn(
            let scale, let original, let fast, let slow, let given, let mscale, let all,
            let truncates):
            factor = fk_rope_frequencies_yarn(
                &values, dimension, theta,
                fk_yarn(
                    factor: scale, beta_fast: fast, beta_slow: slow,
                    original_positions: Double(original), mscale: mscale ?? 0,
                    mscale_all_dim: all ?? 0, attention_factor: given ?? 0,
                    truncate: truncates ? 1 : 0))
        case .factors(let factors):
            fk_rope_frequencies_default(&values, dimension, theta)
            precondition(factors.count == values.count, "\(factors.count) rotary factors")
            for index in values.indices { values[index] /= factors[index] }
        }
        frequencies = values
        attentionFactor = factor
        self.layout = layout
    }

    /// The angles of the given positions.
    public func angles(_ positions: [Int32]) -> RotaryAngles {
        RotaryAngles(self, positions)
    }
}

/// Sines and cosines of a pass's positions, shared by all layers: `[T, pairs]`.
public struct RotaryAngles: Sendable {
    let cosines, sines: Tensor
    private(set) var layout: RotaryLayout

    init(_ rotary: RotaryFrequencies, _ positions: [Int32]) {
        let half = rotary.frequencies.count
        cosines = Tensor(uninitialized: [positions.count, half])
        sines = Tensor(uninitialized: [positions.count, half])
        layout = rotary.layout
        fk_rope_table(
            cosines.floats, sines.floats, rotary.frequencies, half, positions, positions.count,
            rotary.attentionFactor)
    }
}

extension RotaryAngles {
    /// The same angles for heads whose pairs lie otherwise.
    public func withLayout(_ layout: RotaryLayout) -> RotaryAngles {
        var copy = self
        copy.layout = layout
        return copy
    }
}

/// Rotates the heads of every row by its position's angles: `[T, heads · D]` to the same shape.
///
/// - Precondition: F32; as many rows as angles; heads at least as wide as the rotation.
public func rotate(_ x: Tensor, headCount: Int, _ angles: RotaryAngles) -> Tensor {
    let y = rotated(x, headCount, angles, inverse: false)
    guard x.isRecorded else { return y }
    return y.recorded(from: [x]) { [rotated($0, headCount, angles, inverse: true)] }
}

private func rotated(_ x: Tensor, _ headCount: Int, _ angles: RotaryAngles, inverse: Bool)
    -> Tensor
{
    let (rows, width, half) = (x.shape.rowCount, x.shape.last, angles.cosines.shape.last)
    let headWidth = width / headCount
    precondition(angles.cosines.shape[0] == rows, "\(rows) rows, \(angles.cosines.shape) angles")
    precondition(width % headCount == 0 && 2 * half <= headWidth, "heads of \(headWidth)")
    let y = Tensor(uninitialized: x.shape)
    let (result, source) = (y.floats, x.floats)
    let (cosines, sines) = (angles.cosines.floats, angles.sines.floats)
    let kernel = angles.layout == .halves ? fk_rope_half_f32 : fk_rope_interleaved_f32
    parallel(rows, grain: max(1, elementGrain / max(1, width))) { range in
        let start = range.lowerBound
        kernel(
            result + start * width, width, headWidth, source + start * width, width, headWidth,
            cosines + start * half, sines + start * half, inverse ? 1 : 0, range.count, headCount,
            headWidth, 2 * half)
    }
    return y
}
