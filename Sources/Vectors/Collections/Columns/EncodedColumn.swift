/// A column of a sealed segment: which rows have a value, and the values.
struct EncodedColumn: Sendable {
    private let present: RowSet
    private let values: Values

    private enum Values: Sendable {
        /// A number for every row, 0 where there is none.
        case integers([Int64])
        case doubles([Double])
        case booleans(RowSet)
        /// The places of the rows' strings in a dictionary, 0 where there is none. The dictionary
        /// rises in the order of bytes.
        case strings([UInt32], dictionary: [[UInt8]])
    }

    /// Encodes the values of all rows, each of the type or missing.
    init(_ type: ColumnType, _ rows: [ColumnValue?]) {
        present = RowSet(count: rows.count) { rows[$0] != nil }
        switch type {
        case .integer:
            values = .integers(
                rows.map { if case .integer(let value) = $0 { value } else { 0 } })
        case .double:
            values = .doubles(
                rows.map { if case .double(let value) = $0 { value } else { 0 } })
        case .boolean:
            values = .booleans(RowSet(count: rows.count) { rows[$0] == .boolean(true) })
        case .string:
            let texts = rows.map { value -> [UInt8]? in
                if case .string(let text) = value { Array(text.utf8) } else { nil }
            }
            let dictionary = Set(texts.compactMap(\.self)).sorted {
                $0.lexicographicallyPrecedes($1)
            }
            let places = Dictionary(
                uniqueKeysWithValues: zip(dictionary, 0..<UInt32(clamping: dictionary.count)))
            values = .strings(texts.map { $0.flatMap { places[$0] } ?? 0 }, dictionary: dictionary)
        }
    }

    /// The value of a row.
    subscript(row: Int) -> ColumnValue? {
        guard present.contains(row) else { return nil }
        switch values {
        case .integers(let values): return .integer(values[row])
        case .doubles(let values): return .double(values[row])
        case .booleans(let rows): return .boolean(rows.contains(row))
        case .strings(let places, let dictionary):
            return .string(String(decoding: dictionary[Int(places[row])], as: UTF8.self))
        }
    }

    /// The rows whose value is there and passes a test.
    func rows(passing test: ColumnTest) -> RowSet {
        if case .always = test { return present }
        var rows: RowSet
        switch values {
        case .integers(let values):
            rows = Self.rows(values, test)
        case .doubles(let values):
            rows = RowSet(count: values.count) { test.matches(values[$0]) }
        case .booleans(let members):
            rows = RowSet(count: present.count) { test.matches(members.contains($0)) }
        case .strings(let places, let dictionary):
            guard !dictionary.isEmpty else { return RowSet(count: present.count) }
            // Each string is looked at once, whatever the number of its rows.
            let passes = dictionary.map { test.matches($0) }
            rows = RowSet(count: places.count) { passes[Int(places[$0])] }
        }
        rows.formIntersection(present)
        return rows
    }

    /// The common comparisons without a look at the kind of test in every row.
    private static func rows(_ values: [Int64], _ test: ColumnTest) -> RowSet {
        guard case .integer(let comparison, let other) = test else {
            return RowSet(count: values.count) { test.matches(values[$0]) }
        }
        return values.withUnsafeBufferPointer { values in
            switch comparison {
            case .equal: RowSet(count: values.count) { values[$0] == other }
            case .notEqual: RowSet(count: values.count) { values[$0] != other }
            case .less: RowSet(count: values.count) { values[$0] < other }
            case .lessOrEqual: RowSet(count: values.count) { values[$0] <= other }
            case .greater: RowSet(count: values.count) { values[$0] > other }
            case .greaterOrEqual: RowSet(count: values.count) { values[$0] >= other }
            }
        }
    }
}

extension EncodedColumn {
    /// The section of a segment's file.
    func encoded() throws(IndexFileError) -> [UInt8] {
        var writer = IndexWriter()
        try writer.vector(present.words)
        switch values {
        case .integers(let values): try writer.vector(values)
        case .doubles(let values): try writer.vector(values)
        case .booleans(let rows): try writer.vector(rows.words)
        case .strings(let places, let dictionary):
            try writer.vector(places)
            try writer.size(dictionary.count)
            for text in dictionary { try writer.vector(text) }
        }
        return writer.bytes
    }

    /// Reads a section; every place in it is checked.
    init(reading reader: inout IndexReader, _ type: ColumnType, count: Int) throws {
        func set(_ field: String) throws -> RowSet {
            let words = try reader.vector(
                field, of: UInt64.self, count: count / 64 + (count.isMultiple(of: 64) ? 0 : 1))
            guard let rows = RowSet(words: words, count: count) else {
                throw reader.failure(
                    field, found: "rows beyond the last", expected: "rows below \(count)")
            }
            return rows
        }
        present = try set("present")
        switch type {
        case .integer:
            values = .integers(try reader.vector("values", of: Int64.self, count: count))
        case .double:
            values = .doubles(try reader.vector("values", of: Double.self, count: count))
        case .boolean:
            values = .booleans(try set("values"))
        case .string:
            let places = try reader.vector("places", of: UInt32.self, count: count)
            let size = try reader.size("dictionary", in: 0...reader.remaining / 8)
            var dictionary: [[UInt8]] = []
            for _ in 0..<size {
                let text = try reader.vector("dictionary", of: UInt8.self)
                try reader.require(
                    String(validating: text, as: UTF8.self) != nil, "dictionary",
                    found: "no UTF-8", expected: "UTF-8")
                dictionary.append(text)
            }
            let limit = max(1, dictionary.count)
            let largest = places.max() ?? 0
            try reader.require(
                Int(largest) < limit && (!dictionary.isEmpty || present.isEmpty), "places",
                found: largest, expected: "below \(dictionary.count)")
            values = .strings(places, dictionary: dictionary)
        }
        guard reader.remaining == 0 else {
            throw reader.failure("end", .trailingBytes(reader.remaining))
        }
    }
}
