import FathomJSON

/// What `model.safetensors.index.json` says: which file holds which weight.
struct ShardIndex {
    static let fileName = "model.safetensors.index.json"

    /// The files, in the order in which the index first names them.
    private(set) var files = NameIndex()
    private(set) var weights = NameIndex()
    /// For each weight the position of its file.
    private(set) var fileOfWeight: [Int] = []
    let totalSize: Int?

    init(_ object: JSONObject) throws(ModelFolderError.Reason) {
        guard let map = object["weight_map"]?.objectValue else {
            throw Self.unexpected(
                object["weight_map"]?.kindDescription ?? "nothing", "an object 'weight_map'")
        }
        switch object["metadata"] {
        case nil, .null:
            totalSize = nil
        case .object(let metadata):
            totalSize = try Self.size(metadata["total_size"])
        case let other?:
            throw Self.unexpected(other.kindDescription, "an object 'metadata'")
        }
        for (name, value) in map {
            guard let file = value.stringValue else {
                throw Self.unexpected(value.kindDescription, "the file name of '\(name)'")
            }
            // The reader refuses duplicate keys, so a name is new here.
            guard weights.insert(name) else { continue }
            _ = files.insert(file)
            fileOfWeight.append(files.position(of: file) ?? 0)
        }
        guard !weights.names.isEmpty else {
            throw Self.unexpected("an empty 'weight_map'", "the names of the weights")
        }
    }

    /// The value of `total_size`, which some programs write as a floating-point number.
    private static func size(_ value: JSONValue?) throws(ModelFolderError.Reason) -> Int? {
        switch value {
        case nil, .null: return nil
        case .integer(let size) where size >= 0: return size
        case .number(let size) where size >= 0:
            if let exact = Int(exactly: size) { return exact }
        default: break
        }
        throw unexpected("'total_size' \(value?.description ?? "")", "a number of bytes")
    }

    private static func unexpected(_ found: String, _ expected: String) -> ModelFolderError.Reason {
        .unexpected(file: fileName, found: found, expected: expected)
    }
}
