extension QuantizedTable {
    /// Whether the distance of a sum is within a radius.
    ///
    /// As in Faiss the radius is cut to a whole number of the sum's units: of smaller distances
    /// those in its last, broken unit are left out, and of larger similarities taken.
    func isWithin(_ radius: Float, _ sum: Int32, _ metric: Metric) -> Bool {
        guard scale > 0 else { return metric.isSimilarity ? base > radius : base < radius }
        let limit = (scale * (radius - base)).rounded(.towardZero)
        return metric.isSimilarity ? Float(sum) > limit : Float(sum) < limit
    }
}

extension FastScanBlocks {
    /// All vectors of a flat index's codes that are within a radius of queries.
    func within(
        _ radius: Float, of queries: VectorRows, _ metric: Metric, _ codes: Storage<UInt8>,
        count: Int, _ parameters: SearchParameters,
        table: ([Float]) -> (table: QuantizedTable, normScale: Int32)
    ) -> RangeHits {
        var hits = RangeHits()
        for query in 0..<queries.count {
            let (table, normScale) = table(queries.row(query))
            var found: [(distance: Float, label: Int64)] = []
            forEachSum(codes, count: count, table, scale: normScale, parameters) { _, row, sum in
                if table.isWithin(radius, sum, metric) {
                    found.append((table.distance(sum), Int64(row)))
                }
            }
            hits.append(found)
        }
        return hits
    }

    /// Calls a closure with the sum of each row of a flat index that a selector contains.
    func forEachSum(
        _ codes: Storage<UInt8>, count: Int, _ table: QuantizedTable, scale: Int32 = 1,
        _ parameters: SearchParameters,
        _ body: (_ codes: UnsafeRawPointer, _ row: Int, _ sum: Int32) -> Void
    ) {
        codes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            table.withTable(list: 0) { entries in
                forEachSum(base, count: count, table: entries, scale: scale) { row, sum in
                    if let selector = parameters.selector, !selector.contains(Int64(row)) {
                        return
                    }
                    body(base, row, sum)
                }
            }
        }
    }
}

extension InvertedFile {
    /// All vectors of some lists that are within a radius, by sums of their codes in blocks.
    func within(
        _ radius: Float, _ probes: [Int], _ blocks: FastScanBlocks, _ table: QuantizedTable,
        normScale: Int32 = 1, _ parameters: SearchParameters
    ) throws -> [(distance: Float, label: Int64)] {
        var found: [(distance: Float, label: Int64)] = []
        try forEachSum(probes, blocks, table, normScale: normScale, parameters) {
            _, _, _, sum, label in
            if table.isWithin(radius, sum, header.metric) {
                found.append((table.distance(sum), label))
            }
        }
        return found
    }
}
