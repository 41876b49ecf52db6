/// Inverted lists of product-quantizer codes of 4 bits in blocks, distances rounded.
public struct IVFProductFastScanIndex: ListedIndex, ReadableIndex {
    var file: InvertedFile
    let isResidual: Bool
    private let codeSize: Int
    private let implementation: Int32
    private let qbs: UInt64
    private let quantizer: ProductQuantizer
    private let tables: ProductTables
    private let blocks: FastScanBlocks

    init(reading reader: inout IndexReader, type: FourCC) throws {
        var file = try InvertedFile(reading: &reader)
        try reader.requirePlainMetric(file.header.metric)
        isResidual = try reader.bool("by_residual")
        codeSize = try reader.size("code_size", in: 0...IndexHeader.dimensionLimit)
        let rows = try FastScanBlocks.rows(&reader)
        let padded = try reader.size("M2", in: 1...IndexHeader.dimensionLimit + 1)
        implementation = try reader.i32("implem")
        qbs = try reader.u64("qbs2")
        quantizer = try ProductQuantizer(
            reading: &reader, dimension: file.header.dimension, isTrained: file.header.isTrained)
        try reader.require(
            quantizer.bits == 4, "pq.nbits", found: quantizer.bits, expected: "4")
        tables = ProductTables(quantizer)
        blocks = FastScanBlocks(partCount: quantizer.partCount, rows: rows)
        try reader.require(
            padded == blocks.paddedPartCount, "M2", found: padded,
            expected: "\(blocks.paddedPartCount)")
        try file.readLists(&reader, blocks: blocks)
        self.file = file
    }

    public var acceptedParameters: Set<SearchParameters.Name> { InvertedFile.fastScanParameters }

    /// The rounded table of a query: residual codes need one a list for L2, and for the inner
    /// product the centroid's.
    private func table(
        _ query: [Float], _ probes: [(list: Int, distance: Float)]
    ) throws -> QuantizedTable {
        guard isResidual else { return QuantizedTable(tables.table(query, metric)) }
        let distances = probes.map(\.distance)
        guard metric == .l2 else {
            return QuantizedTable(tables.table(query, metric), distances: distances)
        }
        let centers = try file.centers(of: probes.map(\.list))
        return QuantizedTable(tables.tables(query, around: centers), eachWith: distances)
    }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        var neighbors = Neighbors(queryCount: queries.count, k: k, metric: metric)
        let allProbes = try file.probes(queries, parameters)
        for number in 0..<queries.count {
            let query = queries.row(number)
            let probes = allProbes[number]
            guard !probes.isEmpty else { continue }
            var top = TopK(min(k, count), metric)
            try file.scan(
                probes.map(\.list), blocks, try table(query, probes), parameters, into: &top,
                skipsBeyond: metric == .l2
            ) { _, _, _, rounded, _ in rounded }
            neighbors.store(top, query: number)
        }
        return neighbors
    }

    public func within(
        _ radius: Float, of queries: VectorRows, parameters: SearchParameters
    ) throws -> RangeHits {
        var hits = RangeHits()
        let allProbes = try file.probes(queries, parameters)
        for number in 0..<queries.count {
            let query = queries.row(number)
            let probes = allProbes[number]
            hits.append(
                probes.isEmpty
                    ? []
                    : try file.within(
                        radius, probes.map(\.list), blocks, try table(query, probes), parameters))
        }
        return hits
    }

    public func reconstruct(_ id: Int64) throws -> [Float] {
        try file.reconstruct(id, isResidual: isResidual) { codes, offset, vector in
            quantizer.decode(into: vector) { blocks.number(codes, row: offset, part: $0) }
        }
    }

    var layout: CodeLayout { .blocks(blocks) }

    func rows(encoding vectors: VectorRows, lists: [Int]) throws -> [UInt8] {
        ProductCodec(quantizer).encode(
            vectors, around: isResidual ? try file.centers(of: lists) : nil)
    }

    func vectors(decoding rows: [UInt8], lists: [Int]) throws -> VectorRows {
        ProductCodec(quantizer).decode(rows)
            .adding(isResidual ? try file.centers(of: lists) : nil)
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IwPf")
        try file.writeHeader(to: &writer)
        try writer.bool(isResidual)
        try writer.size(codeSize)
        try writer.i32(blocks.rows)
        try writer.size(blocks.paddedPartCount)
        try writer.value(implementation)
        try writer.value(qbs)
        try quantizer.write(to: &writer)
        try file.lists.write(to: &writer)
    }
}
