/// A coarse quantizer whose vectors are all combinations of a product quantizer's centroids.
///
/// Source: Babenko, Lempitsky, "The inverted multi-index", 2012.
public struct MultiIndexQuantizer: HeaderedIndex, ReadableIndex {
    let header: IndexHeader
    private let quantizer: ProductQuantizer

    init(reading reader: inout IndexReader, type: FourCC) throws {
        header = try reader.header()
        try reader.require(
            header.metric == .l2, "metric_type", found: header.metric, expected: "l2")
        quantizer = try ProductQuantizer(
            reading: &reader, dimension: header.dimension, isTrained: header.isTrained)
        let bits = quantizer.bits * quantizer.partCount
        try reader.require(
            bits <= 40 && (header.count == 1 << bits || header.count == 0 && !header.isTrained),
            "ntotal", found: header.count, expected: "2 to the power of \(bits), at most 2^40")
    }

    public var acceptedParameters: Set<SearchParameters.Name> { [] }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        var neighbors = Neighbors(queryCount: queries.count, k: k, metric: metric)
        for query in 0..<queries.count {
            neighbors.store(nearest(queries.row(query), k), query: query)
        }
        return neighbors
    }

    /// The best combinations, built part by part: only the best `k` of each prefix can be in it.
    private func nearest(_ query: [Float], _ k: Int) -> TopK {
        let table = quantizer.table(query, .l2)
        let size = quantizer.centroidCount
        var best: [(distance: Float, label: Int64)] = [(0, 0)]
        var top = TopK(0, metric)
        for part in 0..<quantizer.partCount {
            let row = table[part * size..<(part + 1) * size]
            var nearest = TopK(min(k, size), metric)
            for (number, distance) in row.enumerated() { nearest.offer(distance, Int64(number)) }
            let extensions = nearest.sorted()
            top = TopK(min(k, count), metric)
            for prefix in best {
                for next in extensions {
                    let distance = prefix.distance + next.distance
                    guard !top.isFull || distance <= top.bound else { break }
                    top.offer(distance, prefix.label | next.label << Int64(part * quantizer.bits))
                }
            }
            best = top.sorted()
        }
        return top
    }

    public func reconstruct(_ id: Int64) throws -> [Float] {
        guard id >= 0, id < count else { throw VectorSearchError.noSuchID(id) }
        var vector = [Float](repeating: 0, count: dimension)
        quantizer.decode(into: &vector) { part in
            Int(id >> Int64(part * quantizer.bits)) & (quantizer.centroidCount - 1)
        }
        return vector
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("Imiq")
        try writer.header(header)
        try quantizer.write(to: &writer)
    }
}
