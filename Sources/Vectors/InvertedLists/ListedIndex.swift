/// An index of inverted lists, whatever codes are in them.
protocol ListedIndex: HeaderedIndex {
    var file: InvertedFile { get set }
    /// How a list keeps its codes.
    var layout: CodeLayout { get }
    /// Whether codes stand for differences to the centroid of their list.
    var isResidual: Bool { get }
    /// The codes of vectors that were assigned to lists, as rows of the layout.
    func rows(encoding vectors: VectorRows, lists: [Int]) throws -> [UInt8]
    /// The vectors that rows of the layout stand for, in lists.
    func vectors(decoding rows: [UInt8], lists: [Int]) throws -> VectorRows
}

extension ListedIndex {
    var header: IndexHeader { file.header }

    public mutating func append(
        _ vectors: VectorRows, ids: [Int64]?, progress: TrainingProgressHandler?
    ) throws {
        let total = count.addingReportingOverflow(vectors.count)
        guard !total.overflow else {
            throw TrainingError.tooManyVectors(limit: .max, index: "\(Self.self)")
        }
        try file.checkChangeable("\(Self.self)", givesIDs: ids != nil)
        let lists = try file.assign(vectors)
        let rows = try rows(encoding: vectors, lists: lists)
        let first = Int64(count)
        file.append(
            rows, layout, ids: ids ?? (0..<Int64(vectors.count)).map { first + $0 }, to: lists)
    }

    public mutating func delete(_ selector: IDSelector) throws -> Int {
        try file.checkChangeable("\(Self.self)", givesIDs: false)
        return try file.remove(selector, layout)
    }

    public mutating func replace(_ ids: [Int64], with vectors: VectorRows) throws {
        try file.checkChangeable("\(Self.self)", givesIDs: false)
        let lists = try file.assign(vectors)
        let rows = try rows(encoding: vectors, lists: lists)
        try file.update(ids, rows, layout, to: lists, by: "\(Self.self)")
    }

    public mutating func relabel(_ change: (Int64) -> Int64) throws { try file.relabel(change) }

    public mutating func absorb(_ other: any VectorIndex, shiftingIDs shift: Int64) throws {
        guard let other = other as? Self else {
            throw IndexChangeError.incompatible("one is \(Self.self)")
        }
        try file.checkChangeable("\(Self.self)", givesIDs: false)
        try file.merge(other.file, layout, shiftingIDs: shift)
    }

    public mutating func clear() { file.removeAll() }

    public mutating func mapLabels(_ kind: DirectMapKind) throws {
        file.directMap = try DirectMap(kind, of: file)
    }

    public func reconstruct(_ ids: [Int64]) throws -> VectorRows {
        let places = try file.places(of: ids)
        let rows = places.flatMap { place in
            file.lists.row(place.offset, of: place.list, layout)
        }
        return try vectors(decoding: rows, lists: places.map(\.list))
    }

    // MARK: Standalone codes: the number of the list, then the row

    private var listNumberSize: Int {
        var (size, most) = (0, max(0, file.listCount - 1))
        while most > 0 {
            size += 1
            most >>= 8
        }
        return size
    }

    public var codeByteCount: Int? { listNumberSize + layout.rowSize }

    public func codes(of vectors: VectorRows) throws -> [UInt8] {
        let lists = try file.assign(vectors)
        let rows = try rows(encoding: vectors, lists: lists)
        let size = layout.rowSize
        return lists.enumerated().flatMap { row, list in
            (0..<listNumberSize).map { UInt8(truncatingIfNeeded: list >> (8 * $0)) }
                + rows[row * size..<(row + 1) * size]
        }
    }

    public func vectors(of codes: [UInt8]) throws -> VectorRows {
        let (prefix, size) = (listNumberSize, layout.rowSize)
        var (lists, rows): ([Int], [UInt8]) = ([], [])
        for start in stride(from: 0, to: codes.count, by: prefix + size) {
            let list = (0..<prefix).reduce(0) { $0 | Int(codes[start + $1]) << (8 * $1) }
            guard list < file.listCount else {
                throw IndexChangeError.incompatible(
                    "a code names list \(list) of \(file.listCount)")
            }
            lists.append(list)
            rows += codes[start + prefix..<start + prefix + size]
        }
        return try vectors(decoding: rows, lists: lists)
    }
}
