import FathomKernels

/// Components rounded to a few bits of their range, or to a smaller float.
struct ScalarCodec: DecodableCodec, ListCodec {
    private(set) var quantizer: ScalarQuantizer
    private(set) var isTrained: Bool

    var dimension: Int { quantizer.dimension }
    var codeSize: Int { quantizer.codeSize }
    var trainingLimit: Int { 100_000 }
    private var kind: ScalarQuantizer.Kind { quantizer.kind }

    init(
        dimension: Int, kind: ScalarQuantizer.Kind,
        statistic: ScalarQuantizer.RangeStatistic = .minmax, argument: Float = 0
    ) {
        quantizer = ScalarQuantizer(
            dimension: dimension, kind: kind, statistic: statistic, argument: argument)
        isTrained = kind.rangeCount(dimension) == 0
    }

    /// The codec of a quantizer that was trained.
    init(_ quantizer: ScalarQuantizer) {
        self.quantizer = quantizer
        isTrained = true
    }

    mutating func train(
        _ rows: VectorRows, _ work: BuildWork
    ) throws(TrainingError) {
        guard kind.rangeCount(dimension) > 0 else { return }
        guard rows.count > 0 else {
            throw .tooFewVectors(found: 0, needed: 1, purpose: "the ranges of a scalar quantizer")
        }
        let range = ScalarRange(
            quantizer.statistic, argument: quantizer.statisticArgument, levels: 1 << kind.bits)
        if kind.isUniform {
            let (low, width) = range.of(rows.values)
            quantizer.setRanges([low, width])
        } else {
            var (ends, widths): ([Float], [Float]) = ([], [])
            for column in 0..<dimension {
                var values = rows.columns(column..<column + 1).values
                // Faiss leaves the first vector out of these statistics and counts zeros for it.
                if quantizer.statistic != .minmax { values[0] = 0 }
                let (low, width) = range.of(values)
                ends.append(low)
                widths.append(width)
            }
            quantizer.setRanges(ends + widths)
        }
        isTrained = true
    }

    func encode(_ rows: VectorRows, around centers: VectorRows?) -> [UInt8] {
        let rows = rows.subtracting(centers)
        var codes = [UInt8](repeating: 0, count: rows.count * codeSize)
        codes.withUnsafeMutableBytes { codes in
            rows.values.withUnsafeBufferPointer { values in
                guard let codes = codes.baseAddress, let values = values.baseAddress else { return }
                for row in 0..<rows.count {
                    encode(values + row * dimension, into: codes + row * codeSize)
                }
            }
        }
        return codes
    }

    private func encode(_ vector: UnsafePointer<Float>, into code: UnsafeMutableRawPointer) {
        switch kind {
        case .float16: fk_f32_to_f16(code, vector, Int64(dimension))
        case .brainFloat16:
            for i in 0..<dimension {
                let rounded = vector[i].bitPattern &+ 0x8000
                code.storeBytes(
                    of: UInt16(truncatingIfNeeded: rounded >> 16), toByteOffset: 2 * i,
                    as: UInt16.self)
            }
        case .eightBitDirect, .eightBitDirectSigned:
            let offset: Float = kind == .eightBitDirect ? 0 : 128
            for i in 0..<dimension {
                let value = min(255, max(0, vector[i] + offset))
                code.storeBytes(of: UInt8(value), toByteOffset: i, as: UInt8.self)
            }
        case .eightBit, .eightBitUniform, .fourBit, .fourBitUniform, .sixBit:
            for i in 0..<dimension {
                let number = UInt16(quantizer.level(vector[i], i)) << UInt16(i * kind.bits % 8)
                let byte = i * kind.bits / 8
                let low = code.load(fromByteOffset: byte, as: UInt8.self)
                code.storeBytes(
                    of: low | UInt8(truncatingIfNeeded: number), toByteOffset: byte,
                    as: UInt8.self)
                if number > 255 {
                    code.storeBytes(
                        of: UInt8(number >> 8), toByteOffset: byte + 1, as: UInt8.self)
                }
            }
        }
    }

    func decode(_ codes: [UInt8]) -> VectorRows {
        let count = codes.count / max(1, codeSize)
        var values = [Float](repeating: 0, count: count * dimension)
        codes.withUnsafeBytes { codes in
            values.withUnsafeMutableBufferPointer { values in
                guard let codes = codes.baseAddress, let values = values.baseAddress else { return }
                for row in 0..<count {
                    quantizer.decode(codes + row * codeSize, into: values + row * dimension)
                }
            }
        }
        return VectorRows(checked: values, dimension: dimension)
    }

    func writeFlat(_ header: IndexHeader, _ codes: [UInt8], to writer: inout IndexWriter) throws {
        try writer.fourCC("IxSQ")
        try writer.header(header)
        try quantizer.write(to: &writer)
        try writer.vector(codes)
    }

    var graphType: FourCC { "IHNs" }
    var spreadingGraphType: FourCC { "INSs" }
    var listType: FourCC { "IwSq" }

    func writeListFields(
        _ header: IndexHeader, isResidual: Bool, to writer: inout IndexWriter
    ) throws {
        try quantizer.write(to: &writer)
        try writer.size(codeSize)
        try writer.bool(isResidual)
    }
}
