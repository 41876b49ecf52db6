import FathomJSON
import FathomVectors

/// Fields of vectors from JSON lines, an object a line.
struct FieldRows {
    /// Those under `id`; empty if no line has one.
    let ids: [Int64]
    let fields: [[String: ColumnValue]]

    init(ids: [Int64], fields: [[String: ColumnValue]]) {
        self.ids = ids
        self.fields = fields
    }

    /// - Parameter count: how many lines there must be.
    init(_ path: String, count: Int, columns: [ColumnDefinition]) throws {
        let lines = try TextFile.read(path).split(separator: "\n", omittingEmptySubsequences: false)
        let used = lines.last?.isEmpty == true ? lines.dropLast() : lines
        guard used.count == count else {
            throw ToolError("\(path): has \(used.count) lines for \(count) vectors")
        }
        let isColumn = columns.contains { $0.name == "id" }
        var ids: [Int64] = []
        var fields: [[String: ColumnValue]] = []
        for (number, line) in used.enumerated() {
            let place = "\(path), line \(number + 1)"
            let value: JSONValue
            do {
                value = try JSONValue(parsing: String(line))
            } catch {
                throw ToolError("\(place): \(error)")
            }
            guard let object = value.objectValue else {
                throw ToolError("\(place): is \(value.kindDescription); it must be an object")
            }
            var row: [String: ColumnValue] = [:]
            for (name, value) in object {
                if name == "id", !isColumn {
                    guard let id = value.intValue else {
                        throw ToolError("\(place): 'id' must be an integer")
                    }
                    ids.append(Int64(id))
                } else if !value.isNull {
                    guard let column = ColumnValue(value) else {
                        throw ToolError(
                            "\(place): '\(name)' is \(value.kindDescription); it must be a number, "
                                + "a string, true, false or null")
                    }
                    row[name] = column
                }
            }
            fields.append(row)
        }
        guard ids.isEmpty || ids.count == count else {
            throw ToolError(
                "\(path): \(ids.count) of \(count) lines have an 'id'; give all or none")
        }
        self.ids = ids
        self.fields = fields
    }
}

extension ColumnValue {
    /// nil for a list, an object or null.
    init?(_ value: JSONValue) {
        switch value {
        case .bool(let value): self = .boolean(value)
        case .integer(let value): self = .integer(Int64(value))
        case .number(let value): self = .double(value)
        case .string(let value): self = .string(value)
        case .null, .array, .object: return nil
        }
    }
}

extension JSONValue {
    /// Infinity, which JSON has no number for, is a string.
    init(_ value: ColumnValue) {
        switch value {
        case .boolean(let value): self = .bool(value)
        case .integer(let value): self = .integer(Int(value))
        case .double(let value): self = value.isFinite ? .number(value) : .string("\(value)")
        case .string(let value): self = .string(value)
        }
    }
}
