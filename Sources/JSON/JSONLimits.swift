/// What a reader of JSON accepts before it refuses the text.
public struct JSONLimits: Sendable, Hashable {
    /// How many arrays and objects may stand inside each other.
    public var maximumDepth: Int
    /// How many bytes the text may have.
    public var maximumBytes: Int
    /// How many values the text may hold, containers and their elements counted, keys not.
    public var maximumElements: Int

    public init(
        maximumDepth: Int = 512, maximumBytes: Int = 256 << 20, maximumElements: Int = 16 << 20
    ) {
        self.maximumDepth = maximumDepth
        self.maximumBytes = maximumBytes
        self.maximumElements = maximumElements
    }

    /// 512 levels, 256 MiB, 16 million values: enough for every vocabulary file in use.
    public static let `default` = JSONLimits()
}
