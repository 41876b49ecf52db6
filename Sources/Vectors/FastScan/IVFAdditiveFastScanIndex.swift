/// Inverted lists of additive-quantizer codes of 4 bits in blocks, distances rounded.
///
/// Norms are those of whole vectors, so one table serves every list; what a centroid adds to the
/// inner product is the bias of its list. L2 distances leave out ‖q‖², as in Faiss.
public struct IVFAdditiveFastScanIndex: ListedIndex, ReadableIndex {
    var file: InvertedFile
    private let type: FourCC
    let isResidual: Bool
    private let scan: AdditiveFastScan
    private let qbs: UInt64
    private let scaling: NormScaling

    init(reading reader: inout IndexReader, type: FourCC) throws {
        self.type = type
        var file = try InvertedFile(reading: &reader)
        let header = file.header
        try reader.requirePlainMetric(header.metric)
        let quantizer = try AdditiveQuantizer(
            reading: &reader, dimension: header.dimension, form: AdditiveQuantizer.form(type),
            isTrained: header.isTrained)
        isResidual = try reader.bool("by_residual")
        scan = try AdditiveFastScan(reading: &reader, quantizer, header.metric)
        qbs = try reader.u64("qbs2")
        let parts = scan.blocks.paddedPartCount
        _ = try reader.size("M2", in: parts...parts)
        scaling = try NormScaling(reading: &reader)
        try file.readLists(&reader, blocks: scan.blocks)
        self.file = file
    }

    public var acceptedParameters: Set<SearchParameters.Name> { InvertedFile.fastScanParameters }

    /// The rounded table of a query, and what the centroids of lists add to it.
    private func table(_ query: [Float], _ lists: [Int]) throws -> QuantizedTable {
        var biases: [Float] = []
        if isResidual {
            let sign: Float = metric == .l2 ? -2 : 1
            for list in lists {
                let centroid = try file.quantizer.reconstruct(Int64(list))
                biases.append(sign * zip(query, centroid).reduce(0) { $0 + $1.0 * $1.1 })
            }
        }
        return QuantizedTable(
            scan.table(query, normScale: scaling.factor(metric)), distances: biases)
    }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        let factor = scaling.factor(metric)
        var neighbors = Neighbors(queryCount: queries.count, k: k, metric: metric)
        let allProbes = try file.probes(queries, parameters)
        for number in 0..<queries.count {
            let query = queries.row(number)
            let probes = allProbes[number]
            guard !probes.isEmpty else { continue }
            let table = try table(query, probes.map(\.list))
            var top = TopK(min(k, count), metric)
            try file.scan(
                probes.map(\.list), scan.blocks, table, normScale: factor, parameters, into: &top
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
            let lists = allProbes[number].map(\.list)
            hits.append(
                lists.isEmpty
                    ? []
                    : try file.within(
                        radius, lists, scan.blocks, try table(queries.row(number), lists),
                        normScale: scaling.factor(metric), parameters))
        }
        return hits
    }

    public func reconstruct(_ id: Int64) throws -> [Float] {
        let (list, offset) = try file.place(of: id)
        let vector = file.lists.withList(list) { contents in
            contents.codes.map { scan.decode($0, row: offset) } ?? []
        }
        guard isResidual else { return vector }
        return zip(vector, try file.quantizer.reconstruct(Int64(list))).map { $0 + $1 }
    }

    var layout: CodeLayout { .blocks(scan.blocks) }

    func rows(encoding vectors: VectorRows, lists: [Int]) throws -> [UInt8] {
        let centers = isResidual ? try file.centers(of: lists) : nil
        return try scan.rows(encoding: vectors.subtracting(centers), norming: centers)
    }

    func vectors(decoding rows: [UInt8], lists: [Int]) throws -> VectorRows {
        scan.vectors(decoding: rows).adding(isResidual ? try file.centers(of: lists) : nil)
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(type)
        try file.writeHeader(to: &writer)
        try scan.quantizer.write(to: &writer)
        try writer.bool(isResidual)
        try scan.write(to: &writer)
        try writer.value(qbs)
        try writer.size(scan.blocks.paddedPartCount)
        try scaling.write(to: &writer)
        try file.lists.write(to: &writer)
    }
}
