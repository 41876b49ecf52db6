/// What every index of inverted lists has: a coarse quantizer, and a list for each of its vectors.
struct InvertedFile: Sendable {
    var header: IndexHeader
    let listCount: Int
    /// Lists looked at where a search does not say.
    let nprobe: Int
    let quantizer: any VectorIndex
    var directMap: DirectMap
    var lists: InvertedLists = .none
    /// Labels by list where an older file has them before the codes.
    private var earlyIDs: [[Int64]]?

    /// The largest number of lists that is believed.
    static let listLimit = 1 << 24

    /// Reads what comes before the fields of the type; the lists follow those.
    ///
    /// - Parameter isOld: whether the labels of the lists come here, and lists of codes without
    ///   a type of their own later.
    init(reading reader: inout IndexReader, isOld: Bool = false) throws {
        header = try reader.header()
        listCount = try reader.size("nlist", in: 0...Self.listLimit)
        nprobe = try reader.size("nprobe", in: 1...Int(Int32.max))
        quantizer = try IndexTypes.read("quantizer", &reader)
        if isOld {
            var ids: [[Int64]] = []
            for list in 0..<listCount {
                ids.append(try reader.vector("list\(list).ids", of: Int64.self))
            }
            earlyIDs = ids
        }
        directMap = try DirectMap(reading: &reader)
        try reader.require(
            quantizer.dimension == header.dimension, "quantizer/d", found: quantizer.dimension,
            expected: "\(header.dimension)")
        try reader.require(
            quantizer.count == listCount || quantizer.count == 0 && !header.isTrained,
            "quantizer/ntotal", found: quantizer.count, expected: "\(listCount), a vector a list")
    }

    /// Reads the lists.
    ///
    /// - Parameter codeSize: bytes of a code; nil for lists of blocks, which are checked by the
    ///   index.
    /// - Parameter expected: how many vectors the lists hold, if not those of the header.
    /// - Parameter unitSize: bytes of what an older file counts codes in.
    mutating func readLists(
        _ reader: inout IndexReader, codeSize: Int?, expecting expected: Int? = nil,
        unitSize: Int = 1
    ) throws {
        let expected = expected ?? header.count
        if let earlyIDs, let codeSize {
            lists = .arrays(
                try ArrayLists(
                    reading: &reader, ids: earlyIDs, codeSize: codeSize, unitSize: unitSize))
            self.earlyIDs = nil
        } else {
            lists = try InvertedLists.read(&reader, listCount: listCount, codeSize: codeSize)
        }
        let total = (0..<lists.listCount).reduce(0) { $0 + lists.count($1) }
        if case .none = lists {
            try reader.require(
                expected == 0, "invlists", found: "absent",
                expected: "lists of \(expected) vectors")
        } else {
            try reader.require(
                total == expected, "invlists", found: "\(total) vectors",
                expected: "\(expected)")
            try directMap.check(against: lists, reader)
        }
        if codeSize != nil, case .blocks = lists {
            throw reader.failure("invlists", found: "blocks", expected: "plain lists")
        }
    }

    func writeHeader(to writer: inout IndexWriter) throws {
        try writer.header(header)
        try writer.size(listCount)
        try writer.size(nprobe)
        try quantizer.write(to: &writer)
        try directMap.write(to: &writer)
    }

    static let parameters: Set<SearchParameters.Name> = [.selector, .nprobe, .maxCodes, .quantizer]

    /// Scans the lists nearest to a query, which a scanner is prepared for.
    ///
    /// - Parameter positions: gives list number and place in the list as labels (as a direct map
    ///   does) instead of the stored ones.
    func scan<Collector: HitCollector>(
        _ probes: [Probes.Probe], with scanner: any CodeScanner, codeSize: Int,
        _ parameters: SearchParameters, positions: Bool = false, into collector: inout Collector
    ) throws {
        var left = parameters.maxCodes.flatMap { $0 > 0 ? $0 : nil } ?? .max
        for (list, distance) in probes where left > 0 {
            try parameters.limit?.check()
            let size = lists.count(list)
            guard size > 0 else { continue }
            try scanner.enter(list: list, coarseDistance: distance)
            lists.withList(list) { contents in
                guard let codes = contents.codes else { return }
                let count = min(contents.count, left)
                left -= count
                CodeRun(
                    codes: codes, codeSize: codeSize, count: count, ids: contents.ids,
                    firstLabel: positions ? Int64(list) << 32 : nil
                ).scan(with: scanner, selector: parameters.selector, into: &collector)
            }
        }
        try lists.checkIntact()
    }

    /// The list of a label and its place there, by the direct map or by looking for it.
    func place(of id: Int64) throws -> (list: Int, offset: Int) {
        if let place = directMap.place(of: id) { return place }
        for list in 0..<lists.listCount {
            let offset = lists.withList(list) { contents in
                UnsafeBufferPointer(start: contents.ids, count: contents.count).firstIndex(of: id)
            }
            if let offset { return (list, offset) }
        }
        throw VectorSearchError.noSuchID(id)
    }

    /// The vector of a label.
    ///
    /// - Parameters:
    ///   - isResidual: whether the centroid of the list belongs to it.
    ///   - decode: writes the vector that a place among the codes of a list stands for.
    func reconstruct(
        _ id: Int64, isResidual: Bool,
        decode: (UnsafeRawPointer, _ offset: Int, UnsafeMutablePointer<Float>) -> Void
    ) throws -> [Float] {
        let (list, offset) = try place(of: id)
        var vector = [Float](repeating: 0, count: header.dimension)
        lists.withList(list) { contents in
            guard let codes = contents.codes else { return }
            decode(codes, offset, &vector)
        }
        guard isResidual else { return vector }
        return zip(vector, try quantizer.reconstruct(Int64(list))).map { $0 + $1 }
    }

    /// A query minus the centroid of a list.
    func residual(_ query: [Float], list: Int) throws -> [Float] {
        zip(query, try quantizer.reconstruct(Int64(list))).map { $0 - $1 }
    }
}
