/// A rotation made of three rounds of random signs and Walsh–Hadamard transforms.
///
/// The input is padded to a power of two. Signs follow from the seed alone.
struct HadamardRotation: ShapedTransform {
    private let seed: UInt32
    private let signs: [[Float]]
    let shape: TransformShape

    init(reading reader: inout IndexReader) throws {
        let seed = try reader.u32("seed")
        let shape = try TransformShape(reading: &reader)
        let size = shape.outputDimension
        try reader.require(
            shape.inputDimension > 0 && size >= shape.inputDimension && size & (size - 1) == 0
                && size / 2 < shape.inputDimension, "d_out", found: size,
            expected: "the power of two that holds \(shape.inputDimension) components")
        self.init(seed: seed, shape: shape)
    }

    /// - Parameter shape: its output is a power of two, not below its input.
    init(seed: UInt32, shape: TransformShape) {
        self.seed = seed
        self.shape = shape
        let size = shape.outputDimension
        var generator = SplitMix64(state: UInt64(seed))
        signs = (0..<3).map { _ in
            (0..<size).map { _ in generator.int64() % 2 == 0 ? -1 : 1 }
        }
    }

    func apply(_ vector: [Float]) -> [Float] {
        let size = outputDimension
        var values = vector + Array(repeating: 0, count: size - vector.count)
        for round in signs {
            for i in 0..<size { values[i] *= round[i] }
            Self.transform(&values)
        }
        let scale = 1 / (Float(size) * Float(size).squareRoot())
        return values.map { $0 * scale }
    }

    func reverse(_ vector: [Float]) -> [Float] {
        let size = outputDimension
        var values = vector
        for round in signs.reversed() {
            Self.transform(&values)
            for i in 0..<size { values[i] *= round[i] }
        }
        let scale = 1 / (Float(size) * Float(size).squareRoot())
        return values.prefix(inputDimension).map { $0 * scale }
    }

    /// The Walsh–Hadamard transform, not scaled; applied twice it multiplies by the size.
    private static func transform(_ values: inout [Float]) {
        var step = 1
        while step < values.count {
            for block in stride(from: 0, to: values.count, by: 2 * step) {
                for i in block..<block + step {
                    let (a, b) = (values[i], values[i + step])
                    values[i] = a + b
                    values[i + step] = a - b
                }
            }
            step *= 2
        }
    }

    func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("HRot")
        try writer.u32(seed)
        try shape.write(to: &writer)
    }
}

/// The generator of Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    /// A number that is not negative, as Faiss draws it.
    mutating func int64() -> UInt64 { next() & 0x7FFF_FFFF_FFFF_FFFF }
}
