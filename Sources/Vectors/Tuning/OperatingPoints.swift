/// What a setting of search parameters costs and what it finds.
public struct OperatingPoint: Sendable {
    /// A parameter and its value.
    public struct Setting: Sendable, Hashable {
        public let range: ParameterRange
        /// Which of the range's values.
        public let number: Int

        public var value: Int { range.values[number] }
    }

    public let settings: [Setting]
    /// The settings as a search takes them.
    public let parameters: SearchParameters
    /// Share of the true nearest that were found, from 0 to 1.
    public let recall: Double
    public let secondsPerQuery: Double

    public var queriesPerSecond: Double { secondsPerQuery > 0 ? 1 / secondsPerQuery : .infinity }

    /// As Faiss writes settings: `nprobe=16,quantizer_efSearch=64`; empty where there are none.
    public var key: String {
        settings.map { "\($0.range.name)=\($0.value)" }.joined(separator: ",")
    }

    /// Whether every parameter is at least as large as those of another point.
    func isAtLeast(_ numbers: [Int]) -> Bool {
        zip(settings, numbers).allSatisfy { $0.number >= $1 }
    }

    func isAtMost(_ numbers: [Int]) -> Bool {
        zip(settings, numbers).allSatisfy { $0.number <= $1 }
    }
}

/// Settings that were tried on one index.
public struct OperatingPoints: Sendable {
    /// All that were tried, in that order.
    public private(set) var points: [OperatingPoint] = []
    /// How many settings were not tried, because others were sure to be as good.
    public internal(set) var skippedCount = 0

    init() {}

    mutating func append(_ point: OperatingPoint) { points.append(point) }

    /// Points for which no other finds as much in as little time: both rise strictly.
    public var front: [OperatingPoint] {
        var front: [OperatingPoint] = []
        let ordered = points.enumerated().sorted { a, b in
            (a.element.secondsPerQuery, -a.element.recall, a.offset)
                < (b.element.secondsPerQuery, -b.element.recall, b.offset)
        }
        for (_, point) in ordered where point.recall > front.last?.recall ?? 0 {
            if let last = front.last, last.secondsPerQuery == point.secondsPerQuery { continue }
            front.append(point)
        }
        return front
    }

    /// The fastest point that finds a share of the true nearest; nil if none does.
    public func cheapest(reaching recall: Double) -> OperatingPoint? {
        front.first { $0.recall >= recall }
    }

    /// The least time in which a point finds a share; infinite if none does.
    func leastSeconds(reaching recall: Double) -> Double {
        points.reduce(.infinity) {
            $1.recall >= recall ? min($0, $1.secondsPerQuery) : $0
        }
    }
}
