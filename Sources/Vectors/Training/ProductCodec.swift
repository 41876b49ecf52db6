/// Trains and applies a product quantizer to many vectors at once.
package struct TrainableProductQuantizer: Sendable {
    private(set) var quantizer: ProductQuantizer

    package var dimension: Int { quantizer.dimension }
    /// M.
    package var partCount: Int { quantizer.partCount }
    /// b.
    package var bits: Int { quantizer.bits }
    package var centroidCount: Int { quantizer.centroidCount }
    package var partDimension: Int { quantizer.partDimension }
    package var codeSize: Int { quantizer.codeSize }
    package var isTrained: Bool { !quantizer.centroids.isEmpty }

    package init(dimension: Int, partCount: Int, bits: Int) {
        quantizer = ProductQuantizer(dimension: dimension, partCount: partCount, bits: bits)
    }

    /// - Parameter quantizer: one that was trained.
    init(_ quantizer: ProductQuantizer) { self.quantizer = quantizer }

    /// Finds the centroids of each part on its own.
    ///
    /// - Parameter continues: begins with the centroids that are there.
    package mutating func train(
        _ rows: VectorRows, _ settings: KMeans.Settings,
        continues: Bool = false, _ work: BuildWork
    ) throws(TrainingError) {
        let means = KMeans(centroidCount: centroidCount, settings: settings)
        var trained: [Float] = []
        trained.reserveCapacity(centroidCount * dimension)
        for part in 0..<partCount {
            let first = continues ? centroids(of: part) : nil
            trained += try means.train(
                columns(rows, part), startingFrom: first, threads: work.threads
            ).centroids.values
            work.report(
                TrainingProgress(
                    stage: "product quantizer", completed: part + 1, total: partCount))
        }
        quantizer = ProductQuantizer(
            dimension: dimension, partCount: partCount, bits: bits, centroids: trained)
    }

    private func columns(_ rows: VectorRows, _ part: Int) -> VectorRows {
        rows.columns(part * partDimension..<(part + 1) * partDimension)
    }

    private func centroids(of part: Int) -> VectorRows {
        let size = centroidCount * partDimension
        return VectorRows(
            checked: Array(quantizer.centroids[part * size..<(part + 1) * size]),
            dimension: partDimension)
    }

    /// The nearest centroid of each part: `[rows, M]`.
    package func numbers(of rows: VectorRows) -> [UInt32] {
        var numbers = [UInt32](repeating: 0, count: rows.count * partCount)
        for part in 0..<partCount {
            let found = NearestCentroids(centroids(of: part), isSimilarity: false)
                .assign(columns(rows, part)).numbers
            for (row, number) in found.enumerated() {
                numbers[row * partCount + part] = UInt32(number)
            }
        }
        return numbers
    }

    /// The vectors of centroid numbers.
    package func decode(_ numbers: [UInt32]) -> VectorRows {
        let count = numbers.count / partCount
        var values = [Float](repeating: 0, count: count * dimension)
        values.withUnsafeMutableBufferPointer { values in
            guard let base = values.baseAddress else { return }
            for row in 0..<count {
                quantizer.decode(into: base + row * dimension) {
                    Int(numbers[row * partCount + $0])
                }
            }
        }
        return VectorRows(checked: values, dimension: dimension)
    }

    /// Codes of centroid numbers, least significant bits first.
    package func pack(_ numbers: [UInt32]) -> [UInt8] {
        if bits == 8 { return numbers.map { UInt8(truncatingIfNeeded: $0) } }
        var codes: [UInt8] = []
        codes.reserveCapacity(numbers.count / partCount * codeSize)
        for start in stride(from: 0, to: numbers.count, by: partCount) {
            codes += quantizer.pack(numbers[start..<start + partCount])
        }
        return codes
    }

    /// The centroid numbers of codes.
    package func unpack(_ codes: [UInt8]) -> [UInt32] {
        if bits == 8 { return codes.map { UInt32($0) } }
        var numbers: [UInt32] = []
        numbers.reserveCapacity(codes.count / codeSize * partCount)
        codes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            for start in stride(from: 0, to: bytes.count, by: codeSize) {
                var reader = BitReader(base + start, byteCount: codeSize)
                for _ in 0..<partCount {
                    numbers.append(UInt32(truncatingIfNeeded: reader.read(bits)))
                }
            }
        }
        return numbers
    }
}

/// Product-quantizer codes, plain or in blocks for scanning many at once.
struct ProductCodec: DecodableCodec, ListCodec {
    private(set) var quantizer: TrainableProductQuantizer
    /// Vectors of a block; nil for plain codes.
    let blockRows: Int?

    var dimension: Int { quantizer.dimension }
    var codeSize: Int { quantizer.codeSize }
    var isTrained: Bool { quantizer.isTrained }
    var trainingLimit: Int { 256 * quantizer.centroidCount }

    init(dimension: Int, partCount: Int, bits: Int, blockRows: Int? = nil) {
        quantizer = TrainableProductQuantizer(
            dimension: dimension, partCount: partCount, bits: bits)
        self.blockRows = blockRows
    }

    /// The codec of a quantizer that was trained.
    init(_ quantizer: ProductQuantizer) {
        self.quantizer = TrainableProductQuantizer(quantizer)
        blockRows = nil
    }

    mutating func train(
        _ rows: VectorRows, _ work: BuildWork
    ) throws(TrainingError) {
        try quantizer.train(rows, KMeans.Settings(), work)
    }

    func encode(_ rows: VectorRows, around centers: VectorRows?) -> [UInt8] {
        quantizer.pack(quantizer.numbers(of: rows.subtracting(centers)))
    }

    func decode(_ codes: [UInt8]) -> VectorRows { quantizer.decode(quantizer.unpack(codes)) }

    private func blocks(_ rows: Int) -> FastScanBlocks {
        FastScanBlocks(partCount: quantizer.partCount, rows: rows)
    }

    func writeFlat(_ header: IndexHeader, _ codes: [UInt8], to writer: inout IndexWriter) throws {
        try writer.fourCC(blockRows == nil ? "IxPq" : "IPfs")
        try writer.header(header)
        try quantizer.quantizer.write(to: &writer)
        if let blockRows {
            let blocks = blocks(blockRows)
            try writer.i32(0)
            try writer.i32(blockRows)
            try writer.i32(0)
            try blocks.writeCodes(
                &writer, Storage(blocks.packed(quantizer.unpack(codes))), count: header.count)
        } else {
            try writer.vector(codes)
            try writer.i32(0)
            try writer.bool(false)
            // A code differs in fewer bits than this from every other: none is passed over.
            try writer.i32(quantizer.partCount * quantizer.bits + 1)
        }
    }

    var graphType: FourCC { "IHNp" }
    var spreadingGraphType: FourCC { "INSp" }
    var listType: FourCC { blockRows == nil ? "IwPQ" : "IwPf" }

    func writeListFields(
        _ header: IndexHeader, isResidual: Bool, to writer: inout IndexWriter
    ) throws {
        try writer.bool(isResidual)
        try writer.size(codeSize)
        if let blockRows {
            try writer.i32(blockRows)
            try writer.size(blocks(blockRows).paddedPartCount)
            try writer.i32(0)
            try writer.size(0)
        }
        try quantizer.quantizer.write(to: &writer)
    }

    func writeLists(_ lists: ArrayLists, to writer: inout IndexWriter) throws {
        guard let blockRows else { return try lists.write(to: &writer) }
        try blocks(blockRows).writeLists(lists, to: &writer) { quantizer.unpack($0) }
    }
}

extension FastScanBlocks {
    /// Writes lists of plain codes as lists of blocks.
    ///
    /// - Parameter unpack: gives the numbers of the parts of codes.
    func writeLists(
        _ lists: ArrayLists, to writer: inout IndexWriter, _ unpack: ([UInt8]) -> [UInt32]
    ) throws {
        try writer.fourCC("ilbl")
        try writer.size(lists.lists.count)
        // Codes in blocks have no size of their own.
        try writer.value(UInt64.max)
        try writer.size(rows)
        try writer.size(stride)
        for list in lists.lists {
            try writer.vector(list.ids)
            try writer.vector(packed(unpack(list.codes.array)))
        }
    }

    /// Interleaves 4-bit numbers, `[vectors, partCount]`.
    package func packed(_ numbers: [UInt32]) -> [UInt8] {
        let count = numbers.count / partCount
        var codes = [UInt8](repeating: 0, count: (count + rows - 1) / rows * stride)
        for row in 0..<count {
            for part in 0..<partCount {
                let number = UInt8(truncatingIfNeeded: numbers[row * partCount + part]) & 15
                let (offset, isLow) = place(row: row, part: part)
                codes[offset] |= isLow ? number : number << 4
            }
        }
        return codes
    }
}
