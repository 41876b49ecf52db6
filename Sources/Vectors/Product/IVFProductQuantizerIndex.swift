/// Inverted lists of product-quantizer codes, if wanted refined by a second quantizer.
public struct IVFProductQuantizerIndex: InvertedIndex, ReadableIndex {
    /// What an index of type `IwQR` adds: codes of what the first quantizer left.
    private struct Refinement: Sendable {
        let quantizer: ProductQuantizer
        /// By label.
        var codes: [UInt8]
        let kFactor: Float
    }

    var file: InvertedFile
    let isResidual: Bool
    let codeSize: Int
    private let quantizer: ProductQuantizer
    private var refinement: Refinement?

    init(reading reader: inout IndexReader, type: FourCC) throws {
        var file = try InvertedFile(
            reading: &reader, isOld: type == "IvPQ" || type == "IvQR")
        let header = file.header
        try reader.requirePlainMetric(header.metric)
        isResidual = try reader.bool("by_residual")
        codeSize = try reader.size("code_size", in: 1...IndexHeader.dimensionLimit)
        let isTrained = header.isTrained || header.count > 0
        quantizer = try ProductQuantizer(
            reading: &reader, dimension: header.dimension, isTrained: isTrained)
        try reader.require(
            codeSize == quantizer.codeSize, "code_size", found: codeSize,
            expected: "\(quantizer.codeSize)")
        try file.readLists(&reader, codeSize: codeSize)
        self.file = file
        guard type == "IwQR" || type == "IvQR" else {
            refinement = nil
            return
        }
        let second = try ProductQuantizer(
            reading: &reader, "refine_pq", dimension: header.dimension, isTrained: isTrained)
        let codes = try reader.vector(
            "refine_codes", of: UInt8.self,
            count: try reader.product("refine_codes", header.count, second.codeSize))
        let kFactor = try reader.f32("k_factor")
        try reader.require(
            (1...1000).contains(kFactor), "k_factor", found: kFactor, expected: "from 1 to 1000")
        for list in 0..<file.lists.listCount {
            for id in file.lists.ids(list) where id < 0 || id >= header.count {
                throw reader.failure(
                    "invlists", found: "label \(id)", expected: "below \(header.count)")
            }
        }
        refinement = Refinement(quantizer: second, codes: codes, kFactor: kFactor)
    }

    public var acceptedParameters: Set<SearchParameters.Name> {
        var names = InvertedFile.parameters.union([
            .polysemousThreshold, .scanTableThreshold, .usePrecomputedTable,
        ])
        if refinement != nil { names.insert(.kFactor) }
        return names
    }

    /// Compares every code by tables. Faiss (1.15) does so too whatever `polysemous_ht` a search
    /// gives: of its inverted lists only the index's own threshold filters, which no file stores.
    func scanner(_ query: [Float], _ parameters: SearchParameters) -> any CodeScanner {
        guard isResidual else { return quantizer.scanner(quantizer.table(query, metric)) }
        return ResidualScanner(query, file: file) {
            quantizer.scanner(quantizer.table($0, metric))
        }
    }

    func decode(_ code: UnsafeRawPointer, into vector: UnsafeMutablePointer<Float>) {
        quantizer.decode(code, into: vector)
    }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        var neighbors = Neighbors(queryCount: queries.count, k: k, metric: metric)
        let allProbes = try file.probes(queries, parameters)
        for number in 0..<queries.count {
            let query = queries.row(number)
            let probes = allProbes[number]
            let scanner = scanner(query, parameters)
            guard let refinement else {
                var top = TopK(min(k, count), metric)
                try file.scan(probes, with: scanner, codeSize: codeSize, parameters, into: &top)
                neighbors.store(top, query: number)
                continue
            }
            let factor = parameters.kFactor ?? refinement.kFactor
            let wanted = min(Double(count), (Double(k) * Double(factor)).rounded(.down))
            var coarse = TopK(Int(wanted), metric)
            try file.scan(
                probes, with: scanner, codeSize: codeSize, parameters, positions: true,
                into: &coarse)
            neighbors.store(
                try refine(coarse.sorted().map(\.label), query, k, refinement), query: number)
        }
        return neighbors
    }

    /// Compares what both quantizers leave of a query with what they leave of vectors.
    private func refine(
        _ places: [Int64], _ query: [Float], _ k: Int, _ refinement: Refinement
    ) throws -> TopK {
        var top = TopK(min(k, count), isSimilarity: false)
        var first = [Float](repeating: 0, count: dimension)
        var second = first
        for place in places {
            let (list, offset) = (Int(place >> 32), Int(place & 0xFFFF_FFFF))
            let rest = isResidual ? try file.residual(query, list: list) : query
            let id = file.lists.withList(list) { contents -> Int64 in
                guard let codes = contents.codes, let ids = contents.ids else { return -1 }
                quantizer.decode(codes + offset * codeSize, into: &first)
                return ids[offset]
            }
            guard id >= 0 else { continue }
            refinement.codes.withUnsafeBytes { codes in
                guard let base = codes.baseAddress else { return }
                refinement.quantizer.decode(
                    base + Int(id) * refinement.quantizer.codeSize, into: &second)
            }
            var sum: Float = 0
            for i in 0..<dimension {
                let difference = rest[i] - first[i] - second[i]
                sum += difference * difference
            }
            top.offer(sum, id)
        }
        return top
    }

    public func reconstruct(_ id: Int64) throws -> [Float] {
        let vector = try file.reconstruct(id, isResidual: isResidual) { codes, offset, vector in
            decode(codes + offset * codeSize, into: vector)
        }
        guard let refinement, id >= 0, id < count else { return vector }
        var rest = [Float](repeating: 0, count: dimension)
        refinement.codes.withUnsafeBytes { codes in
            guard let base = codes.baseAddress else { return }
            refinement.quantizer.decode(
                base + Int(id) * refinement.quantizer.codeSize, into: &rest)
        }
        return zip(vector, rest).map { $0 + $1 }
    }

    func rows(encoding vectors: VectorRows, lists: [Int]) throws -> [UInt8] {
        ProductCodec(quantizer).encode(
            vectors, around: isResidual ? try file.centers(of: lists) : nil)
    }

    // MARK: Changes; codes of a refinement stand by label, so labels are numbers then

    public mutating func append(
        _ vectors: VectorRows, ids: [Int64]?, progress: TrainingProgressHandler?
    ) throws {
        if refinement != nil, ids != nil {
            throw TrainingError.idsNotSupported("a refined index of inverted lists")
        }
        try file.checkChangeable("IVFProductQuantizerIndex", givesIDs: ids != nil)
        let lists = try file.assign(vectors)
        let rows = try rows(encoding: vectors, lists: lists)
        if let refinement {
            let left = vectors.subtracting(try self.vectors(decoding: rows, lists: lists))
            self.refinement?.codes += ProductCodec(refinement.quantizer)
                .encode(left, around: nil)
        }
        let first = Int64(count)
        file.append(
            rows, layout, ids: ids ?? (0..<Int64(vectors.count)).map { first + $0 }, to: lists)
    }

    private func checkUnrefined(_ action: String) throws {
        if refinement != nil {
            throw IndexChangeError.refused(
                action, by: "IVFProductQuantizerIndex with a refinement",
                remedy: "build a new index of the vectors, or use an index without '+'")
        }
    }

    public mutating func delete(_ selector: IDSelector) throws -> Int {
        try checkUnrefined("lose vectors")
        return try file.remove(selector, layout)
    }

    public mutating func replace(_ ids: [Int64], with vectors: VectorRows) throws {
        try checkUnrefined("replace vectors")
        let lists = try file.assign(vectors)
        try file.update(
            ids, try rows(encoding: vectors, lists: lists), layout, to: lists,
            by: "IVFProductQuantizerIndex")
    }

    public mutating func absorb(_ other: any VectorIndex, shiftingIDs shift: Int64) throws {
        try checkUnrefined("merge")
        guard let other = other as? Self else {
            throw IndexChangeError.incompatible("one is IVFProductQuantizerIndex")
        }
        try file.merge(other.file, layout, shiftingIDs: shift)
    }

    public mutating func clear() {
        file.removeAll()
        refinement?.codes = []
    }

    public func reconstruct(_ ids: [Int64]) throws -> VectorRows {
        let places = try file.places(of: ids)
        let rows = places.flatMap { file.lists.row($0.offset, of: $0.list, layout) }
        let vectors = try vectors(decoding: rows, lists: places.map(\.list))
        guard let refinement else { return vectors }
        let size = refinement.quantizer.codeSize
        let codes = ids.flatMap { id in
            refinement.codes[Int(id) * size..<(Int(id) + 1) * size]
        }
        return vectors.adding(ProductCodec(refinement.quantizer).decode(codes))
    }

    public var parameterRanges: [ParameterRange] {
        guard refinement != nil else { return file.parameterRanges }
        return file.parameterRanges
            + [ParameterRange(.kFactor, ParameterRange.powersOfTwo(0...6))]
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(refinement == nil ? "IwPQ" : "IwQR")
        try file.writeHeader(to: &writer)
        try writer.bool(isResidual)
        try writer.size(codeSize)
        try quantizer.write(to: &writer)
        try file.lists.write(to: &writer)
        guard let refinement else { return }
        try refinement.quantizer.write(to: &writer)
        try writer.vector(refinement.codes)
        try writer.f32(refinement.kFactor)
    }
}
