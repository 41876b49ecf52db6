import FathomJSON

/// Typed fields of a tokenizer file; absent and `null` are the same.
extension JSONObject {
    func string(_ key: String, in path: String) throws(TokenizerError.Reason) -> String? {
        try field(key, in: path, "a string", \.stringValue)
    }

    func bool(_ key: String, in path: String) throws(TokenizerError.Reason) -> Bool? {
        try field(key, in: path, "a boolean", \.boolValue)
    }

    func int(_ key: String, in path: String) throws(TokenizerError.Reason) -> Int? {
        try field(key, in: path, "an integer", \.intValue)
    }

    func array(_ key: String, in path: String) throws(TokenizerError.Reason) -> [JSONValue]? {
        try field(key, in: path, "an array", \.arrayValue)
    }

    func object(_ key: String, in path: String) throws(TokenizerError.Reason) -> JSONObject? {
        try field(key, in: path, "an object", \.objectValue)
    }

    func required<Value>(
        _ key: String, in path: String, _ value: Value?
    ) throws(TokenizerError.Reason) -> Value {
        guard let value else { throw .missingField("\(path).\(key)") }
        return value
    }

    private func field<Value>(
        _ key: String, in path: String, _ expected: String, _ read: (JSONValue) -> Value?
    ) throws(TokenizerError.Reason) -> Value? {
        guard let value = self[key], !value.isNull else { return nil }
        guard let result = read(value) else {
            throw .wrongType(
                field: "\(path).\(key)", found: value.kindDescription, expected: expected)
        }
        return result
    }
}

/// The parts of a field that is one component or a `Sequence` of components, in order.
func flattenedComponents(
    _ value: JSONValue?, _ path: String, list: String, limit: Int
) throws(TokenizerError.Reason) -> [(type: String, fields: JSONObject, path: String)] {
    guard let value, !value.isNull else { return [] }
    var components: [(type: String, fields: JSONObject, path: String)] = []
    var pending = [(value, path)]
    while let (value, path) = pending.popLast() {
        guard let fields = value.objectValue else {
            throw .wrongType(field: path, found: value.kindDescription, expected: "an object")
        }
        let type = try fields.required("type", in: path, fields.string("type", in: path))
        if type == "Sequence" {
            let parts = try fields.required(list, in: path, fields.array(list, in: path))
            for (index, part) in parts.enumerated().reversed() {
                pending.append((part, "\(path).\(list)[\(index)]"))
            }
        } else {
            components.append((type, fields, path))
        }
        guard components.count + pending.count <= limit else {
            throw .unsupported(
                field: path, value: "more than \(limit) parts", supported: "up to \(limit)")
        }
    }
    return components
}
