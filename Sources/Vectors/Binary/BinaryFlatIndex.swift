/// Bit vectors as they are, compared one by one.
public struct BinaryFlatIndex: HeaderedBinaryIndex, ReadableBinaryIndex {
    let header: BinaryHeader
    let codes: [UInt8]

    init(reading reader: inout IndexReader, type: FourCC) throws {
        header = try BinaryHeader(reading: &reader)
        codes = try reader.vector(
            "xb", of: UInt8.self, count: try reader.product("xb", header.count, header.codeSize))
    }

    public var acceptedParameters: Set<SearchParameters.Name> { [.selector] }

    private func scan<Collector: HitCollector>(
        _ query: [UInt8], _ parameters: SearchParameters, into collector: inout Collector
    ) {
        codes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            CodeRun(codes: base, codeSize: codeSize, count: count).scan(
                with: HammingScanner(query), selector: parameters.selector, into: &collector)
        }
    }

    public func nearest(
        _ queries: BinaryRows, k: Int, parameters: SearchParameters
    ) throws -> BinaryNeighbors {
        var neighbors = BinaryNeighbors(queryCount: queries.count, k: k)
        for query in 0..<queries.count {
            var top = TopK(min(k, count), isSimilarity: false)
            scan(queries.row(query), parameters, into: &top)
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
            scan(queries.row(query), parameters, into: &collector)
            hits.append(collector.hits)
        }
        return hits
    }

    public func reconstruct(_ id: Int64) throws -> [UInt8] {
        guard id >= 0, id < count else { throw VectorSearchError.noSuchID(id) }
        return Array(codes[Int(id) * codeSize..<(Int(id) + 1) * codeSize])
    }

    public func distances(from query: [UInt8]) throws -> any QueryDistances {
        ScannedDistances(HammingScanner(query), codes: codes, codeSize: codeSize)
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IBxF")
        try header.write(to: &writer)
        try writer.vector(codes)
    }
}
