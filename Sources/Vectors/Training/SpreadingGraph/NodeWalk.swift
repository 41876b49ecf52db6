/// Walks a graph of one layer towards a vector, and remembers all that it met.
struct NodeWalk {
    private var visited: VisitedSet
    private var pool: [NodeDistance] = []
    private var isNew: [Bool] = []
    /// Every node whose distance was taken.
    private(set) var met: [NodeDistance] = []
    private var keys: [Float] = []

    init(count: Int) { visited = VisitedSet(count: count) }

    /// The nearest node that the last walk met.
    var nearest: Int32? { pool.first?.node }

    /// Whether the last walk met a node; it counts as met from then on.
    mutating func isNewlyMet(_ node: Int32) -> Bool { visited.insert(node) }

    /// Expands the nearest of a pool until none is left that was not.
    ///
    /// - Parameters:
    ///   - start: nodes to begin with; others are drawn until the pool is full.
    ///   - size: of the pool; made to fit the number of nodes.
    mutating func walk(
        to vector: UnsafePointer<Float>, start: ArraySlice<Int32>, size wanted: Int,
        _ distances: NodeDistances, neighbors: (Int32) -> ArraySlice<Int32>
    ) {
        visited.clear()
        let count = distances.count
        let size = min(wanted, count)
        var nodes: [Int32] = []
        for node in start.prefix(size) where visited.insert(node) { nodes.append(node) }
        var generator = MersenneTwister(seed: 0x1234)
        // A draw meets what is there already ever more often; from then on take what is left.
        var draws = 0
        while nodes.count < size, draws < 16 * size {
            draws += 1
            let node = Int32(generator.next(below: count))
            if visited.insert(node) { nodes.append(node) }
        }
        for node in 0..<Int32(count) where nodes.count < size {
            if visited.insert(node) { nodes.append(node) }
        }
        distances.fill(&keys, from: vector, to: nodes)
        met = zip(nodes, keys).map { NodeDistance(node: $0, key: $1) }
        pool = met.sorted(by: NodeDistance.isBefore)
        isNew = Array(repeating: true, count: pool.count)
        var place = 0
        while place < pool.count {
            var lowest = pool.count
            if isNew[place] {
                isNew[place] = false
                nodes = neighbors(pool[place].node).filter { visited.insert($0) }
                distances.fill(&keys, from: vector, to: nodes)
                for (node, key) in zip(nodes, keys) {
                    let member = NodeDistance(node: node, key: key)
                    met.append(member)
                    if let at = insert(member) { lowest = min(lowest, at) }
                }
            }
            place = lowest <= place ? lowest : place + 1
        }
    }

    /// Puts a node into the full pool in the place of its farthest; nil if it is farther.
    private mutating func insert(_ member: NodeDistance) -> Int? {
        guard let last = pool.last, member.key < last.key else { return nil }
        pool.removeLast()
        isNew.removeLast()
        var at = pool.count
        while at > 0, member.key < pool[at - 1].key { at -= 1 }
        pool.insert(member, at: at)
        isNew.insert(true, at: at)
        return at
    }
}
