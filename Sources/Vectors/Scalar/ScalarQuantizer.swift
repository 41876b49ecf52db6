import FathomKernels

/// Rounds every component to a few bits, or to a smaller float.
///
/// Formulas: Faiss, `ScalarQuantizer`. With codes c of b bits, a component is
/// vmin + (c + ½) / (2^b − 1) · vdiff.
package struct ScalarQuantizer: Sendable {
    package enum Kind: Int32, Sendable {
        case eightBit = 0
        case fourBit = 1
        case eightBitUniform = 2
        case fourBitUniform = 3
        case float16 = 4
        case eightBitDirect = 5
        case sixBit = 6
        case brainFloat16 = 7
        case eightBitDirectSigned = 8

        /// Bits of a component.
        var bits: Int {
            switch self {
            case .eightBit, .eightBitUniform, .eightBitDirect, .eightBitDirectSigned: 8
            case .fourBit, .fourBitUniform: 4
            case .sixBit: 6
            case .float16, .brainFloat16: 16
            }
        }

        /// Bytes of a code.
        func codeSize(_ dimension: Int) -> Int { (dimension * bits + 7) / 8 }

        /// 2^b − 1.
        var steps: Float { Float(1 << bits) - 1 }

        /// Whether one range serves all components.
        var isUniform: Bool { self == .eightBitUniform || self == .fourBitUniform }

        /// How many ranges are trained for vectors of a dimension.
        func rangeCount(_ dimension: Int) -> Int {
            switch self {
            case .eightBit, .fourBit, .sixBit: dimension
            case .eightBitUniform, .fourBitUniform: 1
            case .float16, .eightBitDirect, .brainFloat16, .eightBitDirectSigned: 0
            }
        }
    }

    /// How ranges were found in training.
    enum RangeStatistic: Int32, Sendable {
        case minmax = 0
        case meanstd = 1
        case quantiles = 2
        case optim = 3
    }

    let kind: Kind
    let statistic: RangeStatistic
    let statisticArgument: Float
    let dimension: Int
    /// Lower ends of the ranges, then their widths.
    private(set) var trained: [Float]
    var codeSize: Int { kind.codeSize(dimension) }

    /// A quantizer without ranges.
    init(
        dimension: Int, kind: Kind, statistic: RangeStatistic = .minmax, argument: Float = 0
    ) {
        self.dimension = dimension
        self.kind = kind
        self.statistic = statistic
        statisticArgument = argument
        trained = []
    }

    init(reading reader: inout IndexReader, header: IndexHeader) throws {
        kind = try reader.enumeration("sq.qtype", as: Kind.self)
        statistic = try reader.enumeration("sq.rangestat", as: RangeStatistic.self)
        statisticArgument = try reader.f32("sq.rangestat_arg")
        dimension = try reader.size("sq.d", in: header.dimension...header.dimension)
        let size = kind.codeSize(dimension)
        _ = try reader.size("sq.code_size", in: size...size)
        trained = try reader.vector("sq.trained", of: Float.self)
        let count = 2 * kind.rangeCount(dimension)
        try reader.require(
            trained.count == count || trained.isEmpty && !header.isTrained, "sq.trained",
            found: "\(trained.count) elements", expected: "\(count)")
    }

    func write(to writer: inout IndexWriter) throws {
        try writer.value(kind.rawValue)
        try writer.value(statistic.rawValue)
        try writer.f32(statisticArgument)
        try writer.size(dimension)
        try writer.size(codeSize)
        try writer.vector(trained)
    }

    func decode(_ code: UnsafeRawPointer, into vector: UnsafeMutablePointer<Float>) {
        switch kind {
        case .float16: fk_f16_to_f32(vector, code, Int64(dimension))
        case .brainFloat16: fk_bf16_to_f32(vector, code, Int64(dimension))
        case .eightBitDirect:
            for i in 0..<dimension {
                vector[i] = Float(code.load(fromByteOffset: i, as: UInt8.self))
            }
        case .eightBitDirectSigned:
            for i in 0..<dimension {
                vector[i] = Float(code.load(fromByteOffset: i, as: UInt8.self)) - 128
            }
        case .eightBit, .eightBitUniform:
            scale(vector) { code.load(fromByteOffset: $0, as: UInt8.self) }
        case .fourBit, .fourBitUniform:
            scale(vector) { i in
                code.load(fromByteOffset: i / 2, as: UInt8.self) >> UInt8(i % 2 * 4) & 15
            }
        case .sixBit:
            scale(vector) { i in
                let bit = 6 * i
                let low = UInt16(code.load(fromByteOffset: bit / 8, as: UInt8.self))
                let high: UInt16 =
                    bit % 8 > 2
                    ? UInt16(code.load(fromByteOffset: bit / 8 + 1, as: UInt8.self)) : 0
                return UInt8(truncatingIfNeeded: (high << 8 | low) >> UInt16(bit % 8)) & 63
            }
        }
    }

    private func scale(
        _ vector: UnsafeMutablePointer<Float>, _ code: (Int) -> UInt8
    ) {
        trained.withUnsafeBufferPointer { trained in
            let count = trained.count / 2
            let steps = kind.steps
            for i in 0..<dimension {
                let range = kind.isUniform ? 0 : i
                vector[i] =
                    trained[range] + (Float(code(i)) + 0.5) / steps * trained[count + range]
            }
        }
    }

    /// Takes ranges that were found in training.
    mutating func setRanges(_ ranges: [Float]) {
        precondition(ranges.count == 2 * kind.rangeCount(dimension), "two numbers a range")
        trained = ranges
    }

    /// The number of the step in which a component lies.
    func level(_ value: Float, _ column: Int) -> Int {
        let range = kind.isUniform ? 0 : column
        let width = trained[trained.count / 2 + range]
        guard width != 0 else { return 0 }
        return Int(min(1, max(0, (value - trained[range]) / width)) * kind.steps)
    }

    func scanner(_ query: [Float], _ metric: Metric) -> any CodeScanner {
        DecodingScanner(query, metric: metric, codeSize: codeSize) { code, vector in
            decode(code, into: vector)
        }
    }
}
