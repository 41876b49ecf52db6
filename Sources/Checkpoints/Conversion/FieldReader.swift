import FathomJSON

/// Reads the fields of a configuration; errors name file and field.
struct FieldReader {
    let object: JSONObject
    let path: String

    init(_ object: JSONObject, path: String) {
        self.object = object
        self.path = path
    }

    func string(_ name: String) throws(ConversionError) -> String {
        guard let value = try optionalString(name) else { throw missing(name, "a string") }
        return value
    }

    func optionalString(_ name: String) throws(ConversionError) -> String? {
        try optional(name, "a string") { $0.stringValue }
    }

    func int(
        _ name: String, in range: ClosedRange<Int> = 1...(1 << 31)
    ) throws(ConversionError) -> Int {
        guard let value = try optionalInt(name, in: range) else { throw missing(name, "a number") }
        return value
    }

    func optionalInt(
        _ name: String, in range: ClosedRange<Int> = 1...(1 << 31)
    ) throws(ConversionError) -> Int? {
        try optional(name, "a whole number from \(range.lowerBound) to \(range.upperBound)") {
            $0.intValue.flatMap { range.contains($0) ? $0 : nil }
        }
    }

    func positive(_ name: String) throws(ConversionError) -> Double {
        let value = try optional(name, "a number above 0") {
            $0.doubleValue.flatMap { $0 > 0 ? $0 : nil }
        }
        guard let value else { throw missing(name, "a number above 0") }
        return value
    }

    func optionalDouble(_ name: String) throws(ConversionError) -> Double? {
        try optional(name, "a number") { $0.doubleValue }
    }

    func optionalBool(_ name: String) throws(ConversionError) -> Bool? {
        try optional(name, "true or false") { $0.boolValue }
    }

    func optionalObject(_ name: String) throws(ConversionError) -> FieldReader? {
        try optional(name, "an object") { $0.objectValue }
            .map { FieldReader($0, path: "\(path), \(name)") }
    }

    private func optional<Value>(
        _ name: String, _ expected: String, _ convert: (JSONValue) -> Value?
    ) throws(ConversionError) -> Value? {
        guard let value = object[name], !value.isNull else { return nil }
        guard let result = convert(value) else {
            throw .field(path: path, name: name, found: "\(value)", expected: expected)
        }
        return result
    }

    private func missing(_ name: String, _ expected: String) -> ConversionError {
        .field(path: path, name: name, found: "missing", expected: expected)
    }
}
