/// An index whose vectors have labels of their own.
public struct IDMappedIndex: HeaderedIndex, ReadableIndex {
    let header: IndexHeader
    private let type: FourCC
    private let index: any VectorIndex
    /// The label of each position.
    private let labels: [Int64]

    init(reading reader: inout IndexReader, type: FourCC) throws {
        self.type = type
        header = try reader.header()
        index = try IndexTypes.read("index", &reader)
        labels = try reader.vector("id_map", of: Int64.self, count: header.count)
        try reader.require(
            index.count == header.count, "index/ntotal", found: index.count,
            expected: "\(header.count)")
        try reader.require(
            index.dimension == header.dimension, "index/d", found: index.dimension,
            expected: "\(header.dimension)")
    }

    public var acceptedParameters: Set<SearchParameters.Name> { index.acceptedParameters }

    /// A selector speaks of labels; the inner index knows positions.
    private func translated(_ parameters: SearchParameters) -> SearchParameters {
        guard let selector = parameters.selector else { return parameters }
        var parameters = parameters
        parameters.selector = selector.translated(by: labels)
        return parameters
    }

    private func label(_ position: Int64) -> Int64 {
        position >= 0 && position < labels.count ? labels[Int(position)] : -1
    }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        var neighbors = try index.search(queries, k: k, parameters: translated(parameters))
        neighbors.labels = neighbors.labels.map(label)
        return neighbors
    }

    public func within(
        _ radius: Float, of queries: VectorRows, parameters: SearchParameters
    ) throws -> RangeHits {
        let inner = try index.rangeSearch(
            queries, radius: radius, parameters: translated(parameters))
        var hits = RangeHits()
        for query in 0..<queries.count {
            hits.append(
                (inner.limits[query]..<inner.limits[query + 1]).map {
                    (inner.distances[$0], label(inner.labels[$0]))
                })
        }
        return hits
    }

    public func reconstruct(_ id: Int64) throws -> [Float] {
        guard let position = labels.firstIndex(of: id) else {
            throw VectorSearchError.noSuchID(id)
        }
        return try index.reconstruct(Int64(position))
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(type)
        try writer.header(header)
        try index.write(to: &writer)
        try writer.vector(labels)
    }
}
