/// Inverted lists that store equal vectors once, beside the labels that share them.
public struct IVFFlatDedupIndex: InvertedIndex, ReadableIndex {
    var file: InvertedFile
    /// Pairs of a stored label and another one with the same vector, in the order of the file.
    private let pairs: [Int64]
    private let duplicates: [Int64: [Int64]]
    var codeSize: Int { header.dimension * 4 }
    var isResidual: Bool { false }

    init(reading reader: inout IndexReader, type: FourCC) throws {
        var file = try InvertedFile(reading: &reader)
        pairs = try reader.vector("instances", of: Int64.self)
        try reader.require(
            pairs.count.isMultiple(of: 2), "instances", found: "\(pairs.count) elements",
            expected: "pairs")
        // The count of the header includes the duplicates, which are in no list.
        let stored = file.header.count - pairs.count / 2
        try file.readLists(&reader, codeSize: file.header.dimension * 4, expecting: stored)
        self.file = file
        var duplicates: [Int64: [Int64]] = [:]
        for place in stride(from: 0, to: pairs.count, by: 2) {
            duplicates[pairs[place], default: []].append(pairs[place + 1])
        }
        self.duplicates = duplicates.mapValues { $0.sorted() }
    }

    func scanner(_ query: [Float], _ parameters: SearchParameters) -> any CodeScanner {
        FloatScanner(query, metric: metric, argument: header.metricArgument)
    }

    func decode(_ code: UnsafeRawPointer, into vector: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(vector).copyMemory(from: code, byteCount: codeSize)
    }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        var neighbors = Neighbors(queryCount: queries.count, k: k, metric: metric)
        let probes = try file.probes(queries, parameters)
        for number in 0..<queries.count {
            let query = queries.row(number)
            var top = TopK(min(k, count), metric)
            try file.scan(
                probes[number], with: scanner(query, parameters), codeSize: codeSize, parameters,
                into: &top)
            var all = TopK(min(k, count), metric)
            for (distance, label) in top.sorted() {
                all.offer(distance, label)
                for other in duplicates[label] ?? [] { all.offer(distance, other) }
            }
            neighbors.store(all, query: number)
        }
        return neighbors
    }

    public func within(
        _ radius: Float, of queries: VectorRows, parameters: SearchParameters
    ) throws -> RangeHits {
        throw VectorSearchError.unsupported("range search", by: "IVFFlatDedupIndex")
    }

    func rows(encoding vectors: VectorRows, lists: [Int]) -> [UInt8] {
        vectors.values.withUnsafeBytes { Array($0) }
    }

    // Labels share vectors, so lists do not say all.

    private static func refusal(_ action: String) -> IndexChangeError {
        .refused(
            action, by: "IVFFlatDedupIndex",
            remedy: "build a new index of the vectors, or use IVFFlat")
    }

    public mutating func append(
        _ vectors: VectorRows, ids: [Int64]?, progress: TrainingProgressHandler?
    ) throws {
        throw Self.refusal("take more vectors")
    }

    public mutating func delete(_ selector: IDSelector) throws -> Int {
        throw Self.refusal("lose vectors")
    }

    public mutating func replace(_ ids: [Int64], with vectors: VectorRows) throws {
        throw Self.refusal("replace vectors")
    }

    public mutating func absorb(_ other: any VectorIndex, shiftingIDs shift: Int64) throws {
        throw Self.refusal("merge")
    }

    public mutating func clear() throws { throw Self.refusal("forget its vectors") }

    public mutating func mapLabels(_ kind: DirectMapKind) throws {
        throw Self.refusal("map labels")
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IwFd")
        try file.writeHeader(to: &writer)
        try writer.vector(pairs)
        try file.lists.write(to: &writer)
    }
}
