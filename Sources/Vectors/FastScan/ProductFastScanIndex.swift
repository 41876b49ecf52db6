/// Product-quantizer codes of 4 bits in blocks, all of them looked at, distances rounded.
public struct ProductFastScanIndex: StoredCodeIndex, ReadableIndex {
    var header: IndexHeader
    private let quantizer: ProductQuantizer
    private let tables: ProductTables
    private let settings: [Int32]
    private let blocks: FastScanBlocks
    var codes: Storage<UInt8>

    init(reading reader: inout IndexReader, type: FourCC) throws {
        header = try reader.header()
        try reader.requirePlainMetric(header.metric)
        quantizer = try ProductQuantizer(
            reading: &reader, dimension: header.dimension, isTrained: header.isTrained)
        try reader.require(
            quantizer.bits == 4, "pq.nbits", found: quantizer.bits, expected: "4")
        tables = ProductTables(quantizer)
        let implementation = try reader.i32("implem")
        let rows = try FastScanBlocks.rows(&reader)
        settings = [implementation, try reader.i32("qbs")]
        blocks = FastScanBlocks(partCount: quantizer.partCount, rows: rows)
        codes = try blocks.readCodes(&reader, count: header.count)
    }

    public var acceptedParameters: Set<SearchParameters.Name> { [.selector] }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        blocks.nearest(queries, k: k, metric, codes, count: count, parameters) { query in
            (QuantizedTable(tables.table(query, metric)), 1)
        }
    }

    public func within(
        _ radius: Float, of queries: VectorRows, parameters: SearchParameters
    ) throws -> RangeHits {
        blocks.within(
            radius, of: queries, metric, codes, count: count, parameters
        ) { (QuantizedTable(tables.table($0, metric)), 1) }
    }

    public func reconstruct(_ id: Int64) throws -> [Float] {
        guard id >= 0, id < count else { throw VectorSearchError.noSuchID(id) }
        var vector = [Float](repeating: 0, count: dimension)
        codes.withUnsafeBytes { codes in
            guard let base = codes.baseAddress else { return }
            quantizer.decode(into: &vector) { blocks.number(base, row: Int(id), part: $0) }
        }
        return vector
    }

    var layout: CodeLayout { .blocks(blocks) }

    func rows(encoding vectors: VectorRows) -> [UInt8] {
        ProductCodec(quantizer).encode(vectors, around: nil)
    }

    func vectors(decoding rows: [UInt8]) -> VectorRows { ProductCodec(quantizer).decode(rows) }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IPfs")
        try writer.header(header)
        try quantizer.write(to: &writer)
        try writer.value(settings[0])
        try writer.i32(blocks.rows)
        try writer.value(settings[1])
        try blocks.writeCodes(&writer, codes, count: count)
    }
}

extension FastScanBlocks {
    /// Reads the codes of a flat index, and the sizes before them.
    func readCodes(
        _ reader: inout IndexReader, count: Int
    ) throws(IndexFileError) -> Storage<UInt8> {
        let size = try byteCount(count, reader)
        let rounded = try paddedCount(count, reader)
        _ = try reader.size("ntotal2", in: rounded...rounded)
        _ = try reader.size("M2", in: paddedPartCount...paddedPartCount)
        return try reader.vectorStorage("codes", of: UInt8.self, count: size)
    }

    func paddedCount(
        _ count: Int, _ reader: IndexReader
    ) throws(IndexFileError) -> Int {
        try reader.product("ntotal2", count / rows + (count % rows > 0 ? 1 : 0), rows)
    }

    func writeCodes(
        _ writer: inout IndexWriter, _ codes: Storage<UInt8>, count: Int
    ) throws {
        try writer.size((count + rows - 1) / rows * rows)
        try writer.size(paddedPartCount)
        try writer.vector(codes)
    }

    /// Searches the codes of a flat index with a table for each query.
    func nearest(
        _ queries: VectorRows, k: Int, _ metric: Metric, _ codes: Storage<UInt8>, count: Int,
        _ parameters: SearchParameters,
        table: ([Float]) -> (table: QuantizedTable, normScale: Int32)
    ) -> Neighbors {
        var neighbors = Neighbors(queryCount: queries.count, k: k, metric: metric)
        for query in 0..<queries.count {
            let (table, normScale) = table(queries.row(query))
            var top = TopK(min(k, count), metric)
            codes.withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                table.withTable(list: 0) { entries in
                    forEachSum(base, count: count, table: entries, scale: normScale) { row, sum in
                        if let selector = parameters.selector, !selector.contains(Int64(row)) {
                            return
                        }
                        top.offer(table.distance(sum), Int64(row))
                    }
                }
            }
            neighbors.store(top, query: query)
        }
        return neighbors
    }
}
