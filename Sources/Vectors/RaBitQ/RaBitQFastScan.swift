/// RaBitQ codes in blocks: four signs are a part, factors stand behind the codes of a block.
struct RaBitQFastScan: Sendable {
    let quantizer: RaBitQuantizer
    let blocks: FastScanBlocks

    init(_ quantizer: RaBitQuantizer, rows: Int) {
        self.quantizer = quantizer
        blocks = FastScanBlocks(
            partCount: (quantizer.dimension + 3) / 4, rows: rows,
            extraBytes: quantizer.factorSize)
    }

    /// What each combination of four signs contributes, for each of some queries.
    func tables(_ queries: [RaBitQQuery]) -> PartTables {
        PartTables(queries.flatMap(table), partCount: blocks.partCount)
    }

    private func table(_ query: RaBitQQuery) -> [Float] {
        let largest = Float((1 << query.bits) - 1)
        var table = [Float](repeating: 0, count: blocks.partCount * 16)
        for part in 0..<blocks.partCount {
            for signs in 0..<16 {
                var value: Float = 0
                var count = 0
                for place in 0..<4 where part * 4 + place < query.codes.count {
                    let code = Float(query.codes[part * 4 + place])
                    let isSet = signs >> place & 1 != 0
                    if query.isCentered {
                        value += isSet ? largest - code : code
                    } else if isSet {
                        value += code
                        count += 1
                    }
                }
                table[part * 16 + signs] =
                    query.isCentered
                    ? value : query.factors.product * value + query.factors.count * Float(count)
            }
        }
        return table
    }

    private func sign(_ codes: UnsafeRawPointer, _ row: Int, _ i: Int) -> Bool {
        blocks.number(codes, row: row, part: i / 4) >> (i % 4) & 1 != 0
    }

    /// The distance of a row from the rounded sum of the table.
    func distance(
        _ query: RaBitQQuery, _ codes: UnsafeRawPointer, _ row: Int, _ sum: Float, bound: Float
    ) -> Float {
        let factors = blocks.extra(codes, row: row)
        let direction =
            query.isCentered
            ? query.centeredDirection(Int(exactly: sum.rounded(.towardZero)) ?? 0)
            : sum - query.factors.offset
        let estimate = query.distance(
            direction, squared: factors.loadUnaligned(as: Float.self),
            multiplier: factors.loadUnaligned(fromByteOffset: 4, as: Float.self))
        guard quantizer.extraBits > 0 else { return estimate }
        let error = query.error(factors.loadUnaligned(fromByteOffset: 8, as: Float.self))
        guard query.canReach(bound, estimate: estimate, error: error) else {
            return quantizer.metric.missingDistance
        }
        return query.exactDistance(factors + 12) { sign(codes, row, $0) }
    }

    /// The vectors of codes that stand one after the other.
    func vectors(decoding rows: [UInt8], centers: VectorRows?, center: [Float]) -> VectorRows {
        let size = quantizer.codeSize
        let count = rows.count / size
        var values = [Float](repeating: 0, count: count * quantizer.dimension)
        rows.withUnsafeBytes { bytes in
            values.withUnsafeMutableBufferPointer { values in
                guard let bytes = bytes.baseAddress, let values = values.baseAddress else { return }
                for row in 0..<count {
                    quantizer.decode(
                        bytes + row * size, centroid: centers?.row(row) ?? center,
                        into: values + row * quantizer.dimension)
                }
            }
        }
        return VectorRows(checked: values, dimension: quantizer.dimension)
    }

    /// The vector of a row.
    func decode(_ codes: UnsafeRawPointer, row: Int, centroid: [Float]) -> [Float] {
        var vector = [Float](repeating: 0, count: quantizer.dimension)
        let multiplier = blocks.extra(codes, row: row)
            .loadUnaligned(fromByteOffset: 4, as: Float.self)
        quantizer.decode(multiplier, centroid: centroid, into: &vector) { sign(codes, row, $0) }
        return vector
    }
}
