/// An index whose vectors have labels of their own.
public struct IDMappedIndex: HeaderedIndex, ReadableIndex {
    let header: IndexHeader
    private let type: FourCC
    private let index: any VectorIndex
    private let labels: PositionLabels

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

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(type)
        try writer.header(header)
        try index.write(to: &writer)
        try labels.write(to: &writer)
    }
}
