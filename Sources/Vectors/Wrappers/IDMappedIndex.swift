/// An index whose vectors have labels of their own.
public struct IDMappedIndex: HeaderedIndex, ReadableIndex {
    private(set) var header: IndexHeader
    private let type: FourCC
    private var index: any VectorIndex
    private var labels: PositionLabels

    init(reading reader: inout IndexReader, type: FourCC) throws {
        self.type = type
        header = try reader.header()
        index = try IndexTypes.read("index", &reader)
        labels = try PositionLabels(reading: &reader, count: header.count)
        try reader.require(
            index.count == header.count, "index/ntotal", found: index.count,
            expected: "\(header.count)")
        try reader.require(
            index.dimension == header.dimension, "index/d", found: index.dimension,
            expected: "\(header.dimension)")
    }

    public var acceptedParameters: Set<SearchParameters.Name> { index.acceptedParameters }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        var neighbors = try index.search(queries, k: k, parameters: labels.translated(parameters))
        neighbors.labels = neighbors.labels.map(labels.label)
        return neighbors
    }

    public func within(
        _ radius: Float, of queries: VectorRows, parameters: SearchParameters
    ) throws -> RangeHits {
        labels.labelled(
            try index.rangeSearch(
                queries, radius: radius, parameters: labels.translated(parameters)))
    }

    public func reconstruct(_ id: Int64) throws -> [Float] {
        try index.reconstruct(labels.position(of: id))
    }

    // MARK: Changes

    public mutating func append(
        _ vectors: VectorRows, ids: [Int64]?, progress: TrainingProgressHandler?
    ) throws {
        try index.append(vectors, ids: nil, progress: progress)
        let first = Int64(count)
        labels.append(ids ?? (0..<Int64(vectors.count)).map { first + $0 })
        header.count += vectors.count
    }

    public mutating func delete(_ selector: IDSelector) throws -> Int {
        let removed: Int
        if index.renumbersOnRemoval {
            removed = try index.delete(labels.translated(selector))
        } else {
            // Inverted lists keep the positions of those that stay, which must close up here. Faiss
            // leaves them, and finds wrong labels from then on.
            var changed = index
            removed = try changed.delete(labels.translated(selector))
            if removed > 0 { try changed.relabel(labels.closingUp(after: selector)) }
            index = changed
        }
        labels.remove(selector)
        header.count -= removed
        return removed
    }

    public mutating func absorb(_ other: any VectorIndex, shiftingIDs shift: Int64) throws {
        guard let other = other as? Self else {
            throw IndexChangeError.incompatible("one is an ID map")
        }
        let added = try other.labels.shifted(by: shift)
        try index.absorb(
            other.index, shiftingIDs: index.renumbersOnRemoval ? 0 : Int64(index.count))
        labels.append(added)
        header.count += other.count
    }

    public mutating func clear() throws {
        try index.clear()
        labels = PositionLabels([])
        header.count = 0
    }

    public mutating func relocateLists(_ path: String) throws { try index.relocateLists(path) }

    public func reconstruct(_ ids: [Int64]) throws -> VectorRows {
        try index.reconstruct(labels.positions(of: ids))
    }

    public var codeByteCount: Int? { index.codeByteCount }

    public func codes(of vectors: VectorRows) throws -> [UInt8] { try index.codes(of: vectors) }

    public func vectors(of codes: [UInt8]) throws -> VectorRows { try index.vectors(of: codes) }

    public var parameterRanges: [ParameterRange] { index.parameterRanges }

    public var innerIndexes: [(role: String, index: any VectorIndex)] { [("index", index)] }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(type)
        try writer.header(header)
        try index.write(to: &writer)
        try labels.write(to: &writer)
    }
}
