/// Signs of a vector's components around a centre, and factors that make their products unbiased.
///
/// A code is ⌈d / 8⌉ bytes of signs, then f32 ‖x − c‖² (for the inner product less ‖x‖²) and the
/// multiplier of the estimated product. With more bits a component: the signs, those two and the
/// bound of the error, then the lower bits of the components, then two more f32.
///
/// Sources: Gao, Long, "RaBitQ", 2024; Gao et al., "Practical and asymptotically optimal
/// quantization", 2025.
struct RaBitQuantizer: Sendable {
    let dimension: Int
    let metric: Metric
    /// Bits of a component, 1 to 9.
    let bits: Int

    var codeSize: Int { signSize + factorSize }
    /// Bytes of signs.
    var signSize: Int { (dimension + 7) / 8 }
    /// Bits of a component beyond its sign.
    var extraBits: Int { bits - 1 }
    /// Bytes of the lower bits of the components.
    var extraSize: Int { (dimension * extraBits + 7) / 8 }
    /// Bytes of a code behind the signs.
    var factorSize: Int { extraBits == 0 ? 8 : 12 + extraSize + 8 }

    init(dimension: Int, metric: Metric, bits: Int) {
        self.dimension = dimension
        self.metric = metric
        self.bits = bits
    }

    /// - Parameter hasBits: whether the file says how many bits; else there is one.
    init(
        reading reader: inout IndexReader, dimension: Int, metric: Metric, hasBits: Bool
    ) throws(IndexFileError) {
        self.dimension = try reader.size("rabitq.d", in: dimension...dimension)
        let size = try reader.size("rabitq.code_size")
        self.metric = try reader.enumeration("rabitq.metric_type", as: Metric.self)
        try reader.require(
            self.metric == metric, "rabitq.metric_type", found: self.metric,
            expected: "\(metric)")
        try reader.requirePlainMetric(metric)
        bits = hasBits ? try reader.size("rabitq.nb_bits", in: 1...9) : 1
        try reader.require(
            size == codeSize, "rabitq.code_size", found: size, expected: "\(codeSize)")
    }

    func write(to writer: inout IndexWriter, withBits: Bool) throws(IndexFileError) {
        try writer.size(dimension)
        try writer.size(codeSize)
        try writer.value(metric.rawValue)
        if withBits { try writer.size(bits) }
    }

    /// The vector that signs and a multiplier stand for.
    func decode(
        _ multiplier: Float, centroid: [Float], into vector: UnsafeMutablePointer<Float>,
        _ sign: (Int) -> Bool
    ) {
        let step = multiplier / Float(dimension).squareRoot()
        for i in 0..<dimension {
            vector[i] = (sign(i) ? step : -step) + (centroid.isEmpty ? 0 : centroid[i])
        }
    }

    func decode(
        _ code: UnsafeRawPointer, centroid: [Float], into vector: UnsafeMutablePointer<Float>
    ) {
        let multiplier = code.loadUnaligned(fromByteOffset: signSize + 4, as: Float.self)
        decode(multiplier, centroid: centroid, into: vector) { i in
            code.load(fromByteOffset: i / 8, as: UInt8.self) >> UInt8(i % 8) & 1 != 0
        }
    }
}
