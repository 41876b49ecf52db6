/// Vectors as signs of (rotated, shifted) components; distances are Hamming distances.
public struct LSHIndex: CodeIndex, ReadableIndex {
    var header: IndexHeader
    private let bitCount: Int
    private let rotatesData: Bool
    private let trainsThresholds: Bool
    private let thresholds: [Float]
    private let rotation: LinearTransform
    var codes: Storage<UInt8>
    let codeSize: Int

    init(reading reader: inout IndexReader, type: FourCC) throws {
        header = try reader.header()
        bitCount = try reader.int32("nbits", in: 1...IndexHeader.dimensionLimit)
        rotatesData = try reader.bool("rotate_data")
        trainsThresholds = try reader.bool("train_thresholds")
        thresholds = try reader.vector("thresholds", of: Float.self)
        let needsThresholds = trainsThresholds && header.isTrained
        try reader.require(
            thresholds.count == bitCount || thresholds.isEmpty && !needsThresholds, "thresholds",
            found: "\(thresholds.count) elements", expected: "\(bitCount)")
        codeSize = try reader.int32("code_size", in: 1...IndexHeader.dimensionLimit)
        try reader.require(
            codeSize == (bitCount + 7) / 8, "code_size", found: codeSize,
            expected: "\((bitCount + 7) / 8)")
        let transform = try Transforms.read("rrot", &reader)
        guard let linear = transform as? LinearTransform, linear.type == "rrot" else {
            throw reader.failure("rrot", found: "\(transform)", expected: "a random rotation")
        }
        rotation = linear
        if rotatesData {
            try reader.require(
                !header.isTrained
                    || rotation.isTrained && rotation.inputDimension == header.dimension
                        && rotation.outputDimension == bitCount,
                "rrot",
                found: "\(rotation.inputDimension) to \(rotation.outputDimension)",
                expected: "a trained rotation from \(header.dimension) to \(bitCount)")
        } else {
            try reader.require(
                bitCount <= header.dimension, "nbits", found: bitCount,
                expected: "at most \(header.dimension) without a rotation")
        }
        codes = try reader.vectorStorage(
            "codes", of: UInt8.self,
            count: try reader.product("codes", header.count, codeSize))
    }

    /// The bits of a vector.
    private func encode(_ vector: [Float]) -> [UInt8] {
        let rotated = rotatesData ? rotation.apply(vector) : vector
        return [UInt8](bitCount: bitCount, byteCount: codeSize) { bit in
            (thresholds.isEmpty ? rotated[bit] : rotated[bit] - thresholds[bit]) >= 0
        }
    }

    func scanner(_ query: [Float], _ parameters: SearchParameters) -> any CodeScanner {
        // The signs of a query that is not a number would look like those of another one.
        query.contains { $0.isNaN } ? HammingScanner(nil, codeSize) : HammingScanner(encode(query))
    }

    /// Bits become components of ±1, which are shifted and rotated back.
    func decode(_ code: UnsafeRawPointer, into vector: UnsafeMutablePointer<Float>) {
        var values = [Float](repeating: 0, count: bitCount)
        for bit in 0..<bitCount {
            let byte = code.load(fromByteOffset: bit / 8, as: UInt8.self)
            values[bit] = byte >> UInt8(bit % 8) & 1 != 0 ? 1 : -1
            if !thresholds.isEmpty { values[bit] += thresholds[bit] }
        }
        let result = rotatesData ? rotation.applyTransposed(values) : values
        for i in 0..<dimension { vector[i] = i < result.count ? result[i] : 0 }
    }

    func rows(encoding vectors: VectorRows) -> [UInt8] {
        (0..<vectors.count).flatMap { encode(vectors.row($0)) }
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IxHe")
        try writer.header(header)
        try writer.i32(bitCount)
        try writer.bool(rotatesData)
        try writer.bool(trainsThresholds)
        try writer.vector(thresholds)
        try writer.i32(codeSize)
        try rotation.write(to: &writer)
        try writer.vector(codes)
    }
}

/// Numbers of bits in which codes differ from a query's code.
final class HammingScanner: CodeScanner {
    private let code: [UInt8]?
    private let codeSize: Int

    init(_ code: [UInt8]?, _ codeSize: Int) {
        self.code = code
        self.codeSize = codeSize
    }

    convenience init(_ code: [UInt8]) { self.init(code, code.count) }

    func scan(
        _ codes: UnsafeRawPointer, count: Int, distances: UnsafeMutablePointer<Float>,
        bound: Float
    ) {
        for i in 0..<count {
            distances[i] =
                code.map { Float(Hamming.distance($0, codes + i * codeSize, codeSize)) } ?? .nan
        }
    }
}
