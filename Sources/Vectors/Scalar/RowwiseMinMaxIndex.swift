/// A codec that scales every row to its own range before an inner codec rounds it.
///
/// Faiss defines encoding and decoding only, so there is nothing to search.
public struct RowwiseMinMaxIndex: HeaderedIndex, ReadableIndex {
    let header: IndexHeader
    private let type: FourCC
    private let inner: any VectorIndex

    init(reading reader: inout IndexReader, type: FourCC) throws {
        self.type = type
        header = try reader.header()
        inner = try IndexTypes.read("index", &reader)
        try reader.require(
            inner.dimension == header.dimension, "index/d", found: inner.dimension,
            expected: "\(header.dimension)")
    }

    public var acceptedParameters: Set<SearchParameters.Name> { [] }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        throw VectorSearchError.unsupported("search", by: "RowwiseMinMaxIndex")
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(type)
        try writer.header(header)
        try inner.write(to: &writer)
    }
}
