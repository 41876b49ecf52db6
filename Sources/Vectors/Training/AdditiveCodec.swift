/// Codes of sums of entries of codebooks, plain or in blocks for scanning many at once.
struct AdditiveCodec: ListCodec {
    private let training: AdditiveTraining
    private let metric: Metric
    private var quantizer: AdditiveQuantizer
    /// How much norms are made smaller in tables, so that they leave the rest its precision.
    private var normScale = 1

    var dimension: Int { training.dimension }
    private var description: AdditiveDescription { training.description }
    var isTrained: Bool { quantizer.isTrained }

    init(dimension: Int, metric: Metric, _ description: AdditiveDescription) {
        training = AdditiveTraining(dimension: dimension, description: description)
        self.metric = metric
        quantizer = training.untrained
    }

    var codeSize: Int { quantizer.codeSize }

    /// Parts of a code in blocks: codebooks, and two for the norm.
    private var blockParts: Int { quantizer.codebookCount + (metric == .l2 ? 2 : 0) }
    /// Vectors that codes in blocks are trained on at most.
    private var blockTrainingLimit: Int { 1024 * 16 * blockParts }

    var trainingLimit: Int {
        guard description.blockRows == nil else { return blockTrainingLimit }
        let books =
            description.family == .localSearch && description.partCount == nil
            ? description.bits.count : 1
        return 1024 * books << (description.bits.first ?? 1)
    }

    mutating func train(_ rows: VectorRows, _ work: BuildWork) throws(TrainingError) {
        guard description.blockRows != nil else {
            quantizer = try training.train(rows, work)
            return
        }
        let rows = rows.sample(blockTrainingLimit, seed: 0x12345)
        quantizer = try training.train(rows, work)
        normScale = scale(rows)
    }

    mutating func train(
        _ rows: VectorRows, around centers: VectorRows?, _ work: BuildWork
    ) throws(TrainingError) {
        let rests = rows.subtracting(centers)
        try train(rests, work)
        guard description.blockRows != nil, metric == .l2, let centers else { return }
        // Norms in blocks are those of whole vectors.
        quantizer = try training.normed(quantizer, rests, around: centers, work)
        normScale = scale(rests)
    }

    /// The mean over vectors of how much wider the tables of the norm are than the others.
    private func scale(_ rows: VectorRows) -> Int {
        guard metric == .l2 else { return 1 }
        func span(_ table: ArraySlice<Float>) -> Float {
            (table.max() ?? 0) - (table.min() ?? 0)
        }
        let wide = max(span(quantizer.normTables[..<16]), span(quantizer.normTables[16...]))
        let sample = rows.sample(65_536, seed: 0x980903)
        var sum = 0.0
        for row in 0..<sample.count {
            let table = quantizer.table(sample.row(row)).map { $0 * -2 }
            var widest: Float = 0
            for start in stride(from: 0, to: table.count, by: 16) {
                widest = max(widest, span(table[start..<start + 16]))
            }
            if widest > 0 { sum += Double(wide / widest) }
        }
        let mean = sum / Double(max(1, sample.count))
        // What files may say, and tables can hold.
        return Int(min(max(1, mean), 65_536).rounded(.toNearestOrAwayFromZero))
    }

    func encode(_ rows: VectorRows, around centers: VectorRows?) -> [UInt8] {
        // The quantizer was made here, so its settings can be followed.
        guard let encoder = try? AdditiveEncoder(quantizer) else { return [] }
        return encoder.encode(
            rows.subtracting(centers), norming: description.blockRows == nil ? nil : centers)
    }

    // MARK: Files

    private func type(_ residual: FourCC, _ local: FourCC, _ cut: FourCC, _ cutLocal: FourCC)
        -> FourCC
    {
        switch (description.family, description.partCount) {
        case (.residual, nil): residual
        case (.localSearch, nil): local
        case (.residual, _): cut
        case (.localSearch, _): cutLocal
        }
    }

    func writeFlat(_ header: IndexHeader, _ codes: [UInt8], to writer: inout IndexWriter) throws {
        guard let blockRows = description.blockRows else {
            try writer.fourCC(type("IxRq", "IxLS", "IxPR", "IxPL"))
            try writer.header(header)
            try quantizer.write(to: &writer)
            try writer.size(codeSize)
            try writer.vector(codes)
            return
        }
        let blocks = FastScanBlocks(partCount: blockParts, rows: blockRows)
        try writer.fourCC(type("IRfs", "ILfs", "IPRf", "IPLf"))
        try writer.header(header)
        try quantizer.write(to: &writer)
        try writeBlockFields(blocks, to: &writer)
        try writer.size((header.count + blockRows - 1) / blockRows * blockRows)
        try writer.size(blocks.paddedPartCount)
        try writeScaling(to: &writer)
        try writer.vector(blocks.packed(numbers(codes)))
    }

    var listType: FourCC {
        description.blockRows == nil
            ? type("IwRQ", "IwLS", "IwPR", "IwPL") : type("IVRf", "IVLf", "NPRf", "NPLf")
    }

    func writeListFields(
        _ header: IndexHeader, isResidual: Bool, to writer: inout IndexWriter
    ) throws {
        guard let blockRows = description.blockRows else {
            try writer.size(codeSize)
            try quantizer.write(to: &writer)
            try writer.bool(isResidual)
            try writer.i32(0)
            return
        }
        let blocks = FastScanBlocks(partCount: blockParts, rows: blockRows)
        try quantizer.write(to: &writer)
        try writer.bool(isResidual)
        try writeBlockFields(blocks, to: &writer)
        try writer.size(0)
        try writer.size(blocks.paddedPartCount)
        try writeScaling(to: &writer)
    }

    private func writeBlockFields(
        _ blocks: FastScanBlocks, to writer: inout IndexWriter
    ) throws {
        try writer.i32(0)
        try writer.i32(blocks.rows)
        try writer.i32(0)
        try writer.size(blocks.partCount)
        try writer.size(4)
        try writer.size(16)
        try writer.size((blocks.partCount + 1) / 2)
    }

    private func writeScaling(to writer: inout IndexWriter) throws {
        try writer.bool(true)
        try writer.i32(normScale)
        try writer.size(blockTrainingLimit)
    }

    func writeLists(_ lists: ArrayLists, to writer: inout IndexWriter) throws {
        guard let blockRows = description.blockRows else { return try lists.write(to: &writer) }
        try FastScanBlocks(partCount: blockParts, rows: blockRows)
            .writeLists(lists, to: &writer) { numbers($0) }
    }

    /// Numbers of the parts of codes, the two of the norm included.
    private func numbers(_ codes: [UInt8]) -> [UInt32] {
        var numbers: [UInt32] = []
        numbers.reserveCapacity(codes.count / max(1, codeSize) * blockParts)
        for start in stride(from: 0, to: codes.count, by: codeSize) {
            for part in 0..<blockParts {
                let byte = codes[start + part / 2]
                numbers.append(UInt32(part.isMultiple(of: 2) ? byte & 15 : byte >> 4))
            }
        }
        return numbers
    }
}
