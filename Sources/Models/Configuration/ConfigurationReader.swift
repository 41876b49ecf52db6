import FathomJSON

/// Reads the fields of a `config.json` with their limits, once; afterwards nobody looks at JSON.
struct ConfigurationReader {
    let object: JSONObject
    /// Where the object stands, for messages: `rope_scaling` or nothing.
    let place: String

    init(_ object: JSONObject, place: String = "") {
        self.object = object
        self.place = place
    }

    /// Sizes beyond this are a damaged or hostile file; it keeps products of sizes within `Int`.
    static let largestSize = 1 << 24

    private func name(_ key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }

    /// Whether a field is there and not null.
    func has(_ key: String) -> Bool {
        guard let value = object[key] else { return false }
        return !value.isNull
    }

    func optionalInt(_ key: String, in range: ClosedRange<Int> = 1...largestSize)
        throws(ConfigurationError) -> Int?
    {
        guard has(key), let value = object[key] else { return nil }
        guard let number = value.intValue else {
            throw ConfigurationError(name(key), found: "\(value)", expected: "a whole number")
        }
        guard range.contains(number) else {
            throw ConfigurationError(
                name(key), found: "\(number)",
                expected: "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func int(_ key: String, in range: ClosedRange<Int> = 1...largestSize)
        throws(ConfigurationError) -> Int
    {
        guard let number = try optionalInt(key, in: range) else {
            throw ConfigurationError(name(key), found: "nothing", expected: "a whole number")
        }
        return number
    }

    func optionalDouble(_ key: String) throws(ConfigurationError) -> Double? {
        guard has(key), let value = object[key] else { return nil }
        guard let number = value.doubleValue, number.isFinite else {
            throw ConfigurationError(name(key), found: "\(value)", expected: "a number")
        }
        return number
    }

    /// A number above zero.
    func positive(_ key: String, default standard: Double? = nil) throws(ConfigurationError)
        -> Double
    {
        guard let number = try optionalDouble(key) ?? standard else {
            throw ConfigurationError(name(key), found: "nothing", expected: "a number above 0")
        }
        guard number > 0 else {
            throw ConfigurationError(name(key), found: "\(number)", expected: "a number above 0")
        }
        return number
    }

    func bool(_ key: String, default standard: Bool) throws(ConfigurationError) -> Bool {
        guard has(key), let value = object[key] else { return standard }
        guard let flag = value.boolValue else {
            throw ConfigurationError(name(key), found: "\(value)", expected: "true or false")
        }
        return flag
    }

    func optionalString(_ key: String) throws(ConfigurationError) -> String? {
        guard has(key), let value = object[key] else { return nil }
        guard let text = value.stringValue else {
            throw ConfigurationError(name(key), found: "\(value)", expected: "a string")
        }
        return text
    }

    func optionalObject(_ key: String) throws(ConfigurationError) -> ConfigurationReader? {
        guard has(key), let value = object[key] else { return nil }
        guard let inner = value.objectValue else {
            throw ConfigurationError(name(key), found: "\(value)", expected: "an object")
        }
        return ConfigurationReader(inner, place: name(key))
    }

    /// Refuses a field that has another value than the one supported.
    func require(_ key: String, isOneOf allowed: [String]) throws(ConfigurationError) {
        guard let value = try optionalString(key) else { return }
        guard allowed.contains(value) else {
            throw ConfigurationError(
                name(key), found: "'\(value)'",
                expected: allowed.map { "'\($0)'" }.joined(separator: " or "))
        }
    }
}

/// A field of a configuration that is missing, impossible or not supported.
public struct ConfigurationError: Error, Hashable, CustomStringConvertible {
    /// The field's name, with the objects around it: `rope_scaling.factor`.
    public let field: String
    public let found: String
    public let expected: String
    /// The file that says so.
    public let file: String

    init(_ field: String, found: String, expected: String, file: String = "config.json") {
        self.field = field
        self.found = found
        self.expected = expected
        self.file = file
    }

    public var description: String {
        "\(file): '\(field)' is \(found); expected \(expected)"
    }
}
