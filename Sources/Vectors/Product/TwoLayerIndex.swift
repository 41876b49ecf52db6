/// Codes of two layers: the number of a coarse centroid, and a product-quantizer code of the rest.
public struct TwoLayerIndex: CodeIndex, ReadableIndex {
    var header: IndexHeader
    private let coarse: any VectorIndex
    private let listCount: Int
    private let trainsAlone: UInt8
    private let quantizer: ProductQuantizer
    /// Bytes of the number and of the code of the rest.
    private let sizes: [Int]
    let codeSize: Int
    var codes: Storage<UInt8>
    /// `[listCount, d]`.
    private let centroids: [Float]

    init(reading reader: inout IndexReader, type: FourCC) throws {
        header = try reader.header()
        try reader.requirePlainMetric(header.metric)
        coarse = try IndexTypes.read("q1", &reader)
        listCount = try reader.size("nlist", in: 0...InvertedFile.listLimit)
        trainsAlone = try reader.u8("quantizer_trains_alone")
        quantizer = try ProductQuantizer(
            reading: &reader, dimension: header.dimension,
            isTrained: header.isTrained || header.count > 0)
        sizes = [
            try reader.size("code_size_1", in: 0...8),
            try reader.size("code_size_2", in: quantizer.codeSize...quantizer.codeSize),
        ]
        let total = sizes[0] + sizes[1]
        codeSize = try reader.size("code_size", in: total...total)
        let start = reader.position
        let codes = try reader.vectorStorage(
            "codes", of: UInt8.self,
            count: try reader.product("codes", header.count, codeSize))
        self.codes = codes
        try reader.require(
            coarse.dimension == header.dimension, "q1/d", found: coarse.dimension,
            expected: "\(header.dimension)")
        try reader.require(
            coarse.count == listCount || coarse.count == 0 && header.count == 0, "q1/ntotal",
            found: coarse.count, expected: "\(listCount)")
        let numberSize = sizes[0]
        for row in 0..<header.count {
            let list = codes.withUnsafeBytes { Self.number($0, row * total, numberSize) }
            guard list < UInt64(listCount) else {
                throw reader.failure(
                    "codes", at: start, found: "list \(list)", expected: "below \(listCount)")
            }
        }
        // Vectors of a coarse quantizer that is a product may be far more than the file's bytes.
        let values = try reader.product("nlist", listCount, header.dimension)
        try reader.require(
            values <= 1 << 28, "nlist", found: listCount,
            expected: "at most \((1 << 28) / header.dimension)")
        centroids = try (0..<coarse.count).flatMap { [coarse] in try coarse.reconstruct(Int64($0)) }
    }

    private static func number(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ count: Int)
        -> UInt64
    {
        (0..<count).reduce(0) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) }
    }

    func decode(_ code: UnsafeRawPointer, into vector: UnsafeMutablePointer<Float>) {
        var list = 0
        for i in 0..<sizes[0] {
            list |= Int(code.load(fromByteOffset: i, as: UInt8.self)) << (8 * i)
        }
        quantizer.decode(code + sizes[0], into: vector)
        centroids.withUnsafeBufferPointer { centroids in
            for i in 0..<dimension { vector[i] += centroids[list * dimension + i] }
        }
    }

    func scanner(_ query: [Float], _ parameters: SearchParameters) -> any CodeScanner {
        DecodingScanner(query, metric: metric, codeSize: codeSize) { code, vector in
            decode(code, into: vector)
        }
    }

    func rows(encoding vectors: VectorRows) throws -> [UInt8] {
        let lists = try coarse.search(vectors, k: 1).labels.map { max(0, Int($0)) }
        let centers = try lists.flatMap { try coarse.reconstruct(Int64($0)) }
        let codes = ProductCodec(quantizer).encode(
            vectors, around: VectorRows(checked: centers, dimension: dimension))
        return lists.enumerated().flatMap { row, list in
            (0..<sizes[0]).map { UInt8(truncatingIfNeeded: list >> (8 * $0)) }
                + codes[row * sizes[1]..<(row + 1) * sizes[1]]
        }
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("Ix2L")
        try writer.header(header)
        try coarse.write(to: &writer)
        try writer.size(listCount)
        try writer.u8(trainsAlone)
        try quantizer.write(to: &writer)
        for size in sizes { try writer.size(size) }
        try writer.size(codeSize)
        try writer.vector(codes)
    }
}
