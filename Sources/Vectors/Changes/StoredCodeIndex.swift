/// An index that keeps one code a vector, numbered in order.
protocol StoredCodeIndex: HeaderedIndex {
    var header: IndexHeader { get set }
    var codes: Storage<UInt8> { get set }
    var layout: CodeLayout { get }
    /// The codes of vectors as rows of the layout.
    func rows(encoding vectors: VectorRows) throws -> [UInt8]
    /// The vectors that rows of the layout stand for.
    func vectors(decoding rows: [UInt8]) -> VectorRows
}

extension StoredCodeIndex {
    public mutating func append(
        _ vectors: VectorRows, ids: [Int64]?, progress: TrainingProgressHandler?
    ) throws {
        guard ids == nil else { throw TrainingError.idsNotSupported("\(Self.self)") }
        try appendRows(try rows(encoding: vectors), count: vectors.count)
    }

    private mutating func appendRows(_ rows: [UInt8], count added: Int) throws {
        let total = count.addingReportingOverflow(added)
        guard !total.overflow else {
            throw TrainingError.tooManyVectors(limit: .max, index: "\(Self.self)")
        }
        codes.modify { [layout, count] in layout.append(rows[...], to: &$0, count: count) }
        header.count = total.partialValue
    }

    /// Closes the gaps: later vectors get smaller numbers.
    public mutating func delete(_ selector: IDSelector) throws -> Int {
        let old = count
        guard let first = (0..<old).first(where: { selector.contains(Int64($0)) }) else { return 0 }
        let kept = codes.modify { [layout] codes in
            var next = first
            for row in first..<old where !selector.contains(Int64(row)) {
                layout.copy(row, to: next, of: &codes)
                next += 1
            }
            layout.truncate(&codes, to: next, from: old)
            return next
        }
        header.count = kept
        return old - kept
    }

    public mutating func clear() {
        codes = Storage()
        header.count = 0
    }

    public mutating func absorb(_ other: any VectorIndex, shiftingIDs shift: Int64) throws {
        guard let other = other as? Self else {
            throw IndexChangeError.incompatible("one is \(Self.self)")
        }
        guard shift == 0 else {
            throw IndexChangeError.refused(
                "take labels", by: "\(Self.self)",
                remedy: "its vectors are numbered on; merge with a shift of 0")
        }
        try appendRows(layout.rows(of: other.codes, count: other.count), count: other.count)
    }

    public var renumbersOnRemoval: Bool { true }

    public var codeByteCount: Int? { layout.rowSize }

    public func codes(of vectors: VectorRows) throws -> [UInt8] { try rows(encoding: vectors) }

    public func vectors(of codes: [UInt8]) throws -> VectorRows { vectors(decoding: codes) }
}
