/// An index of inverted lists whose codes are scanned one after the other.
protocol InvertedIndex: ListedIndex {
    /// Bytes of a code.
    var codeSize: Int { get }
    /// Prepares a query.
    func scanner(_ query: [Float], _ parameters: SearchParameters) throws -> any CodeScanner
    /// The vector that a code stands for, without its centroid if codes are residuals.
    func decode(_ code: UnsafeRawPointer, into vector: UnsafeMutablePointer<Float>)
}

extension InvertedIndex {
    var layout: CodeLayout { .rows(size: codeSize) }

    func vectors(decoding rows: [UInt8], lists: [Int]) throws -> VectorRows {
        var values = [Float](repeating: 0, count: lists.count * dimension)
        rows.withUnsafeBytes { bytes in
            values.withUnsafeMutableBufferPointer { values in
                guard let bytes = bytes.baseAddress, let values = values.baseAddress else { return }
                for row in lists.indices {
                    decode(bytes + row * codeSize, into: values + row * dimension)
                }
            }
        }
        return VectorRows(checked: values, dimension: dimension)
            .adding(isResidual ? try file.centers(of: lists) : nil)
    }

    public var acceptedParameters: Set<SearchParameters.Name> { InvertedFile.parameters }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        try nearestOneByOne(queries, k: k, parameters: parameters)
    }

    func nearestOneByOne(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        var neighbors = Neighbors(queryCount: queries.count, k: k, metric: metric)
        let probes = try file.probes(queries, parameters)
        for number in 0..<queries.count {
            let query = queries.row(number)
            var top = TopK(min(k, count), metric)
            try file.scan(
                probes[number], with: try scanner(query, parameters), codeSize: codeSize,
                parameters, into: &top)
            neighbors.store(top, query: number)
        }
        return neighbors
    }

    public func within(
        _ radius: Float, of queries: VectorRows, parameters: SearchParameters
    ) throws -> RangeHits {
        var hits = RangeHits()
        let probes = try file.probes(queries, parameters)
        for number in 0..<queries.count {
            let query = queries.row(number)
            var collector = RangeCollector(radius: radius, metric)
            try file.scan(
                probes[number], with: try scanner(query, parameters), codeSize: codeSize,
                parameters, into: &collector)
            hits.append(collector.hits)
        }
        return hits
    }

    public func reconstruct(_ id: Int64) throws -> [Float] {
        try file.reconstruct(id, isResidual: isResidual) { codes, offset, vector in
            decode(codes + offset * codeSize, into: vector)
        }
    }
}
