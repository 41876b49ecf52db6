/// A binary index whose vectors have labels of their own.
public struct BinaryIDMappedIndex: HeaderedBinaryIndex, ReadableBinaryIndex {
    let header: BinaryHeader
    private let type: FourCC
    private let index: any BinaryIndex
    private let labels: PositionLabels

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

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(type)
        try header.write(to: &writer)
        try index.write(to: &writer)
        try labels.write(to: &writer)
    }
}
