/// A fast index whose candidates a more exact one compares again.
public struct RefinedIndex: HeaderedIndex, ReadableIndex {
    let header: IndexHeader
    private let base: any VectorIndex
    private let refinement: any VectorIndex
    private let kFactor: Float

    init(reading reader: inout IndexReader, type: FourCC) throws {
        header = try reader.header()
        base = try IndexTypes.read("base_index", &reader)
        refinement = try IndexTypes.read("refine_index", &reader)
        kFactor = try reader.f32("k_factor")
        for (name, index) in [("base_index", base), ("refine_index", refinement)] {
            try reader.require(
                index.dimension == header.dimension, name + "/d", found: index.dimension,
                expected: "\(header.dimension)")
            try reader.require(
                index.count == header.count, name + "/ntotal", found: index.count,
                expected: "\(header.count)")
            try reader.require(
                index.metric == header.metric, name + "/metric_type", found: index.metric,
                expected: "\(header.metric)")
        }
        try reader.require(
            (1...1000).contains(kFactor), "k_factor", found: kFactor, expected: "from 1 to 1000")
        try reader.require(
            header.count <= Int(Int32.max), "ntotal", found: header.count,
            expected: "at most \(Int32.max)")
    }

    public var acceptedParameters: Set<SearchParameters.Name> { [.kFactor, .base] }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        let factor = Double(parameters.kFactor ?? kFactor)
        let wanted = max(1, Int(min(Double(count), (Double(k) * factor).rounded(.down))))
        var neighbors = Neighbors(queryCount: queries.count, k: k, metric: metric)
        for query in 0..<queries.count {
            let row = queries.row(query)
            let candidates = try base.search(
                VectorRows(checked: row, dimension: dimension), k: wanted,
                parameters: parameters.base ?? SearchParameters())
            // Labels of an inverted file are those of a file, and so may be anything.
            let positions = candidates.labels.filter { $0 >= 0 && $0 < count }.map {
                Int32(truncatingIfNeeded: $0)
            }
            let exact = try refinement.distances(from: row)
            var distances = [Float](repeating: 0, count: positions.count)
            positions.withUnsafeBufferPointer { exact.fill(&distances, positions: $0) }
            var top = TopK(min(k, count), metric)
            for (position, distance) in zip(positions, distances) {
                top.offer(distance, Int64(position))
            }
            neighbors.store(top, query: query)
        }
        return neighbors
    }

    public func reconstruct(_ id: Int64) throws -> [Float] { try refinement.reconstruct(id) }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IxRF")
        try writer.header(header)
        try base.write(to: &writer)
        try refinement.write(to: &writer)
        try writer.f32(kFactor)
    }
}
