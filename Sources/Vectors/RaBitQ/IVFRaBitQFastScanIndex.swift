/// Inverted lists of RaBitQ codes in blocks, products rounded.
public struct IVFRaBitQFastScanIndex: ListedIndex, ReadableIndex {
    var file: InvertedFile
    private let storesResiduals: Bool
    private let codeSize: Int
    private let qbs: UInt64
    private let implementation: Int32
    private let queryBits: UInt8
    private let isCentered: Bool
    private let scan: RaBitQFastScan

    init(reading reader: inout IndexReader, type: FourCC) throws {
        var file = try InvertedFile(reading: &reader)
        let quantizer = try RaBitQuantizer(
            reading: &reader, dimension: file.header.dimension, metric: file.header.metric,
            hasBits: true)
        storesResiduals = try reader.bool("by_residual")
        codeSize = try reader.size("code_size", in: 0...IndexHeader.dimensionLimit)
        scan = RaBitQFastScan(quantizer, rows: try FastScanBlocks.rows(&reader))
        qbs = try reader.u64("qbs2")
        let parts = scan.blocks.paddedPartCount
        _ = try reader.size("M2", in: parts...parts)
        implementation = try reader.i32("implem")
        queryBits = try reader.queryBits(1...8)
        isCentered = try reader.bool("centered")
        try file.readLists(&reader, blocks: scan.blocks)
        self.file = file
    }

    public var acceptedParameters: Set<SearchParameters.Name> {
        InvertedFile.fastScanParameters.union([.qb, .centered])
    }

    /// A query seen from the centroid of each of some lists.
    private func prepare(
        _ query: [Float], _ lists: [Int], _ parameters: SearchParameters
    ) throws -> [RaBitQQuery] {
        try lists.map { list in
            RaBitQQuery(
                query, centroid: try file.quantizer.reconstruct(Int64(list)), scan.quantizer,
                bits: max(1, parameters.qb ?? Int(queryBits)),
                isCentered: parameters.centered ?? isCentered)
        }
    }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        var neighbors = Neighbors(queryCount: queries.count, k: k, metric: metric)
        let allProbes = try file.probes(queries, parameters)
        for number in 0..<queries.count {
            let row = queries.row(number)
            let probes = allProbes[number]
            guard !probes.isEmpty else { continue }
            let prepared = try prepare(row, probes.map(\.list), parameters)
            let table = QuantizedTable(scan.tables(prepared), eachWith: [])
            var top = TopK(min(k, count), metric)
            try file.scan(
                probes.map(\.list), scan.blocks, table, parameters, into: &top
            ) { probe, codes, row, sum, bound in
                scan.distance(prepared[probe], codes, row, sum, bound: bound)
            }
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
            let lists = allProbes[number].map(\.list)
            var collector = RangeCollector(radius: radius, metric)
            if !lists.isEmpty {
                let prepared = try prepare(queries.row(number), lists, parameters)
                let table = QuantizedTable(scan.tables(prepared), eachWith: [])
                try file.forEachSum(lists, scan.blocks, table, parameters) {
                    probe, codes, row, sum, label in
                    collector.offer(
                        scan.distance(
                            prepared[probe], codes, row, table.distance(sum), bound: radius),
                        label)
                }
            }
            hits.append(collector.hits)
        }
        return hits
    }

    public func reconstruct(_ id: Int64) throws -> [Float] {
        let (list, offset) = try file.place(of: id)
        let centroid = try file.quantizer.reconstruct(Int64(list))
        return file.lists.withList(list) { contents in
            contents.codes.map { scan.decode($0, row: offset, centroid: centroid) } ?? []
        }
    }

    var layout: CodeLayout { .blocks(scan.blocks) }
    var isResidual: Bool { true }

    func rows(encoding vectors: VectorRows, lists: [Int]) throws -> [UInt8] {
        RaBitQCodec(scan.quantizer, center: []).encode(
            vectors, around: try file.centers(of: lists))
    }

    func vectors(decoding rows: [UInt8], lists: [Int]) throws -> VectorRows {
        scan.vectors(decoding: rows, centers: try file.centers(of: lists), center: [])
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("Iwrn")
        try file.writeHeader(to: &writer)
        try scan.quantizer.write(to: &writer, withBits: true)
        try writer.bool(storesResiduals)
        try writer.size(codeSize)
        try writer.i32(scan.blocks.rows)
        try writer.value(qbs)
        try writer.size(scan.blocks.paddedPartCount)
        try writer.value(implementation)
        try writer.u8(queryBits)
        try writer.bool(isCentered)
        try file.lists.write(to: &writer)
    }
}
