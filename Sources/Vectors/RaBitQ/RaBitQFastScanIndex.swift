/// RaBitQ codes in blocks around one centre, all of them looked at, products rounded.
public struct RaBitQFastScanIndex: StoredCodeIndex, ReadableIndex {
    var header: IndexHeader
    private let scan: RaBitQFastScan
    private let center: [Float]
    private let queryBits: UInt8
    private let codeSize: Int
    var codes: Storage<UInt8>

    init(reading reader: inout IndexReader, type: FourCC) throws {
        header = try reader.header()
        let quantizer = try RaBitQuantizer(
            reading: &reader, dimension: header.dimension, metric: header.metric, hasBits: true)
        center = try reader.center(header)
        queryBits = try reader.queryBits(1...8)
        scan = RaBitQFastScan(quantizer, rows: try FastScanBlocks.rows(&reader))
        let size = try scan.blocks.byteCount(header.count, reader)
        let padded = try scan.blocks.paddedCount(header.count, reader)
        _ = try reader.size("ntotal2", in: padded...padded)
        let parts = scan.blocks.paddedPartCount
        _ = try reader.size("M2", in: parts...parts)
        codeSize = try reader.size("code_size", in: 0...IndexHeader.dimensionLimit)
        codes = try reader.vectorStorage("codes", of: UInt8.self, count: size)
    }

    public var acceptedParameters: Set<SearchParameters.Name> { [.selector, .qb, .centered] }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        var neighbors = Neighbors(queryCount: queries.count, k: k, metric: metric)
        let bits = max(1, parameters.qb ?? Int(queryBits))
        for number in 0..<queries.count {
            let query = RaBitQQuery(
                queries.row(number), centroid: center, scan.quantizer, bits: bits,
                isCentered: parameters.centered ?? false)
            let table = QuantizedTable(scan.tables([query]))
            var top = TopK(min(k, count), metric)
            codes.withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                table.withTable(list: 0) { entries in
                    scan.blocks.forEachSum(base, count: count, table: entries) { row, sum in
                        if let selector = parameters.selector, !selector.contains(Int64(row)) {
                            return
                        }
                        let distance = scan.distance(
                            query, base, row, table.distance(sum), bound: top.bound)
                        top.offer(distance, Int64(row))
                    }
                }
            }
            neighbors.store(top, query: number)
        }
        return neighbors
    }

    public func within(
        _ radius: Float, of queries: VectorRows, parameters: SearchParameters
    ) throws -> RangeHits {
        var hits = RangeHits()
        let bits = max(1, parameters.qb ?? Int(queryBits))
        for number in 0..<queries.count {
            let query = RaBitQQuery(
                queries.row(number), centroid: center, scan.quantizer, bits: bits,
                isCentered: parameters.centered ?? false)
            let table = QuantizedTable(scan.tables([query]))
            var collector = RangeCollector(radius: radius, metric)
            scan.blocks.forEachSum(codes, count: count, table, parameters) { codes, row, sum in
                collector.offer(
                    scan.distance(query, codes, row, table.distance(sum), bound: radius),
                    Int64(row))
            }
            hits.append(collector.hits)
        }
        return hits
    }

    public func reconstruct(_ id: Int64) throws -> [Float] {
        guard id >= 0, id < count else { throw VectorSearchError.noSuchID(id) }
        return codes.withUnsafeBytes { codes in
            guard let base = codes.baseAddress else { return [] }
            return scan.decode(base, row: Int(id), centroid: center)
        }
    }

    var layout: CodeLayout { .blocks(scan.blocks) }

    func rows(encoding vectors: VectorRows) -> [UInt8] {
        RaBitQCodec(scan.quantizer, center: center).encode(vectors, around: nil)
    }

    func vectors(decoding rows: [UInt8]) -> VectorRows {
        scan.vectors(decoding: rows, centers: nil, center: center)
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("Irfn")
        try writer.header(header)
        try scan.quantizer.write(to: &writer, withBits: true)
        try writer.vector(center)
        try writer.u8(queryBits)
        try writer.i32(scan.blocks.rows)
        try writer.size((count + scan.blocks.rows - 1) / scan.blocks.rows * scan.blocks.rows)
        try writer.size(scan.blocks.paddedPartCount)
        try writer.size(codeSize)
        try writer.vector(codes)
    }
}
