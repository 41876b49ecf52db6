/// A vector as the sum of one entry of each of several codebooks.
///
/// Sources: Chen, Guan, Wang, "Approximate nearest neighbor search by residual vector
/// quantization", 2010; Martinez et al., "LSQ++", 2018. A product quantizer of this kind cuts the
/// vector first and has a quantizer for each part.
///
/// A code is the numbers of the entries, then the squared norm of the vector in a few bits.
struct AdditiveQuantizer: Sendable {
    /// How a query meets codes, and so how norms are stored.
    enum SearchType: Int32, Sendable {
        case decompress = 0
        case tableWithoutNorm = 1
        case normFromTable = 2
        case normFloat = 3
        case norm8 = 4
        case norm4 = 5
        case normCode8 = 6
        case normCode4 = 7
        case normLocalSearch2x4 = 8
        case normResidual2x4 = 9

        /// Bits of a stored norm.
        var normBits: Int {
            switch self {
            case .decompress, .tableWithoutNorm, .normFromTable: 0
            case .normFloat: 32
            case .norm8, .normCode8, .normLocalSearch2x4, .normResidual2x4: 8
            case .norm4, .normCode4: 4
            }
        }

        /// How many norms are told apart by a table, if there is one.
        var normTableSize: Int? {
            switch self {
            case .normCode8, .normLocalSearch2x4, .normResidual2x4: 256
            case .normCode4: 16
            default: nil
            }
        }
    }

    /// How the codebooks were found, and what of that is stored.
    enum Kind: Sendable {
        case residual(trainType: Int32, beamSize: Int32)
        case localSearch(LocalSearchSettings)
        /// A quantizer for each part of the vector.
        case product([AdditiveQuantizer])
    }

    /// Settings of training and encoding that a file keeps.
    struct LocalSearchSettings: Sendable {
        /// K, rounds of training, then how often encoding and training begin anew, and sweeps.
        let sizes: [UInt64]
        let p: Float
        let lambda: Float
        let chunkSize: UInt64
        let seed: Int32
        let perturbations: UInt64
        let usesDoubles: Bool

        var trainingRounds: UInt64 { sizes[1] }
        /// How often the numbers of a vector are perturbed and improved.
        var encodingRounds: UInt64 { sizes[2] }
        /// The same for each round of training.
        var refiningRounds: UInt64 { sizes[3] }
        /// Passes over the codebooks each time.
        var sweeps: UInt64 { sizes[4] }
    }

    let dimension: Int
    /// Bits of each codebook's numbers.
    let bits: [Int]
    let isTrained: Bool
    let codebooks: [Float]
    let searchType: SearchType
    let normRange: [Float]
    /// Norms by code.
    let norms: [Float]
    /// Two tables of 16 whose entries add up to a norm.
    let normTables: [Float]
    private(set) var kind: Kind
    /// Where each codebook's entries begin among all.
    let offsets: [Int]

    var codebookCount: Int { bits.count }
    /// Entries of all codebooks.
    var entryCount: Int { offsets.last ?? 0 }
    var bitCount: Int { bits.reduce(0, +) }
    var codeSize: Int { (bitCount + searchType.normBits + 7) / 8 }

    /// The shape of a quantizer, as its place in a file tells.
    enum Form { case residual, localSearch, productResidual, productLocalSearch }

    /// Letters of the types of indexes.
    static func form(_ type: FourCC) -> Form {
        switch type {
        case "IxLS", "IwLS", "ILfs", "IVLf": .localSearch
        case "IxPR", "IwPR", "IPRf", "NPRf": .productResidual
        case "IxPL", "IwPL", "IPLf", "NPLf": .productLocalSearch
        default: .residual
        }
    }

    /// A quantizer without norms, or with those that were learned.
    ///
    /// - Parameter codebooks: codebook after codebook, `[entries, dimension of the part]` each;
    ///   empty before training.
    init(
        dimension: Int, bits: [Int], codebooks: [Float], _ kind: Kind,
        searchType: SearchType = .decompress, norms learned: LearnedNorms = LearnedNorms()
    ) {
        self.dimension = dimension
        self.bits = bits
        offsets = bits.reduce(into: [0]) { $0.append($0[$0.count - 1] + 1 << $1) }
        isTrained = !codebooks.isEmpty
        self.codebooks = codebooks
        self.searchType = searchType
        normRange = learned.range
        norms = learned.norms
        normTables = learned.tables
        self.kind = kind
    }

    init(
        reading reader: inout IndexReader, _ name: String = "aq", dimension: Int, form: Form,
        isTrained required: Bool
    ) throws {
        self = try reader.nested(name) { reader in
            try AdditiveQuantizer(fields: &reader, dimension: dimension, form: form, required)
        }
    }

    private init(
        fields reader: inout IndexReader, dimension: Int, form: Form, _ required: Bool
    ) throws {
        self.dimension = try reader.size("d", in: dimension...dimension)
        let count = try reader.size("M", in: 1...1 << 16)
        let widths = try reader.vector("nbits", of: UInt64.self, count: count)
        for width in widths where !(1...24).contains(width) {
            throw reader.failure("nbits", found: width, expected: "from 1 to 24")
        }
        bits = widths.map { Int($0) }
        offsets = bits.reduce(into: [0]) { $0.append($0[$0.count - 1] + 1 << $1) }
        isTrained = try reader.bool("is_trained")
        try reader.require(
            isTrained || !required, "is_trained", found: false,
            expected: "true in a trained index")
        let start = reader.position
        codebooks = try reader.vector("codebooks", of: Float.self)
        searchType = try reader.enumeration("search_type", as: SearchType.self)
        normRange = [try reader.f32("norm_min"), try reader.f32("norm_max")]
        if searchType.normTableSize != nil || searchType == .normCode8 {
            let bytes = try reader.vector("qnorm.codes", of: Float.self)
            norms = bytes
            try reader.require(
                norms.count == searchType.normTableSize || norms.isEmpty && !isTrained,
                "qnorm.codes", found: "\(norms.count) elements",
                expected: "\(searchType.normTableSize ?? 0)")
        } else {
            norms = []
        }
        if searchType == .normLocalSearch2x4 || searchType == .normResidual2x4 {
            normTables = try reader.vector("norm_tabs", of: Float.self)
            try reader.require(
                normTables.count == 32 || normTables.isEmpty && !isTrained, "norm_tabs",
                found: "\(normTables.count) elements", expected: "32")
        } else {
            normTables = []
        }
        var values = offsets[count]
        switch form {
        case .residual:
            kind = .residual(
                trainType: try reader.i32("train_type"),
                beamSize: try reader.i32("max_beam_size"))
            values = try reader.product("codebooks", values, dimension)
        case .localSearch:
            kind = .localSearch(
                LocalSearchSettings(
                    sizes: try reader.elements("settings", count: 5, of: UInt64.self),
                    p: try reader.f32("p"), lambda: try reader.f32("lambd"),
                    chunkSize: try reader.u64("chunk_size"), seed: try reader.i32("random_seed"),
                    perturbations: try reader.u64("nperts"),
                    usesDoubles: try reader.bool("update_codebooks_with_double")))
            values = try reader.product("codebooks", values, dimension)
        case .productResidual, .productLocalSearch:
            let partCount = try reader.size("nsplits", in: 1...dimension)
            try reader.require(
                dimension.isMultiple(of: partCount), "nsplits", found: partCount,
                expected: "a divisor of \(dimension)")
            let inner: Form = form == .productResidual ? .residual : .localSearch
            let parts = try (0..<partCount).map { [isTrained] part in
                try AdditiveQuantizer(
                    reading: &reader, "part\(part)", dimension: dimension / partCount, form: inner,
                    isTrained: isTrained)
            }
            try reader.require(
                parts.flatMap(\.bits) == bits, "nbits", found: "\(bits)",
                expected: "those of the parts")
            kind = .product(parts)
            values = try reader.product("codebooks", values, dimension / partCount)
        }
        guard codebooks.count == values || codebooks.isEmpty && !isTrained else {
            throw reader.failure(
                "codebooks", at: start, found: "\(codebooks.count) elements",
                expected: "\(values)")
        }
    }

    func write(to writer: inout IndexWriter) throws {
        try writer.size(dimension)
        try writer.size(bits.count)
        try writer.vector(bits.map { UInt64($0) })
        try writer.bool(isTrained)
        try writer.vector(codebooks)
        try writer.value(searchType.rawValue)
        try writer.elements(normRange)
        if searchType.normTableSize != nil { try writer.vector(norms) }
        if searchType == .normLocalSearch2x4 || searchType == .normResidual2x4 {
            try writer.vector(normTables)
        }
        switch kind {
        case .residual(let trainType, let beamSize):
            try writer.value(trainType)
            try writer.value(beamSize)
        case .localSearch(let settings):
            try writer.elements(settings.sizes)
            try writer.f32(settings.p)
            try writer.f32(settings.lambda)
            try writer.value(settings.chunkSize)
            try writer.value(settings.seed)
            try writer.value(settings.perturbations)
            try writer.bool(settings.usesDoubles)
        case .product(let parts):
            try writer.size(parts.count)
            for part in parts { try part.write(to: &writer) }
        }
    }

    /// The norm that a code of it stands for.
    func norm(_ code: UInt64) -> Float {
        func ranged(_ steps: Double) -> Float {
            Float(
                (Double(code) + 0.5) / steps * Double(normRange[1] - normRange[0])
                    + Double(normRange[0]))
        }
        return switch searchType {
        case .decompress, .tableWithoutNorm, .normFromTable: 0
        case .normFloat: Float(bitPattern: UInt32(truncatingIfNeeded: code))
        case .norm8: ranged(256)
        case .norm4: ranged(16)
        case .normCode8, .normCode4, .normLocalSearch2x4, .normResidual2x4: norms[Int(code)]
        }
    }
}
