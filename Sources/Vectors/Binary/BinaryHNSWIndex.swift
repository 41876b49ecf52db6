/// A graph of several layers over bit vectors.
public struct BinaryHNSWIndex: HeaderedBinaryIndex, ReadableBinaryIndex {
    let header: BinaryHeader
    private let graph: HNSWGraph
    private let storage: any BinaryIndex

    init(reading reader: inout IndexReader, type: FourCC) throws {
        let header = try BinaryHeader(reading: &reader)
        self.header = header
        graph = try reader.nested("hnsw") { try HNSWGraph(reading: &$0, count: header.count) }
        storage = try IndexTypes.readBinary("storage", &reader)
        try reader.check("storage", storage, of: header)
    }

    public var acceptedParameters: Set<SearchParameters.Name> { HNSWGraph.parameters }

    public func nearest(
        _ queries: BinaryRows, k: Int, parameters: SearchParameters
    ) throws -> BinaryNeighbors {
        let settings = HNSWGraph.Settings(graph, parameters, isSimilarity: false)
        var visited = VisitedSet(count: count)
        var neighbors = BinaryNeighbors(queryCount: queries.count, k: k)
        for query in 0..<queries.count {
            var top = TopK(min(k, count), isSimilarity: false)
            graph.search(
                try storage.distances(from: queries.row(query)), k: k, settings, &visited,
                into: &top)
            neighbors.store(top, query: query)
        }
        return neighbors
    }

    public func reconstruct(_ id: Int64) throws -> [UInt8] { try storage.reconstruct(id) }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IBHf")
        try header.write(to: &writer)
        try graph.write(to: &writer)
        try storage.write(to: &writer)
    }
}
