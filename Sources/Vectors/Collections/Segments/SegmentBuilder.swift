/// Makes a segment's file of rows that lie in several parts.
struct SegmentBuilder {
    private let settings: CollectionSettings
    private let parts: [any CollectionPart]
    /// Where each row comes from, in the order of ids.
    private let rows: [Place]

    private struct Place {
        let id: Int64
        let part: Int32
        let row: Int32
    }

    /// Takes the rows that are not deleted. An id is in one of the parts at most.
    init(_ parts: [any CollectionPart], _ settings: CollectionSettings) {
        self.settings = settings
        self.parts = parts
        var rows: [Place] = []
        for (number, part) in parts.enumerated() {
            for row in part.live.members {
                rows.append(
                    Place(
                        id: part.id(of: row), part: Int32(truncatingIfNeeded: number),
                        row: Int32(truncatingIfNeeded: row)))
            }
        }
        rows.sort { $0.id < $1.id }
        self.rows = rows
    }

    var count: Int { rows.count }

    private func gatherVectors() throws -> [Float] {
        let dimension = settings.dimension
        var targets = parts.map { [Int32](repeating: -1, count: $0.count) }
        for (target, place) in rows.enumerated() {
            targets[Int(place.part)][Int(place.row)] = Int32(truncatingIfNeeded: target)
        }
        let values = [Float](unsafeUninitializedCapacity: rows.count * dimension) {
            buffer, initialized in
            if let base = buffer.baseAddress {
                for (part, targets) in zip(parts, targets) {
                    part.forEachRun { first, count, values in
                        for row in 0..<count where targets[first + row] >= 0 {
                            (base + Int(targets[first + row]) * dimension).update(
                                from: values + row * dimension, count: dimension)
                        }
                    }
                }
            }
            initialized = rows.count * dimension
        }
        for part in parts { try part.checkIntact() }
        return values
    }

    private func gatherColumns() throws -> [EncodedColumn] {
        var values = settings.columns.map { _ in [ColumnValue?]() }
        guard !values.isEmpty else { return [] }
        for number in values.indices { values[number].reserveCapacity(rows.count) }
        for place in rows {
            let fields = parts[Int(place.part)].fields(of: Int(place.row))
            for number in values.indices { values[number].append(fields[number]) }
        }
        for part in parts { try part.checkIntact() }
        return zip(settings.columns, values).map { EncodedColumn($0.type, $1) }
    }

    /// The content of the segment's file.
    ///
    /// - Parameter isIndexed: whether to build the index of the settings' factory string, if it is
    ///   one and there are enough rows for it.
    func encode(
        number: UInt64, isIndexed: Bool, threads: Int = 1,
        progress: TrainingProgressHandler? = nil
    ) throws -> [FilePiece] {
        guard rows.count <= CollectionSettings.segmentLimit else {
            throw CollectionError(
                "",
                .refused(
                    "the number of rows of a segment", found: "\(rows.count)",
                    expected: "at most \(CollectionSettings.segmentLimit)"))
        }
        let vectors = try VectorRows(try gatherVectors(), dimension: settings.dimension)
        let index = isIndexed ? try buildIndex(vectors, threads, progress) : nil
        var head = IndexWriter()
        try head.value(number)
        try head.size(settings.dimension)
        try head.size(rows.count)
        try head.text(index == nil ? "" : settings.factory)
        var sections: [(name: String, content: FilePiece)] = [
            ("rows", .bytes(head.bytes)),
            ("ids", .integers(rows.map(\.id))),
            ("vectors", .floats(vectors.values)),
        ]
        if let index { sections.append(("index", .bytes(index))) }
        for (number, column) in try gatherColumns().enumerated() {
            sections.append(("column \(number)", .bytes(try column.encoded())))
        }
        return SegmentFile.encode(sections)
    }

    /// The index of the settings in Faiss's format; nil where the vectors are scanned instead.
    private func buildIndex(
        _ vectors: VectorRows, _ threads: Int, _ progress: TrainingProgressHandler?
    ) throws -> [UInt8]? {
        let description = try settings.description()
        guard Self.deservesIndex(vectors.count, settings, description.kind) else { return nil }
        var builder = try IndexBuilder(description)
        if !builder.isTrained {
            try builder.train(vectors, threads: threads, progress: progress)
        }
        try builder.add(vectors, threads: threads, progress: progress)
        var writer = IndexWriter()
        try builder.finished().write(to: &writer)
        return writer.bytes
    }

    /// Whether so many rows get an index: enough for the settings, 39 for each inverted list as
    /// k-means wants it, and 256 to train codes on.
    static func deservesIndex(
        _ count: Int, _ settings: CollectionSettings, _ kind: IndexDescription.Kind
    ) -> Bool {
        if kind == .flat || count < settings.indexRows { return false }
        let needed = kind.isExact ? 1 : 256
        return count >= max(needed, 39 * (kind.listCount ?? 0))
    }
}
