/// What an index of a description will take, before any of it is built.
///
/// ```swift
/// let estimate = try IndexDescription("IVF4096,PQ32", dimension: 768).estimate(count: 1_000_000)
/// ```
public struct IndexEstimate: Sendable {
    /// A part of an index in words.
    public struct Part: Sendable, Hashable {
        /// How many parts it is inside of.
        public let depth: Int
        public let text: String
    }

    /// The parts, outermost first.
    public internal(set) var parts: [Part] = []
    /// Bytes that each further vector takes, labels and links included.
    public internal(set) var bytesPerVector = 0.0
    /// Bytes of the index file; arrays in memory take as much.
    public internal(set) var fileSize = 0
    /// Why the file may come out otherwise; nil where the size is exact.
    public internal(set) var uncertainty: String?
    /// Vectors that training wants at least, and the most it looks at; nil without training.
    public internal(set) var trainingVectors: ClosedRange<Int>?
    /// Vectors or codes that a query is compared with, on average.
    public internal(set) var comparisonsPerQuery = 0

    /// The most vectors that are reckoned with.
    public static let countLimit = 1_000_000_000_000
}

/// How an index is going to be searched.
public struct SearchPlan: Sendable, Hashable {
    public var nprobe = 1
    public var efSearch = 16
    public var k = 10
    public var kFactor = 1

    public init() {}
}

extension IndexDescription {
    /// What an index of so many vectors takes.
    ///
    /// - Parameter plan: how it is searched.
    /// - Throws: `TrainingError.badSetting` for counts that no index can have.
    public func estimate(
        count: Int, plan: SearchPlan = SearchPlan()
    ) throws(TrainingError) -> IndexEstimate {
        guard (0...IndexEstimate.countLimit).contains(count) else {
            throw .badSetting(
                "count", found: "\(count)", expected: "from 0 to \(IndexEstimate.countLimit)")
        }
        guard plan.nprobe > 0, plan.efSearch > 0, plan.k > 0, plan.kFactor > 0 else {
            throw .badSetting("a search parameter", found: "0", expected: "at least 1")
        }
        var estimator = IndexEstimator(plan: plan)
        let size = estimator.index(self, count: count, depth: 0)
        var estimate = estimator.estimate
        estimate.fileSize = Int(clamping: Int64(exactly: size.rounded()) ?? .max)
        if count > 0 {
            // A further thousand vectors, so that blocks even out.
            var more = IndexEstimator(plan: plan)
            more.drawsLevels = false
            var base = more
            let larger = more.index(self, count: count + 1024, depth: 0)
            estimate.bytesPerVector = (larger - base.index(self, count: count, depth: 0)) / 1024
        }
        return estimate
    }
}

/// Adds up the fields of files; sizes are doubles, which hold whole numbers to 2^53.
private struct IndexEstimator {
    let plan: SearchPlan
    var estimate = IndexEstimate()
    /// Whether the levels of a graph are drawn one by one, as building does.
    var drawsLevels = true
    /// Whether an index of codes looks at all of them, rather than at those that it is told.
    private var scans = true

    init(plan: SearchPlan) { self.plan = plan }

    /// Bytes of the type and of the fields that every index begins with.
    private static let start = 4.0 + 33
    private static let floatSize = 4.0
    /// Vectors whose levels are drawn; of more the mean is taken.
    private static let drawLimit = 20_000_000

    private mutating func note(_ text: String, _ depth: Int) {
        estimate.parts.append(.init(depth: depth, text: text))
    }

    private mutating func wantsTraining(_ least: Int, _ most: Int) {
        let known = estimate.trainingVectors
        estimate.trainingVectors =
            max(known?.lowerBound ?? 0, least)...max(known?.upperBound ?? 0, least, most)
    }

    /// k-means wants 39 points a centroid and looks at no more than 256.
    private mutating func wantsClusters(_ count: Int) {
        wantsTraining(product(39, count), product(256, count))
    }

    private func product(_ a: Int, _ b: Int) -> Int {
        let product = a.multipliedReportingOverflow(by: b)
        return product.overflow ? .max : product.partialValue
    }

    // MARK: Indexes

    /// Notes an index and gives the bytes of its file.
    mutating func index(_ index: IndexDescription, count: Int, depth: Int) -> Double {
        let (dimension, metric) = (index.dimension, index.metric)
        switch index.kind {
        case .flat, .scalarQuantizer, .productQuantizer, .fastScan, .additive, .signs, .rabitq:
            estimate.comparisonsPerQuery += count
            let codes = CodeShape(index.kind, dimension, metric)
            note(codes.text + (scans ? ", all of them looked at" : ""), depth)
            train(codes)
            return Self.start + flatFields(codes, metric) + codes.flatBytes(count)
        case .graph(let linkCount, let storage):
            note(
                "graph of layers, \(2 * linkCount) links a vector at the bottom and "
                    + "\(linkCount) above", depth)
            let compared = estimate.comparisonsPerQuery
            let inner = unscanned(storage, count: count, depth: depth + 1)
            // A step looks at the links of one vector; about half were met before.
            estimate.comparisonsPerQuery =
                compared + min(count, product(max(plan.efSearch, plan.k), linkCount))
            return Self.start + graphBytes(linkCount, count) + inner
        case .spreadingGraph(let degree, let storage):
            note("graph of one layer, at most \(degree) links a vector", depth)
            let compared = estimate.comparisonsPerQuery
            let inner = unscanned(storage, count: count, depth: depth + 1)
            // A search keeps 16, or as many as are wanted, and looks at the links of each.
            estimate.comparisonsPerQuery =
                compared + min(count, product(max(16, plan.k), degree))
            if count > 0 {
                estimate.uncertainty = "the links that vectors keep are not known before"
            }
            let links = Double(count) * Double(min(degree, max(0, count - 1)))
            return Self.start + 4 + 1 + 16 + 24 + 1 + 4 * (links + Double(count)) + inner
        case .lists(let listCount, let quantizer, let codes, let isResidual):
            return lists(
                index, listCount, quantizer, codes, isResidual, count: count, depth: depth)
        case .transformed(let transforms, let inner):
            note("transforms, then an index", depth)
            var size = Self.start + 4
            for transform in transforms { size += self.transform(transform, depth: depth + 1) }
            return size + self.index(inner, count: count, depth: depth + 1)
        case .idMap(let inner, let isReversible):
            note(
                "labels of their own" + (isReversible ? ", by which vectors are given back" : ""),
                depth)
            return Self.start + 8 + 8 * Double(count)
                + self.index(inner, count: count, depth: depth + 1)
        case .refined(let base, let refinement):
            note("a fast index whose candidates a more exact one compares again", depth)
            let size = self.index(base, count: count, depth: depth + 1)
            let compared = estimate.comparisonsPerQuery
            let second = unscanned(refinement, count: count, depth: depth + 1)
            estimate.comparisonsPerQuery =
                compared + min(count, product(plan.k, plan.kFactor))
            return Self.start + size + second + Self.floatSize
        }
    }

    /// An index whose vectors are looked at by their number.
    private mutating func unscanned(
        _ index: IndexDescription, count: Int, depth: Int
    ) -> Double {
        scans = false
        defer { scans = true }
        return self.index(index, count: count, depth: depth)
    }

    private mutating func lists(
        _ index: IndexDescription, _ listCount: Int, _ quantizer: IndexDescription,
        _ kind: IndexDescription.Kind, _ isResidual: Bool, count: Int, depth: Int
    ) -> Double {
        let codes = CodeShape(kind, index.dimension, index.metric)
        note(
            "\(listCount) inverted lists of \(codes.text)"
                + (isResidual ? ", of differences to the centroids" : ""), depth)
        wantsClusters(listCount)
        train(codes)
        let coarse = self.index(quantizer, count: listCount, depth: depth + 1)
        let probed = min(plan.nprobe, listCount)
        if listCount > 0 {
            estimate.comparisonsPerQuery += Int(
                (Double(count) * Double(probed) / Double(listCount)).rounded(.up))
        }
        var size = Self.start + 8 + 8 + coarse + 1 + 8 + listFields(codes)
        // Lists of centroids have the place of each.
        if case .lists = quantizer.kind { size += 8 * Double(listCount) }
        if case .blocks(let stride, let rows) = codes.storage {
            // Every list ends in a block that is half empty on average.
            let blocks = (Double(count) / Double(rows)).rounded(.up) + Double(listCount) / 2
            size += 4 + 8 + 8 + 8 + 8 + 16 * Double(listCount) + 8 * Double(count)
            size += blocks * Double(stride)
            estimate.uncertainty = "the last block of each list may be empty or full"
        } else {
            size += 4 + 8 + 8 + 4 + 8 + 8 * Double(listCount)
            size += Double(count) * Double(codes.size + 8)
            if count < 2 * listCount {
                estimate.uncertainty =
                    "where more than half of the lists are empty the file says so in other words"
            }
        }
        return size
    }

    // MARK: Codes

    private mutating func train(_ codes: CodeShape) {
        if codes.centroidCount > 0 { wantsClusters(codes.centroidCount) }
        if codes.trainsRanges { wantsTraining(1, 100_000) }
    }

    /// Bytes of what an index of codes has beside its header and its codes.
    private func flatFields(_ codes: CodeShape, _ metric: Metric) -> Double {
        switch codes.kind {
        case .scalarQuantizer: codes.parameterBytes
        case .productQuantizer: codes.parameterBytes + 4 + 1 + 4
        case .fastScan: codes.parameterBytes + 12 + 8 + 8
        case .additive(let description):
            codes.parameterBytes
                + (description.blockRows == nil ? 8 : 12 + 32 + 8 + 8 + 1 + 4 + 8)
        case .signs: codes.parameterBytes
        case .rabitq(let bits):
            20 + (bits > 1 ? 8 : 0) + 8 + Self.floatSize * Double(codes.dimension) + 1
        default: 0
        }
    }

    /// Bytes between the common fields of inverted lists and the lists.
    private func listFields(_ codes: CodeShape) -> Double {
        switch codes.kind {
        case .scalarQuantizer: codes.parameterBytes + 8 + 1
        case .productQuantizer: 1 + 8 + codes.parameterBytes
        case .fastScan: 1 + 8 + 4 + 8 + 4 + 8 + codes.parameterBytes
        case .rabitq(let bits): 20 + (bits > 1 ? 8 : 0) + 8 + 1 + 1
        case .additive(let description):
            codes.parameterBytes
                + (description.blockRows == nil ? 8 + 1 + 4 : 1 + 12 + 32 + 8 + 8 + 1 + 4 + 8)
        default: 0
        }
    }

    /// Bytes of a graph's links and of where they are.
    private mutating func graphBytes(_ linkCount: Int, _ count: Int) -> Double {
        let builder = GraphBuilder(linkCount: linkCount)
        let tables =
            8 + 8 * Double(builder.levelProbabilities.count) + 8
            + 4 * Double(builder.levelStarts.count)
        let links: Double
        if drawsLevels, count <= Self.drawLimit {
            links = Double(builder.linkPlaces(count))
        } else {
            links = Double(count) * builder.meanLinkPlaces
            estimate.uncertainty = "the levels of the graph are drawn; this is their mean"
        }
        return tables + 8 + 4 * Double(count) + 8 + 8 * Double(count + 1) + 8 + 4 * links + 20
    }

    // MARK: Transforms

    private mutating func transform(_ transform: TransformDescription, depth: Int) -> Double {
        let (input, output) = (transform.inputDimension, transform.outputDimension)
        let (d, e) = (Double(input), Double(output))
        // Type, bias flag, matrix, bias; then both dimensions and whether it is trained.
        func linear(_ rows: Double, _ columns: Double, bias: Double) -> Double {
            4 + 1 + 8 + 4 * rows * columns + 8 + 4 * bias + 9
        }
        switch transform.kind {
        case .principalComponents(let whitens, let rotates):
            note(
                "the \(output) principal components of \(input)" + (whitens ? ", whitened" : "")
                    + (rotates ? ", rotated" : ""), depth)
            wantsTraining(input, product(1000, input))
            return linear(e, d, bias: e) + 4 + 4 + 1 + 4 + 8 + 4 * d + 8 + 4 * d + 8 + 4 * d * d
        case .unitLength:
            note("scaled to length 1", depth)
            return 4 + 4 + 9
        case .randomRotation:
            note("a random rotation from \(input) to \(output) components", depth)
            return linear(e, d, bias: 0)
        case .hadamard:
            note("a rotation by signs and Walsh-Hadamard transforms to \(output)", depth)
            return 4 + 4 + 9
        case .signRotation:
            note("a rotation that makes signs tell most, to \(output) components", depth)
            wantsTraining(output, max(32_768, product(10, input)))
            return 4 + 8 + 4 * d + 1 + linear(e, e, bias: 0) + 8 + linear(e, d, bias: 0) + 9
        case .optimizedRotation(let partCount):
            note("a rotation to \(output) components learned for \(partCount) parts", depth)
            wantsClusters(256)
            return linear(e, d, bias: 0)
        case .padding:
            note("zeros up to \(output) components", depth)
            return 4 + 8 + 4 * e + 9
        }
    }
}

/// What codes of a kind take.
private struct CodeShape {
    /// How codes stand in a file.
    enum Storage {
        case rows
        case blocks(stride: Int, rows: Int)
    }

    let kind: IndexDescription.Kind
    let dimension: Int
    let text: String
    /// Bytes of a code on its own.
    let size: Int
    var storage = Storage.rows
    /// Bytes of what was learned: ranges, centroids, thresholds.
    var parameterBytes = 0.0
    /// Centroids of a part, of which there is one k-means each.
    var centroidCount = 0
    var trainsRanges = false

    init(_ kind: IndexDescription.Kind, _ dimension: Int, _ metric: Metric) {
        self.kind = kind
        self.dimension = dimension
        let d = Double(dimension)
        switch kind {
        case .scalarQuantizer(let type):
            let quantizer = type.kind
            size = quantizer.codeSize(dimension)
            text = "components of \(quantizer.bits) bits"
            let ranges = quantizer.rangeCount(dimension)
            trainsRanges = ranges > 0
            parameterBytes = 4 + 4 + 4 + 8 + 8 + 8 + 8 * Double(ranges)
        case .productQuantizer(let partCount, let bits):
            size = (partCount * bits + 7) / 8
            text = "codes of \(partCount) parts of \(bits) bits"
            centroidCount = 1 << bits
            parameterBytes = 24 + 8 + 4 * d * Double(1 << bits)
        case .fastScan(let partCount, let blockRows):
            let blocks = FastScanBlocks(partCount: partCount, rows: blockRows)
            size = (partCount + 1) / 2
            text = "codes of \(partCount) parts of 4 bits in blocks of \(blockRows)"
            storage = .blocks(stride: blocks.stride, rows: blockRows)
            centroidCount = 16
            parameterBytes = 24 + 8 + 4 * d * 16
        case .additive(let description):
            let bits = description.allBits
            let search = description.norm.searchType
            size = (bits.reduce(0, +) + search.normBits + 7) / 8
            text =
                "codes of \(bits.count) codebooks"
                + (description.blockRows.map { " in blocks of \($0)" } ?? "")
            if let rows = description.blockRows {
                let parts = bits.count + (metric == .l2 ? 2 : 0)
                storage = .blocks(
                    stride: FastScanBlocks(partCount: parts, rows: rows).stride, rows: rows)
            }
            centroidCount = 1 << (description.bits.max() ?? 0)
            func quantizer(_ bits: [Int], _ width: Double) -> Double {
                let entries = Double(bits.reduce(0) { $0 + 1 << $1 })
                return 16 + 8 + 8 * Double(bits.count) + 1 + 8 + 4 * entries * width + 4 + 8
            }
            let own: Double = description.family == .residual ? 8 : 69
            let parts = Double(description.partCount ?? 1)
            parameterBytes = quantizer(bits, d / parts)
            if let tableSize = search.normTableSize { parameterBytes += 8 + 4 * Double(tableSize) }
            if search == .normResidual2x4 || search == .normLocalSearch2x4 {
                parameterBytes += 8 + 128
            }
            parameterBytes +=
                description.partCount == nil
                ? own : 8 + parts * (quantizer(description.bits, d / parts) + own)
        case .signs(let bitCount, let rotates, let trainsThresholds):
            size = (bitCount + 7) / 8
            text = "\(bitCount) signs" + (rotates ? " after a rotation" : "")
            trainsRanges = trainsThresholds
            parameterBytes =
                4 + 1 + 1 + 8 + (trainsThresholds ? 4 * Double(bitCount) : 0) + 4
                + 4 + 1 + 8 + (rotates ? 4 * d * Double(bitCount) : 0) + 8 + 9
        case .rabitq(let bits):
            size = RaBitQuantizer(dimension: dimension, metric: .l2, bits: bits).codeSize
            text = "RaBitQ codes of \(bits) bits a component"
            trainsRanges = true
        default:
            size = 4 * dimension
            text = "vectors as they are"
        }
    }

    /// Bytes of a count and that many codes.
    func flatBytes(_ count: Int) -> Double {
        switch storage {
        case .rows: 8 + Double(count) * Double(size)
        case .blocks(let stride, let rows):
            8 + Double((count + rows - 1) / rows) * Double(stride)
        }
    }
}
