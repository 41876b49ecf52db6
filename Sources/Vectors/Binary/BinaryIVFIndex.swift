/// Inverted lists of bit vectors.
public struct BinaryIVFIndex: ScannedBinaryIndex, ReadableBinaryIndex {
    private(set) var header: BinaryHeader
    private let listCount: Int
    private let nprobe: Int
    private let quantizer: any BinaryIndex
    private var directMap: DirectMap
    private var lists: InvertedLists

    init(reading reader: inout IndexReader, type: FourCC) throws {
        header = try BinaryHeader(reading: &reader)
        listCount = try reader.size("nlist", in: 0...InvertedFile.listLimit)
        nprobe = try reader.size("nprobe", in: 1...Int(Int32.max))
        quantizer = try IndexTypes.readBinary("quantizer", &reader)
        directMap = try DirectMap(reading: &reader)
        lists = try InvertedLists.read(
            &reader, listCount: listCount, codeSize: header.codeSize)
        try reader.require(
            quantizer.dimension == header.dimension, "quantizer/d", found: quantizer.dimension,
            expected: "\(header.dimension)")
        try reader.require(
            quantizer.count == listCount || quantizer.count == 0 && !header.isTrained,
            "quantizer/ntotal", found: quantizer.count, expected: "\(listCount)")
        let total = (0..<lists.listCount).reduce(0) { $0 + lists.count($1) }
        try reader.require(
            total == header.count, "invlists", found: "\(total) vectors",
            expected: "\(header.count)")
        if case .blocks = lists {
            throw reader.failure("invlists", found: "blocks", expected: "plain lists")
        }
        try directMap.check(against: lists, reader)
    }

    public var acceptedParameters: Set<SearchParameters.Name> {
        InvertedFile.parameters.union([.useHeap])
    }

    func scan<Collector: HitCollector>(
        _ query: [UInt8], _ parameters: SearchParameters, into collector: inout Collector
    ) throws {
        let probeCount = min(parameters.nprobe ?? nprobe, listCount)
        let probes = try quantizer.search(
            BinaryRows(query, codeSize: codeSize), k: probeCount,
            parameters: parameters.quantizer ?? SearchParameters())
        let scanner = HammingScanner(query)
        var left = parameters.maxCodes.flatMap { $0 > 0 ? $0 : nil } ?? .max
        for list in probes.labels where list >= 0 && list < lists.listCount && left > 0 {
            lists.withList(Int(list)) { contents in
                guard let codes = contents.codes else { return }
                let count = min(contents.count, left)
                left -= count
                CodeRun(codes: codes, codeSize: codeSize, count: count, ids: contents.ids)
                    .scan(with: scanner, selector: parameters.selector, into: &collector)
            }
        }
    }

    // MARK: Changes

    private var layout: CodeLayout { .rows(size: codeSize) }

    private func checkChangeable(givesIDs: Bool) throws {
        guard listCount > 0 else {
            throw IndexChangeError.refused(
                "take vectors", by: "BinaryIVFIndex",
                remedy: "it has no lists; build a new index")
        }
        if givesIDs, case .array = directMap {
            throw IndexChangeError.refused(
                "take labels while its direct map is an array", by: "BinaryIVFIndex",
                remedy: "leave the labels out")
        }
    }

    public mutating func append(_ vectors: BinaryRows, ids: [Int64]?) throws {
        try checkChangeable(givesIDs: ids != nil)
        let numbers = try quantizer.search(vectors, k: 1).labels.map { label in
            // A search of a graph may come back with nothing.
            label >= 0 && label < listCount ? Int(label) : 0
        }
        let first = Int64(count)
        directMap.grow(to: count + vectors.count)
        lists.append(
            vectors.bytes, layout,
            ids: ids ?? (0..<Int64(vectors.count)).map { first + $0 }, to: numbers,
            listCount: listCount, &directMap)
        header.count += vectors.count
    }

    public mutating func delete(_ selector: IDSelector) throws -> Int {
        let removed = try lists.remove(selector, layout, &directMap)
        header.count -= removed
        return removed
    }

    public mutating func absorb(_ other: any BinaryIndex, shiftingIDs shift: Int64) throws {
        guard let other = other as? Self else {
            throw IndexChangeError.incompatible("one is BinaryIVFIndex")
        }
        try checkChangeable(givesIDs: false)
        var merged = lists
        try merged.merge(other.lists, layout, shiftingIDs: shift, listCount: listCount)
        directMap = try DirectMap(directMap.kind, of: merged, count: count + other.count)
        lists = merged
        header.count += other.count
    }

    public mutating func relabel(_ change: (Int64) -> Int64) throws {
        lists.relabel(change)
        directMap = try DirectMap(directMap.kind, of: lists, count: count)
    }

    public mutating func clear() {
        lists.removeAll()
        directMap.removeAll()
        header.count = 0
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IBwF")
        try header.write(to: &writer)
        try writer.size(listCount)
        try writer.size(nprobe)
        try quantizer.write(to: &writer)
        try directMap.write(to: &writer)
        try lists.write(to: &writer)
    }
}
