/// A chain of transforms before an index; distances are those of the index.
public struct TransformedIndex: HeaderedIndex, ReadableIndex {
    private(set) var header: IndexHeader
    private let chain: [any VectorTransform]
    private var index: any VectorIndex

    /// The longest chain that is believed.
    private static let chainLimit = 64

    init(reading reader: inout IndexReader, type: FourCC) throws {
        header = try reader.header()
        let count = try reader.int32("nt", in: 0...Self.chainLimit)
        var chain: [any VectorTransform] = []
        var dimension = header.dimension
        for number in 0..<count {
            let transform = try Transforms.read("vt\(number)", &reader)
            try reader.require(
                transform.inputDimension == dimension, "vt\(number)/d_in",
                found: transform.inputDimension, expected: "\(dimension)")
            try reader.require(
                transform.isTrained || !header.isTrained, "vt\(number)/is_trained", found: false,
                expected: "true in a trained index")
            dimension = transform.outputDimension
            chain.append(transform)
        }
        self.chain = chain
        index = try IndexTypes.read("index", &reader)
        try reader.require(
            index.dimension == dimension, "index/d", found: index.dimension,
            expected: "\(dimension), what the transforms give")
        try reader.require(
            index.count == header.count, "index/ntotal", found: index.count,
            expected: "\(header.count)")
        try reader.require(
            index.metric == header.metric, "index/metric_type", found: index.metric,
            expected: "\(header.metric)")
    }

    public var acceptedParameters: Set<SearchParameters.Name> { index.acceptedParameters }

    /// Queries as the inner index sees them.
    private func transformed(_ queries: VectorRows) -> VectorRows {
        var values: [Float] = []
        values.reserveCapacity(queries.count * index.dimension)
        for row in 0..<queries.count {
            values += chain.reduce(queries.row(row)) { $1.apply($0) }
        }
        return VectorRows(checked: values, dimension: index.dimension)
    }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        try index.search(transformed(queries), k: k, parameters: parameters)
    }

    public func within(
        _ radius: Float, of queries: VectorRows, parameters: SearchParameters
    ) throws -> RangeHits {
        try index.rangeSearch(transformed(queries), radius: radius, parameters: parameters)
    }

    public func reconstruct(_ id: Int64) throws -> [Float] {
        try chain.reversed().reduce(try index.reconstruct(id)) { try $1.reverse($0) }
    }

    public func distances(from query: [Float]) throws -> any QueryDistances {
        try index.distances(from: chain.reduce(query) { $1.apply($0) })
    }

    // MARK: Changes

    public mutating func append(
        _ vectors: VectorRows, ids: [Int64]?, progress: TrainingProgressHandler?
    ) throws {
        try index.append(transformed(vectors), ids: ids, progress: progress)
        header.count = index.count
    }

    public mutating func delete(_ selector: IDSelector) throws -> Int {
        defer { header.count = index.count }
        return try index.delete(selector)
    }

    public mutating func relabel(_ change: (Int64) -> Int64) throws { try index.relabel(change) }

    public mutating func replace(_ ids: [Int64], with vectors: VectorRows) throws {
        try index.replace(ids, with: transformed(vectors))
    }

    public mutating func absorb(_ other: any VectorIndex, shiftingIDs shift: Int64) throws {
        guard let other = other as? Self else {
            throw IndexChangeError.incompatible("one has transforms")
        }
        try index.absorb(other.index, shiftingIDs: shift)
        header.count = index.count
    }

    public mutating func clear() throws {
        try index.clear()
        header.count = 0
    }

    public mutating func mapLabels(_ kind: DirectMapKind) throws { try index.mapLabels(kind) }

    public mutating func relocateLists(_ path: String) throws { try index.relocateLists(path) }

    public var renumbersOnRemoval: Bool { index.renumbersOnRemoval }

    public func reconstruct(_ ids: [Int64]) throws -> VectorRows {
        try reversed(index.reconstruct(ids))
    }

    /// Vectors of the inner index as they were before the transforms.
    private func reversed(_ vectors: VectorRows) throws -> VectorRows {
        VectorRows(
            checked: try (0..<vectors.count).flatMap { row in
                try chain.reversed().reduce(vectors.row(row)) { try $1.reverse($0) }
            }, dimension: dimension)
    }

    public var codeByteCount: Int? { index.codeByteCount }

    public func codes(of vectors: VectorRows) throws -> [UInt8] {
        try index.codes(of: transformed(vectors))
    }

    public func vectors(of codes: [UInt8]) throws -> VectorRows {
        try reversed(index.vectors(of: codes))
    }

    public var parameterRanges: [ParameterRange] { index.parameterRanges }

    public var facts: [(String, String)] {
        [
            (
                "transforms",
                chain.map { "\(type(of: $0)) \($0.inputDimension) to \($0.outputDimension)" }
                    .joined(separator: ", ")
            )
        ]
    }

    public var innerIndexes: [(role: String, index: any VectorIndex)] { [("index", index)] }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IxPT")
        try writer.header(header)
        try writer.i32(chain.count)
        for transform in chain { try transform.write(to: &writer) }
        try index.write(to: &writer)
    }
}
