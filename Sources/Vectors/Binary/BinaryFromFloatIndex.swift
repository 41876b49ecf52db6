/// Bit vectors kept as floats of ±1, so that any float index can hold them.
///
/// The squared distance of two such vectors is four times the number of differing bits.
public struct BinaryFromFloatIndex: HeaderedBinaryIndex, ReadableBinaryIndex {
    private(set) var header: BinaryHeader
    private var index: any VectorIndex

    init(reading reader: inout IndexReader, type: FourCC) throws {
        header = try BinaryHeader(reading: &reader)
        index = try IndexTypes.read("index", &reader)
        try reader.require(
            index.dimension == header.dimension, "index/d", found: index.dimension,
            expected: "\(header.dimension)")
        try reader.require(
            index.count == header.count, "index/ntotal", found: index.count,
            expected: "\(header.count)")
        try reader.require(
            index.metric == .l2, "index/metric_type", found: index.metric, expected: "l2")
    }

    public var acceptedParameters: Set<SearchParameters.Name> { index.acceptedParameters }

    private func floats(_ rows: BinaryRows) -> VectorRows {
        let values = rows.bytes.flatMap { byte in
            (0..<8).map { byte >> UInt8($0) & 1 != 0 ? Float(1) : -1 }
        }
        return VectorRows(checked: values, dimension: dimension)
    }

    public func nearest(
        _ queries: BinaryRows, k: Int, parameters: SearchParameters
    ) throws -> BinaryNeighbors {
        let found = try index.search(floats(queries), k: k, parameters: parameters)
        var neighbors = BinaryNeighbors(queryCount: queries.count, k: k)
        neighbors.labels = found.labels
        for (place, label) in found.labels.enumerated() where label >= 0 {
            let bits = (found.distances[place] / 4).rounded(.toNearestOrAwayFromZero)
            neighbors.distances[place] = Int32(exactly: bits) ?? .max
        }
        return neighbors
    }

    // MARK: Changes

    public mutating func append(_ vectors: BinaryRows, ids: [Int64]?) throws {
        try index.append(floats(vectors), ids: ids, progress: nil)
        header.count = index.count
    }

    public mutating func delete(_ selector: IDSelector) throws -> Int {
        defer { header.count = index.count }
        return try index.delete(selector)
    }

    public mutating func absorb(_ other: any BinaryIndex, shiftingIDs shift: Int64) throws {
        guard let other = other as? Self else {
            throw IndexChangeError.incompatible("one is BinaryFromFloatIndex")
        }
        try index.absorb(other.index, shiftingIDs: shift)
        header.count = index.count
    }

    public mutating func relabel(_ change: (Int64) -> Int64) throws { try index.relabel(change) }

    public mutating func clear() throws {
        try index.clear()
        header.count = 0
    }

    public var renumbersOnRemoval: Bool { index.renumbersOnRemoval }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IBFf")
        try header.write(to: &writer)
        try index.write(to: &writer)
    }
}
