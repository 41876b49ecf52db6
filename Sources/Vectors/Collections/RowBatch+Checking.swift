#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension RowBatch {
    /// Checks rows that come from outside, and brings vectors to unit length for the cosine.
    ///
    /// - Throws: `CollectionError`, which names the row.
    init(
        _ vectors: VectorRows, ids: [Int64], fields: [[String: ColumnValue]],
        _ settings: CollectionSettings
    ) throws(CollectionError) {
        func refusal(
            _ what: String, _ found: some Any, _ expected: String
        ) -> CollectionError {
            CollectionError("", .refused(what, found: "\(found)", expected: expected))
        }
        guard vectors.dimension == settings.dimension else {
            throw refusal("the vectors' dimension", vectors.dimension, "\(settings.dimension)")
        }
        guard ids.count == vectors.count else {
            throw refusal("the number of ids", ids.count, "that of the vectors, \(vectors.count)")
        }
        guard fields.isEmpty || fields.count == ids.count else {
            throw refusal("the number of rows of fields", fields.count, "0 or \(ids.count)")
        }
        var seen = Set<Int64>(minimumCapacity: ids.count)
        for (row, id) in ids.enumerated() {
            guard id >= 0 else { throw refusal("the id of row \(row)", id, "at least 0") }
            guard seen.insert(id).inserted else {
                throw refusal("the id of row \(row)", id, "given once in a call")
            }
        }
        let firstBad = vectors.values.withUnsafeBufferPointer { values in
            values.firstIndex { !$0.isFinite }
        }
        if let firstBad {
            throw refusal(
                "a component of vector \(firstBad / vectors.dimension)", vectors.values[firstBad],
                "a finite number")
        }
        var values = vectors.values
        if settings.metric == .cosine {
            let dimension = vectors.dimension
            for row in 0..<vectors.count {
                guard UnitVector.scale(&values, row * dimension..<(row + 1) * dimension) else {
                    throw refusal(
                        "the length of vector \(row)", 0, "above 0 for the cosine; leave it out")
                }
            }
        }
        var rows: [[ColumnValue?]] = []
        if !settings.columns.isEmpty {
            rows.reserveCapacity(ids.count)
            let missing = [ColumnValue?](repeating: nil, count: settings.columns.count)
            let numbers = Dictionary(
                uniqueKeysWithValues: settings.columns.enumerated().map { ($1.name, $0) })
            for row in ids.indices {
                var values = missing
                for (name, value) in fields.isEmpty ? [:] : fields[row] {
                    guard let number = numbers[name] else {
                        throw refusal(
                            "a field of row \(row)", "'\(name.prefix(60))'",
                            "one of \(settings.columns.map(\.name).joined(separator: ", "))")
                    }
                    guard let fitting = value.fitting(settings.columns[number].type) else {
                        throw refusal(
                            "'\(name)' of row \(row)", "\(value)",
                            settings.columns[number].type.expectation)
                    }
                    values[number] = fitting
                }
                rows.append(values)
            }
        } else if let row = fields.firstIndex(where: { !$0.isEmpty }) {
            throw refusal(
                "a field of row \(row)", "'\(fields[row].keys.min()?.prefix(60) ?? "")'",
                "left out: the collection has no columns")
        }
        self.init(ids: ids, vectors: values, fields: rows)
    }
}

extension ColumnValue {
    /// The value as one of a type; nil where it is none.
    fileprivate func fitting(_ type: ColumnType) -> ColumnValue? {
        switch (type, self) {
        case (.integer, .integer), (.boolean, .boolean): self
        case (.double, .integer(let value)): .double(Double(value))
        case (.double, .double(let value)): value.isNaN ? nil : self
        case (.string, .string(let text)):
            text.utf8.count <= CollectionSettings.stringLimit ? self : nil
        default: nil
        }
    }
}

extension ColumnType {
    fileprivate var expectation: String {
        switch self {
        case .integer: "an integer"
        case .double: "a number that is not NaN"
        case .string: "a string of at most \(CollectionSettings.stringLimit) bytes"
        case .boolean: "true or false"
        }
    }
}

/// Vectors at length 1.
enum UnitVector {
    /// Scales some components to length 1; false if they are all 0 or no numbers.
    static func scale(_ values: inout [Float], _ range: Range<Int>) -> Bool {
        var sum = 0.0
        for i in range { sum += Double(values[i]) * Double(values[i]) }
        let length = sum.squareRoot()
        guard length > 0, length.isFinite else { return false }
        for i in range { values[i] = Float(Double(values[i]) / length) }
        return true
    }
}
