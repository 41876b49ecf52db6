/// An index of bits that offers what it looks at, whether the nearest or all within a radius are
/// wanted.
protocol ScannedBinaryIndex: HeaderedBinaryIndex {
    /// Offers the vectors that a search for a query meets.
    func scan<Collector: HitCollector>(
        _ query: [UInt8], _ parameters: SearchParameters, into collector: inout Collector
    ) throws
}

extension ScannedBinaryIndex {
    public func nearest(
        _ queries: BinaryRows, k: Int, parameters: SearchParameters
    ) throws -> BinaryNeighbors {
        var neighbors = BinaryNeighbors(queryCount: queries.count, k: k)
        for query in 0..<queries.count {
            var top = TopK(min(k, count), isSimilarity: false)
            try scan(queries.row(query), parameters, into: &top)
            neighbors.store(top, query: query)
        }
        return neighbors
    }

    public func within(
        _ radius: Int, of queries: BinaryRows, parameters: SearchParameters
    ) throws -> RangeHits {
        var hits = RangeHits()
        for query in 0..<queries.count {
            var collector = RangeCollector(radius: Float(radius), .l2)
            try scan(queries.row(query), parameters, into: &collector)
            hits.append(collector.hits)
        }
        return hits
    }
}
