import FathomKernels

/// Vectors as they are, compared one by one: exact, for every metric.
public struct FlatIndex: CodeIndex, ReadableIndex {
    var header: IndexHeader
    var codes: Storage<UInt8>
    var codeSize: Int { header.dimension * 4 }

    /// An index of some vectors.
    public init(_ vectors: VectorRows, metric: Metric, metricArgument: Float = 0) {
        header = IndexHeader(
            dimension: vectors.dimension, count: vectors.count, isTrained: true, metric: metric,
            metricArgument: metricArgument)
        codes = Storage(vectors.values.withUnsafeBytes { Array($0) })
    }

    init(reading reader: inout IndexReader, type: FourCC) throws {
        header = try reader.header()
        let expected: Metric? = type == "IxF2" ? .l2 : type == "IxFI" ? .innerProduct : nil
        if let expected {
            try reader.require(
                header.metric == expected, "metric_type", found: header.metric,
                expected: "\(expected), as its type says")
        } else {
            try reader.require(
                header.metric != .l2 && header.metric != .innerProduct, "metric_type",
                found: header.metric, expected: "another metric for this type")
        }
        codes = try reader.unitStorage(
            "codes",
            byteCount: try reader.product("codes", header.count, header.dimension, 4))
    }

    func scanner(_ query: [Float], _ parameters: SearchParameters) -> any CodeScanner {
        FloatScanner(query, metric: metric, argument: header.metricArgument)
    }

    func decode(_ code: UnsafeRawPointer, into vector: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(vector).copyMemory(from: code, byteCount: codeSize)
    }

    public func distances(from query: [Float]) throws -> any QueryDistances {
        guard metric == .l2 || metric == .innerProduct, codes.isAligned(to: Float.self) else {
            return ScannedDistances(
                scanner(query, SearchParameters()), codes: codes, codeSize: codeSize)
        }
        return FloatDistances(query, codes: codes, isSimilarity: metric.isSimilarity)
    }

    func rows(encoding vectors: VectorRows) -> [UInt8] {
        vectors.values.withUnsafeBytes { Array($0) }
    }

    public func write(to writer: inout IndexWriter) throws {
        let type: FourCC =
            switch metric {
            case .l2: "IxF2"
            case .innerProduct: "IxFI"
            default: "IxFl"
            }
        try writer.fourCC(type)
        try writer.header(header)
        try writer.units(codes)
    }
}

/// Distances by position where codes are the vectors themselves.
final class FloatDistances: QueryDistances {
    private let query: [Float]
    private let codes: Storage<UInt8>
    private let isSimilarity: Bool

    init(_ query: [Float], codes: Storage<UInt8>, isSimilarity: Bool) {
        self.query = query
        self.codes = codes
        self.isSimilarity = isSimilarity
    }

    func fill(
        _ distances: UnsafeMutablePointer<Float>, positions: UnsafeBufferPointer<Int32>
    ) {
        codes.withUnsafeBytes { bytes in
            let rows = bytes.assumingMemoryBound(to: Float.self).baseAddress
            guard let rows, let picks = positions.baseAddress else { return }
            if isSimilarity {
                fk_row_products_f32(distances, query, rows, picks, positions.count, query.count)
            } else {
                fk_row_distances_f32(distances, query, rows, picks, positions.count, query.count)
            }
        }
    }
}

/// A query against codes that are the vectors themselves.
final class FloatScanner: CodeScanner {
    private let query: [Float]
    private let metric: Metric
    private let argument: Float

    init(_ query: [Float], metric: Metric, argument: Float = 0) {
        self.query = query
        self.metric = metric
        self.argument = argument
    }

    func scan(
        _ codes: UnsafeRawPointer, count: Int, distances: UnsafeMutablePointer<Float>,
        bound: Float
    ) {
        RowDistances.fill(
            distances, query: query, rows: codes, count: count, dimension: query.count,
            metric: metric, argument: argument)
    }
}

/// A query against codes that are decoded one at a time.
final class DecodingScanner: CodeScanner {
    private let query: [Float]
    private let metric: Metric
    private let codeSize: Int
    private let decode: (UnsafeRawPointer, UnsafeMutablePointer<Float>) -> Void
    private var vector: [Float]

    init(
        _ query: [Float], metric: Metric, codeSize: Int,
        decode: @escaping (UnsafeRawPointer, UnsafeMutablePointer<Float>) -> Void
    ) {
        self.query = query
        self.metric = metric
        self.codeSize = codeSize
        self.decode = decode
        vector = Array(repeating: 0, count: query.count)
    }

    func scan(
        _ codes: UnsafeRawPointer, count: Int, distances: UnsafeMutablePointer<Float>,
        bound: Float
    ) {
        vector.withUnsafeMutableBufferPointer { vector in
            guard let base = vector.baseAddress else { return }
            for i in 0..<count {
                decode(codes + i * codeSize, base)
                RowDistances.fill(
                    distances + i, query: query, rows: UnsafeRawPointer(base), count: 1,
                    dimension: query.count, metric: metric)
            }
        }
    }
}
