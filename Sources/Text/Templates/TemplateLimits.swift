/// How much a chat template may cost before it is stopped.
///
/// The defaults let every published template render conversations of many megabytes, and stop a
/// hostile one within about a second.
public struct TemplateLimits: Sendable, Hashable {
    /// The bytes of source that are read.
    public var sourceBytes: Int
    /// How deep blocks, parentheses and other constructs of the source may nest.
    public var nesting: Int
    /// How deep macros may call each other.
    public var callDepth: Int
    /// The steps of one rendering; long texts and lists count for more than one.
    public var steps: Int
    /// The bytes of the rendered prompt.
    public var outputBytes: Int
    /// The bytes of one value: of a string, or of a list with everything inside it.
    public var valueBytes: Int
    /// How deep lists and mappings may nest, those of the given variables included.
    public var valueDepth: Int
    /// The items of a `range`.
    public var rangeItems: Int

    /// Makes limits; what is left out has its default.
    public init(
        sourceBytes: Int = 1 << 18,
        nesting: Int = 48,
        callDepth: Int = 200,
        steps: Int = 20_000_000,
        outputBytes: Int = 64 << 20,
        valueBytes: Int = 64 << 20,
        valueDepth: Int = 128,
        rangeItems: Int = 100_000
    ) {
        self.sourceBytes = sourceBytes
        self.nesting = nesting
        self.callDepth = callDepth
        self.steps = steps
        self.outputBytes = outputBytes
        self.valueBytes = valueBytes
        self.valueDepth = valueDepth
        self.rangeItems = rangeItems
    }

    /// The limits used unless others are given.
    public static let `default` = TemplateLimits()
}
