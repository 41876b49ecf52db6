/// The metadata of a GGUF file: typed values under keys, in order.
///
/// ```swift
/// let architecture = try file.metadata.string("general.architecture")
/// let layerCount = try file.metadata.int("\(architecture).block_count")
/// ```
///
/// The typed getters throw a `GGUFError` that names the key, what was found and what was expected.
public struct GGUFMetadata: Sendable {
    /// The file the metadata comes from, for messages.
    public let path: String
    private var index = NameIndex()
    private var values: [GGUFValue] = []

    /// Makes empty metadata.
    public init(path: String = "metadata") {
        self.path = path
    }

    /// The keys, in order.
    public var keys: [String] { index.names }

    public var count: Int { values.count }

    /// The pairs, in order.
    public var pairs: [(key: String, value: GGUFValue)] {
        zip(index.names, values).map { ($0, $1) }
    }

    /// The value of a key; setting a new key appends it, setting nil removes the pair.
    public subscript(key: String) -> GGUFValue? {
        get { index.position(of: key).map { values[$0] } }
        set {
            switch (index.position(of: key), newValue) {
            case (let position?, let value?):
                values[position] = value
            case (nil, let value?):
                append(key, value)
            case (let position?, nil):
                var kept = pairs
                kept.remove(at: position)
                index = NameIndex()
                values = []
                for (key, value) in kept { append(key, value) }
            case (nil, nil):
                break
            }
        }
    }

    /// Appends a pair unless the key is there already; says whether it did.
    mutating func appendIfNew(_ key: String, _ value: GGUFValue) -> Bool {
        guard index.insert(key) else { return false }
        values.append(value)
        return true
    }

    private mutating func append(_ key: String, _ value: GGUFValue) {
        _ = appendIfNew(key, value)
    }
}

extension GGUFMetadata {
    public func string(_ key: String) throws(GGUFError) -> String {
        try required(key, optionalString(key))
    }

    /// An integer of any integer type.
    public func int(_ key: String) throws(GGUFError) -> Int {
        try required(key, optionalInt(key))
    }

    /// A floating-point number of either type.
    public func float(_ key: String) throws(GGUFError) -> Float {
        try required(key, optionalFloat(key))
    }

    public func bool(_ key: String) throws(GGUFError) -> Bool {
        try required(key, optionalBool(key))
    }

    /// An array of strings, of a given length if there is one to be had.
    public func strings(_ key: String, count: Int? = nil) throws(GGUFError) -> [String] {
        try required(key, optionalStrings(key, count: count))
    }

    /// An array of integers of any integer type.
    public func ints(_ key: String, count: Int? = nil) throws(GGUFError) -> [Int] {
        try required(key, optionalInts(key, count: count))
    }

    /// An array of floating-point numbers of either type.
    public func floats(_ key: String, count: Int? = nil) throws(GGUFError) -> [Float] {
        try required(key, optionalFloats(key, count: count))
    }

    public func optionalString(_ key: String) throws(GGUFError) -> String? {
        try converted(key, "a string") { $0.stringValue }
    }

    public func optionalInt(_ key: String) throws(GGUFError) -> Int? {
        try converted(key, "an integer of at most 63 bits") { $0.intValue }
    }

    public func optionalFloat(_ key: String) throws(GGUFError) -> Float? {
        try converted(key, "a floating-point number") { $0.doubleValue.map { Float($0) } }
    }

    public func optionalBool(_ key: String) throws(GGUFError) -> Bool? {
        try converted(key, "a boolean") { $0.boolValue }
    }

    public func optionalStrings(
        _ key: String, count: Int? = nil
    ) throws(GGUFError) -> [String]? {
        guard let array = self[key]?.arrayValue, array.elementType == .string else {
            return try self.array(key, "an array of strings", count) { $0.strings }
        }
        let strings: [String]
        do {
            strings = try array.decodedStrings()
        } catch {
            throw self.error(
                .valueOutOfRange(
                    key: key, value: "not UTF-8 at element \(error.position)",
                    expected: "strings in UTF-8"))
        }
        return try self.array(key, "an array of strings", count) { _ in strings }
    }

    public func optionalInts(_ key: String, count: Int? = nil) throws(GGUFError) -> [Int]? {
        try array(key, "an array of integers of at most 63 bits", count) { $0.ints }
    }

    public func optionalFloats(_ key: String, count: Int? = nil) throws(GGUFError) -> [Float]? {
        try array(key, "an array of floating-point numbers", count) { $0.floats }
    }

    /// A count for each layer, written as one number for all or as an array of them.
    ///
    /// - Parameter layerCount: how many there must be.
    public func optionalIntPerLayer(
        _ key: String, layerCount: Int
    ) throws(GGUFError) -> [Int]? {
        if case .array? = self[key] { return try ints(key, count: layerCount) }
        return try optionalInt(key).map { Array(repeating: $0, count: layerCount) }
    }

    private func converted<Value>(
        _ key: String, _ expected: String, _ convert: (GGUFValue) -> Value?
    ) throws(GGUFError) -> Value? {
        guard let value = self[key] else { return nil }
        guard let result = convert(value) else {
            throw error(
                .wrongValueType(key: key, found: value.typeDescription, expected: expected))
        }
        return result
    }

    private func array<Value>(
        _ key: String, _ expected: String, _ count: Int?, _ convert: (GGUFArray) -> [Value]?
    ) throws(GGUFError) -> [Value]? {
        let found = try converted(key, expected) { $0.arrayValue.flatMap(convert) }
        if let found, let count, found.count != count {
            throw error(.wrongCount(key: key, found: found.count, expected: count))
        }
        return found
    }

    private func required<Value>(_ key: String, _ value: Value?) throws(GGUFError) -> Value {
        guard let value else { throw error(.missingKey(key)) }
        return value
    }

    private func error(_ reason: GGUFError.Reason) -> GGUFError { GGUFError(path, reason) }
}
