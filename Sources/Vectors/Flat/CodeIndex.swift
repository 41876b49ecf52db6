/// An index that keeps one code a vector, one after the other, and looks at all of them.
protocol CodeIndex: StoredCodeIndex {
    /// Bytes of a code.
    var codeSize: Int { get }
    /// Prepares a query.
    func scanner(_ query: [Float], _ parameters: SearchParameters) throws -> any CodeScanner
    /// The vector that a code stands for.
    func decode(_ code: UnsafeRawPointer, into vector: UnsafeMutablePointer<Float>)
}

extension CodeIndex {
    var layout: CodeLayout { .rows(size: codeSize) }

    func vectors(decoding rows: [UInt8]) -> VectorRows {
        let count = codeSize > 0 ? rows.count / codeSize : 0
        var values = [Float](repeating: 0, count: count * dimension)
        rows.withUnsafeBytes { bytes in
            values.withUnsafeMutableBufferPointer { values in
                guard let bytes = bytes.baseAddress, let values = values.baseAddress else { return }
                for row in 0..<count {
                    decode(bytes + row * codeSize, into: values + row * dimension)
                }
            }
        }
        return VectorRows(checked: values, dimension: dimension)
    }

    public var acceptedParameters: Set<SearchParameters.Name> { [.selector] }

    private func scan<Collector: HitCollector>(
        _ query: [Float], _ parameters: SearchParameters, into collector: inout Collector
    ) throws {
        let scanner = try scanner(query, parameters)
        try codes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            let step = parameters.limit == nil ? count : SearchLimit.codesAtOnce
            for first in stride(from: 0, to: count, by: max(1, step)) {
                try parameters.limit?.check()
                CodeRun(
                    codes: base + first * codeSize, codeSize: codeSize,
                    count: min(step, count - first), firstPosition: Int64(first)
                ).scan(with: scanner, selector: parameters.selector, into: &collector)
            }
        }
    }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        var neighbors = Neighbors(queryCount: queries.count, k: k, metric: metric)
        for query in 0..<queries.count {
            var top = TopK(min(k, count), metric)
            try scan(queries.row(query), parameters, into: &top)
            neighbors.store(top, query: query)
        }
        try codes.checkIntact()
        return neighbors
    }

    public func within(
        _ radius: Float, of queries: VectorRows, parameters: SearchParameters
    ) throws -> RangeHits {
        var hits = RangeHits()
        for query in 0..<queries.count {
            var collector = RangeCollector(radius: radius, metric)
            try scan(queries.row(query), parameters, into: &collector)
            hits.append(collector.hits)
        }
        try codes.checkIntact()
        return hits
    }

    public func reconstruct(_ id: Int64) throws -> [Float] { try reconstruct([id]).values }

    public func reconstruct(_ ids: [Int64]) throws -> VectorRows {
        if let id = ids.first(where: { $0 < 0 || $0 >= count }) {
            throw VectorSearchError.noSuchID(id)
        }
        var values = [Float](repeating: 0, count: ids.count * dimension)
        codes.withUnsafeBytes { bytes in
            values.withUnsafeMutableBufferPointer { values in
                guard let bytes = bytes.baseAddress, let values = values.baseAddress else { return }
                for (row, id) in ids.enumerated() {
                    decode(bytes + Int(id) * codeSize, into: values + row * dimension)
                }
            }
        }
        return VectorRows(checked: values, dimension: dimension)
    }

    public func distances(from query: [Float]) throws -> any QueryDistances {
        ScannedDistances(
            try scanner(query, SearchParameters()), codes: codes, codeSize: codeSize)
    }
}
