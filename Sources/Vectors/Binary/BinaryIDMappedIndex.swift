/// A binary index whose vectors have labels of their own.
public struct BinaryIDMappedIndex: HeaderedBinaryIndex, ReadableBinaryIndex {
    let header: BinaryHeader
    private let type: FourCC
    private let index: any BinaryIndex
    /// The label of each position.
    private let labels: [Int64]

    init(reading reader: inout IndexReader, type: FourCC) throws {
        self.type = type
        header = try BinaryHeader(reading: &reader)
        index = try IndexTypes.readBinary("index", &reader)
        labels = try reader.vector("id_map", of: Int64.self, count: header.count)
        try reader.check("index", index, of: header)
    }

    public var acceptedParameters: Set<SearchParameters.Name> { index.acceptedParameters }

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
        _ queries: BinaryRows, k: Int, parameters: SearchParameters
    ) throws -> BinaryNeighbors {
        var neighbors = try index.search(queries, k: k, parameters: translated(parameters))
        neighbors.labels = neighbors.labels.map(label)
        return neighbors
    }

    public func within(
        _ radius: Int, of queries: BinaryRows, parameters: SearchParameters
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

    public func reconstruct(_ id: Int64) throws -> [UInt8] {
        guard let position = labels.firstIndex(of: id) else {
            throw VectorSearchError.noSuchID(id)
        }
        return try index.reconstruct(Int64(position))
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(type)
        try header.write(to: &writer)
        try index.write(to: &writer)
        try writer.vector(labels)
    }
}
