/// A set of labels that a search is restricted to.
///
/// ```swift
/// parameters.selector = .and(.range(400, 1000), .not(.ids([512, 513])))
/// ```
public struct IDSelector: Sendable {
    private indirect enum Node: Sendable {
        case all
        case range(Int64, Int64)
        case ids(Set<Int64>, inOrder: [Int64])
        case bitmap([UInt8])
        case not(Node)
        case and(Node, Node)
        case or(Node, Node)
        case xor(Node, Node)
        case matching(@Sendable (Int64) -> Bool)
        case mapped([Int64], Node)
        case shifted(Int64, Node)
    }

    private let node: Node
    /// How deep selectors are nested.
    private let depth: Int

    private init(_ node: Node, depth: Int = 0) {
        self.node = node
        self.depth = depth
    }

    /// How deep selectors may be nested.
    public static let depthLimit = 64

    /// Every label.
    public static let all = IDSelector(.all)

    /// Labels from `minimum` up to, but not including, `maximum`.
    public static func range(_ minimum: Int64, _ maximum: Int64) -> IDSelector {
        IDSelector(.range(minimum, maximum))
    }

    /// The labels listed.
    public static func ids(_ ids: some Sequence<Int64>) -> IDSelector {
        let ids = Array(ids)
        return IDSelector(.ids(Set(ids), inOrder: ids))
    }

    /// Labels for which a closure gives true. It is called from the threads of a search.
    public static func matching(
        _ isMember: @escaping @Sendable (Int64) -> Bool
    ) -> IDSelector {
        IDSelector(.matching(isMember))
    }

    /// Labels whose bit is set: bit `id & 7` of byte `id >> 3`. Labels beyond the bytes are out.
    public static func bitmap(_ bytes: [UInt8]) -> IDSelector { IDSelector(.bitmap(bytes)) }

    public static func not(_ selector: IDSelector) throws -> IDSelector {
        try IDSelector(.not(selector.node), depth: deeper(selector))
    }

    public static func and(_ first: IDSelector, _ second: IDSelector) throws -> IDSelector {
        try IDSelector(.and(first.node, second.node), depth: deeper(first, second))
    }

    public static func or(_ first: IDSelector, _ second: IDSelector) throws -> IDSelector {
        try IDSelector(.or(first.node, second.node), depth: deeper(first, second))
    }

    public static func xor(_ first: IDSelector, _ second: IDSelector) throws -> IDSelector {
        try IDSelector(.xor(first.node, second.node), depth: deeper(first, second))
    }

    private static func deeper(_ selectors: IDSelector...) throws -> Int {
        let depth = 1 + (selectors.map(\.depth).max() ?? 0)
        guard depth <= depthLimit else {
            throw VectorSearchError.badParameter(
                "sel", found: "nested \(depth) deep", expected: "nested at most \(depthLimit) deep")
        }
        return depth
    }

    /// The same choice of labels, for an index that knows them by position.
    func translated(by labels: [Int64]) -> IDSelector {
        IDSelector(.mapped(labels, node), depth: depth)
    }

    /// The same choice of labels, for an index that knows them as less by a number.
    func shifted(by shift: Int64) -> IDSelector {
        IDSelector(.shifted(shift, node), depth: depth)
    }

    /// The labels in the order in which they were listed, if they were.
    var listedIDs: [Int64]? {
        if case .ids(_, let ids) = node { ids } else { nil }
    }

    public func contains(_ id: Int64) -> Bool { Self.contains(id, node) }

    private static func contains(_ id: Int64, _ node: Node) -> Bool {
        switch node {
        case .all: true
        case .range(let minimum, let maximum): id >= minimum && id < maximum
        case .ids(let ids, _): ids.contains(id)
        case .bitmap(let bytes):
            id >= 0 && id >> 3 < bytes.count && bytes[Int(id >> 3)] >> UInt8(id & 7) & 1 != 0
        case .not(let node): !contains(id, node)
        case .and(let first, let second): contains(id, first) && contains(id, second)
        case .or(let first, let second): contains(id, first) || contains(id, second)
        case .xor(let first, let second): contains(id, first) != contains(id, second)
        case .matching(let isMember): isMember(id)
        case .shifted(let shift, let node): contains(id &+ shift, node)
        case .mapped(let labels, let node):
            id >= 0 && id < labels.count && contains(labels[Int(id)], node)
        }
    }
}
