/// How JSON is written: separators, indentation and which characters are escaped.
public struct JSONStyle: Sendable, Hashable {
    /// What stands between two elements.
    public var itemSeparator: String
    /// What stands between a key and its value.
    public var keySeparator: String
    /// Spaces an inner level is set in by, each element on a line of its own; nil keeps one line.
    public var indentation: Int?
    /// Whether characters outside ASCII are written as `\u` escapes.
    public var escapesNonASCII: Bool

    public init(
        itemSeparator: String = ",", keySeparator: String = ":", indentation: Int? = nil,
        escapesNonASCII: Bool = false
    ) {
        self.itemSeparator = itemSeparator
        self.keySeparator = keySeparator
        self.indentation = indentation
        self.escapesNonASCII = escapesNonASCII
    }

    /// No white space: `{"a":[1,2]}`.
    public static let compact = JSONStyle()
    /// Two spaces a level.
    public static let pretty = JSONStyle(keySeparator: ": ", indentation: 2)
    /// As `json.dumps(value, ensure_ascii=False)` of Python writes: `{"a": [1, 2]}`.
    public static let python = JSONStyle(itemSeparator: ", ", keySeparator: ": ")

    /// As `json.dumps(value, indent=spaces, ensure_ascii=False)` of Python writes.
    public static func python(indentation spaces: Int) -> JSONStyle {
        JSONStyle(keySeparator: ": ", indentation: spaces)
    }
}
