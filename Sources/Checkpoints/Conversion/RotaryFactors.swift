import FathomTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Llama 3's scaling of rotary frequencies as GGUF stores it: one divisor a frequency, in the
/// tensor `rope_freqs.weight`.
///
/// Formula: transformers, `_compute_llama3_parameters` in modeling_rope_utils.py; llama.cpp,
/// conversion/llama.py, `generate_extra_tensors`.
enum RotaryFactors {
    static let tensorName = "rope_freqs.weight"

    /// The divisors `[D/2]`, or nil where the scaling needs none.
    static func tensor(_ model: LlamaDescription) -> Tensor? {
        guard case .llama3(let factor, let low, let high, let length) = model.scaling else {
            return nil
        }
        let factors = factors(
            model, factor: factor, low: low, high: high, originalContextLength: length)
        return Tensor(factors, shape: [factors.count])
    }

    private static func factors(
        _ model: LlamaDescription, factor: Double, low: Double, high: Double,
        originalContextLength: Int
    ) -> [Float] {
        let length = Double(originalContextLength)
        return (0..<model.headDimension / 2).map { pair in
            let exponent = Double(2 * pair) / Double(model.headDimension)
            let wavelength = 2 * Double.pi * pow(model.ropeTheta, exponent)
            if wavelength < length / high { return 1 }
            if wavelength > length / low { return Float(factor) }
            let smooth = (length / wavelength - low) / (high - low)
            return Float(1 / ((1 - smooth) / factor + smooth))
        }
    }

    /// The scaling that a file's divisors come from.
    ///
    /// The parameters are not stored, so those of Llama 3 are tried: low factor 1, high factor 4,
    /// 8192 positions, and the largest divisor as the factor.
    ///
    /// - Throws: `ConversionError` if these do not give the divisors of the file.
    static func scaling(
        of file: GGUFFile, _ model: LlamaDescription
    ) throws -> LlamaDescription.Scaling {
        let stored = try file.tensor(tensorName)
        guard stored.dtype.canDecode, stored.shape == [model.headDimension / 2] else {
            throw ConversionError.field(
                path: file.path, name: tensorName, found: "of shape \(stored.shape)",
                expected: "[\(model.headDimension / 2)]")
        }
        let values = stored.floatArray()
        let factor = Double(values.max() ?? 1)
        let expected = factors(model, factor: factor, low: 1, high: 4, originalContextLength: 8192)
        // The divisors are rounded to 24 bits once, their wavelengths before that as well.
        let agrees = zip(values, expected).allSatisfy { abs($0 - $1) <= 1e-5 * abs($1) }
        guard agrees else {
            throw ConversionError.field(
                path: file.path, name: tensorName,
                found: "other frequencies than those of Llama 3",
                expected: "ones that a configuration can describe")
        }
        return .llama3(
            factor: factor, lowFrequencyFactor: 1, highFrequencyFactor: 4,
            originalContextLength: 8192)
    }
}
