/// What an additive quantizer needs for codes in blocks: its parts are the codebooks and, for L2,
/// two more for the norm.
struct AdditiveFastScan: Sendable {
    let quantizer: AdditiveQuantizer
    let metric: Metric
    private let implementation: Int32
    private let qbs: Int32
    let blocks: FastScanBlocks
    private let codeSize: Int

    /// Reads the fields up to the size of a code.
    init(
        reading reader: inout IndexReader, _ quantizer: AdditiveQuantizer, _ metric: Metric
    ) throws {
        self.quantizer = quantizer
        self.metric = metric
        for width in quantizer.bits where width != 4 {
            throw reader.failure("nbits", found: width, expected: "4")
        }
        implementation = try reader.i32("implem")
        let rows = try FastScanBlocks.rows(&reader)
        qbs = try reader.i32("qbs")
        let isL2 = metric == .l2
        let parts = quantizer.codebookCount + (isL2 ? 2 : 0)
        try reader.require(
            !isL2 || quantizer.searchType == .normLocalSearch2x4
                || quantizer.searchType == .normResidual2x4, "search_type",
            found: quantizer.searchType, expected: "one with norms of 2 x 4 bits")
        _ = try reader.size("M", in: parts...parts)
        _ = try reader.size("nbits", in: 4...4)
        _ = try reader.size("ksub", in: 16...16)
        codeSize = try reader.size("code_size", in: 0...IndexHeader.dimensionLimit)
        blocks = FastScanBlocks(partCount: parts, rows: rows)
    }

    func write(to writer: inout IndexWriter) throws {
        try writer.value(implementation)
        try writer.i32(blocks.rows)
        try writer.value(qbs)
        try writer.size(blocks.partCount)
        try writer.size(4)
        try writer.size(16)
        try writer.size(codeSize)
    }

    /// Table entries of a query: inner products, for L2 times −2 and with those of the norms.
    func table(_ query: [Float], normScale: Int32) -> PartTables {
        var entries = quantizer.table(query)
        if metric == .l2 {
            entries = entries.map { $0 * -2 } + quantizer.normTables.map { $0 / Float(normScale) }
        }
        return PartTables(entries, partCount: blocks.partCount)
    }

    /// The codes of vectors as rows of the blocks.
    ///
    /// - Parameter centers: what belongs to each vector beside its code.
    func rows(
        encoding vectors: VectorRows, norming centers: VectorRows? = nil
    ) throws -> [UInt8] {
        let codes = try quantizer.encode(vectors, norming: centers)
        let (size, rowSize) = (quantizer.codeSize, CodeLayout.blocks(blocks).rowSize)
        // Inner products need no norm, which may stand behind the numbers of the entries.
        guard size != rowSize else { return codes }
        return (0..<vectors.count).flatMap { codes[$0 * size..<$0 * size + rowSize] }
    }

    /// The vectors of rows of the blocks.
    func vectors(decoding rows: [UInt8]) -> VectorRows {
        let (size, rowSize) = (quantizer.codeSize, CodeLayout.blocks(blocks).rowSize)
        guard size != rowSize else { return quantizer.vectors(decoding: rows) }
        let missing = [UInt8](repeating: 0, count: size - rowSize)
        return quantizer.vectors(
            decoding: stride(from: 0, to: rows.count, by: rowSize).flatMap {
                rows[$0..<$0 + rowSize] + missing
            })
    }

    /// The vector of a row.
    func decode(_ codes: UnsafeRawPointer, row: Int) -> [Float] {
        var vector = [Float](repeating: 0, count: quantizer.dimension)
        quantizer.decode(into: &vector) { blocks.number(codes, row: row, part: $0) }
        return vector
    }
}

/// How norms are scaled so that they do not take the precision of the rest.
struct NormScaling: Sendable {
    private let rescales: Bool
    private let scale: Int32
    private let trainingLimit: UInt64

    init(reading reader: inout IndexReader) throws {
        rescales = try reader.bool("rescale_norm")
        scale = try reader.i32("norm_scale")
        try reader.require(
            !rescales || (1...1 << 16).contains(scale), "norm_scale", found: scale,
            expected: "from 1 to 65536")
        trainingLimit = try reader.u64("max_train_points")
    }

    func write(to writer: inout IndexWriter) throws {
        try writer.bool(rescales)
        try writer.value(scale)
        try writer.value(trainingLimit)
    }

    func factor(_ metric: Metric) -> Int32 { rescales && metric == .l2 ? scale : 1 }
}

/// Additive-quantizer codes of 4 bits in blocks, all of them looked at, distances rounded.
///
/// L2 distances leave out ‖q‖², as in Faiss.
public struct AdditiveFastScanIndex: StoredCodeIndex, ReadableIndex {
    var header: IndexHeader
    private let type: FourCC
    private let scan: AdditiveFastScan
    private let scaling: NormScaling
    var codes: Storage<UInt8>

    init(reading reader: inout IndexReader, type: FourCC) throws {
        self.type = type
        header = try reader.header()
        try reader.requirePlainMetric(header.metric)
        let quantizer = try AdditiveQuantizer(
            reading: &reader, dimension: header.dimension, form: AdditiveQuantizer.form(type),
            isTrained: header.isTrained)
        scan = try AdditiveFastScan(reading: &reader, quantizer, header.metric)
        let size = try scan.blocks.byteCount(header.count, reader)
        let padded = try scan.blocks.paddedCount(header.count, reader)
        _ = try reader.size("ntotal2", in: padded...padded)
        let parts = scan.blocks.paddedPartCount
        _ = try reader.size("M2", in: parts...parts)
        scaling = try NormScaling(reading: &reader)
        codes = try reader.vectorStorage("codes", of: UInt8.self, count: size)
    }

    public var acceptedParameters: Set<SearchParameters.Name> { [.selector] }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        let factor = scaling.factor(metric)
        return scan.blocks.nearest(queries, k: k, metric, codes, count: count, parameters) {
            (QuantizedTable(scan.table($0, normScale: factor)), factor)
        }
    }

    public func within(
        _ radius: Float, of queries: VectorRows, parameters: SearchParameters
    ) throws -> RangeHits {
        let factor = scaling.factor(metric)
        return scan.blocks.within(
            radius, of: queries, metric, codes, count: count, parameters
        ) { (QuantizedTable(scan.table($0, normScale: factor)), factor) }
    }

    public func reconstruct(_ id: Int64) throws -> [Float] {
        guard id >= 0, id < count else { throw VectorSearchError.noSuchID(id) }
        return codes.withUnsafeBytes { codes in
            guard let base = codes.baseAddress else { return [] }
            return scan.decode(base, row: Int(id))
        }
    }

    var layout: CodeLayout { .blocks(scan.blocks) }

    func rows(encoding vectors: VectorRows) throws -> [UInt8] {
        try scan.rows(encoding: vectors)
    }

    func vectors(decoding rows: [UInt8]) -> VectorRows { scan.vectors(decoding: rows) }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(type)
        try writer.header(header)
        try scan.quantizer.write(to: &writer)
        try scan.write(to: &writer)
        try writer.size((count + scan.blocks.rows - 1) / scan.blocks.rows * scan.blocks.rows)
        try writer.size(scan.blocks.paddedPartCount)
        try scaling.write(to: &writer)
        try writer.vector(codes)
    }
}
