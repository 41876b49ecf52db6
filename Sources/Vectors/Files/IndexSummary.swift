/// What an index is made of, for people: its type, its numbers and the indexes inside it.
public struct IndexSummary: Sendable, Hashable {
    /// A number or word with its name.
    public struct Fact: Sendable, Hashable {
        public let name: String
        public let value: String
    }

    /// The name of the type, such as `IVFProductQuantizerIndex`.
    public let type: String
    /// What it is to the index around it; empty for the outermost.
    public internal(set) var role = ""
    public let dimension: Int
    public let count: Int
    public let isTrained: Bool
    public let facts: [Fact]
    public let parts: [IndexSummary]

    init(_ index: any VectorIndex) {
        type = "\(Swift.type(of: index))"
        dimension = index.dimension
        count = index.count
        isTrained = index.isTrained
        facts =
            [Fact(name: "metric", value: "\(index.metric)")]
            + index.facts.map { Fact(name: $0, value: $1) }
        parts = index.innerIndexes.map { role, inner in
            var summary = IndexSummary(inner)
            summary.role = role
            return summary
        }
    }

    init(_ index: any BinaryIndex) {
        type = "\(Swift.type(of: index))"
        dimension = index.dimension
        count = index.count
        isTrained = index.isTrained
        facts = [Fact(name: "bytes a vector", value: "\(index.codeSize)")]
        parts = []
    }
}

extension IndexFile {
    /// What the file holds.
    public var summary: IndexSummary {
        switch self {
        case .vectors(let index): IndexSummary(index)
        case .binary(let index): IndexSummary(index)
        }
    }
}

extension VectorIndex {
    public var facts: [(String, String)] { [] }
    public var innerIndexes: [(role: String, index: any VectorIndex)] { [] }
}

extension StoredCodeIndex {
    public var facts: [(String, String)] {
        [("bytes a vector", "\(layout.rowSize)"), ("bytes of codes", "\(codes.count)")]
    }
}

extension ListedIndex {
    public var facts: [(String, String)] { file.facts(layout) }

    public var innerIndexes: [(role: String, index: any VectorIndex)] {
        [("coarse quantizer", file.quantizer)]
    }
}

extension InvertedFile {
    fileprivate func facts(_ layout: CodeLayout) -> [(String, String)] {
        let sizes = (0..<lists.listCount).map { lists.count($0) }
        let place =
            switch lists {
            case .none: "nowhere"
            case .arrays: "one code after the other"
            case .blocks(let lists): "blocks of \(lists.blockRows)"
            case .disk(let lists): "a file of their own, \(lists.path)"
            }
        var facts = [
            ("lists", "\(listCount)"), ("nprobe", "\(nprobe)"),
            ("bytes a vector", "\(layout.rowSize) and 8 for its label"), ("lists are", place),
            ("direct map", "\(directMap.kind)"),
            ("empty lists", "\(sizes.count { $0 == 0 })"), ("longest list", "\(sizes.max() ?? 0)"),
        ]
        let total = Double(sizes.reduce(0, +))
        if total > 0 {
            // K Σ n² / (Σ n)²: how many times longer scans are than with equal lists.
            let squares = sizes.reduce(0.0) { $0 + Double($1) * Double($1) }
            let imbalance = (100 * squares * Double(sizes.count) / (total * total)).rounded() / 100
            facts.append(("imbalance", "\(imbalance)"))
        }
        return facts
    }
}
