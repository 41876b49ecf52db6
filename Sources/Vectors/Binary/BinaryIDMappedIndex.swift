/// A binary index whose vectors have labels of their own.
public struct BinaryIDMappedIndex: HeaderedBinaryIndex, ReadableBinaryIndex {
    private(set) var header: BinaryHeader
    private let type: FourCC
    private var index: any BinaryIndex
    private var labels: PositionLabels

    init(reading reader: inout IndexReader, type: FourCC) throws {
        self.type = type
        header = try BinaryHeader(reading: &reader)
        index = try IndexTypes.readBinary("index", &reader)
        labels = try PositionLabels(reading: &reader, count: header.count)
        try reader.check("index", index, of: header)
    }

    public var acceptedParameters: Set<SearchParameters.Name> { index.acceptedParameters }

    public func nearest(
        _ queries: BinaryRows, k: Int, parameters: SearchParameters
    ) throws -> BinaryNeighbors {
        var neighbors = try index.search(queries, k: k, parameters: labels.translated(parameters))
        neighbors.labels = neighbors.labels.map(labels.label)
        return neighbors
    }

    public func within(
        _ radius: Int, of queries: BinaryRows, parameters: SearchParameters
    ) throws -> RangeHits {
        labels.labelled(
            try index.rangeSearch(
                queries, radius: radius, parameters: labels.translated(parameters)))
    }

    public func reconstruct(_ id: Int64) throws -> [UInt8] {
        try index.reconstruct(labels.position(of: id))
    }

    // MARK: Changes

    public mutating func append(_ vectors: BinaryRows, ids: [Int64]?) throws {
        try index.append(vectors, ids: nil)
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

    public mutating func absorb(_ other: any BinaryIndex, shiftingIDs shift: Int64) throws {
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

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(type)
        try header.write(to: &writer)
        try index.write(to: &writer)
        try labels.write(to: &writer)
    }
}
