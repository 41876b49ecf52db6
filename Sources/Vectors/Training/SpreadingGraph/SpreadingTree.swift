/// Makes every vector of a graph one that can be reached from its entry point.
struct SpreadingTree {
    /// The most links of a vector.
    private let degree: Int
    private let entryPoint: Int32
    /// Nodes that the search for the nearest keeps.
    private let poolSize: Int

    init(degree: Int, entryPoint: Int32, poolSize: Int) {
        self.degree = degree
        self.poolSize = poolSize
        self.entryPoint = entryPoint
    }

    /// Links each that cannot be reached from the nearest that can and has a place for it.
    func connect(
        _ lists: inout [[Int32]], _ distances: NodeDistances, _ random: inout FaissRandom
    ) {
        // By whom each was reached first; −1 for none yet.
        var parents = [Int32](repeating: -1, count: lists.count)
        var reached = grow(lists, from: entryPoint, by: entryPoint, &parents)
        guard reached.count < lists.count else { return }
        var walk = NodeWalk(count: lists.count)
        for node in 0..<Int32(lists.count) where parents[Int(node)] < 0 {
            let dimension = distances.rows.dimension
            distances.rows.values.withUnsafeBufferPointer { values in
                guard let base = values.baseAddress else { return }
                walk.walk(
                    to: base + Int(node) * dimension, start: lists[Int(entryPoint)][...],
                    size: poolSize, distances
                ) { lists[Int($0)][...] }
            }
            let near = walk.met.sorted(by: NodeDistance.isBefore).map(\.node)
            let owner =
                near.first { parents[Int($0)] >= 0 && lists[Int($0)].count < degree }
                ?? anyWithPlace(lists, reached, &random)
            if let owner {
                lists[Int(owner)].append(node)
                reached += grow(lists, from: node, by: owner, &parents)
            } else {
                // All are full: of as many links as vectors at least one is not needed.
                let owners = near.filter { parents[Int($0)] >= 0 } + reached
                if let owner = replaceLink(to: node, among: owners, &lists, parents) {
                    reached += grow(lists, from: node, by: owner, &parents)
                }
            }
        }
    }

    /// All that are newly reached from a node, itself included.
    private func grow(
        _ lists: [[Int32]], from root: Int32, by owner: Int32, _ parents: inout [Int32]
    ) -> [Int32] {
        parents[Int(root)] = owner
        var found = [root]
        var next = 0
        while next < found.count {
            let node = found[next]
            next += 1
            for other in lists[Int(node)] where parents[Int(other)] < 0 {
                parents[Int(other)] = node
                found.append(other)
            }
        }
        return found
    }

    /// One of those that are reached that has fewer links than it may, drawn.
    private func anyWithPlace(
        _ lists: [[Int32]], _ reached: [Int32], _ random: inout FaissRandom
    ) -> Int32? {
        for _ in 0..<64 {
            let node = reached[random.integer(below: reached.count)]
            if lists[Int(node)].count < degree { return node }
        }
        return reached.first { lists[Int($0)].count < degree }
    }

    /// Gives a link through which nothing is reached another end; who has it, or nil.
    private func replaceLink(
        to node: Int32, among owners: [Int32], _ lists: inout [[Int32]], _ parents: [Int32]
    ) -> Int32? {
        for owner in owners {
            let place = lists[Int(owner)].lastIndex {
                parents[Int($0)] != owner || $0 == entryPoint
            }
            if let place {
                lists[Int(owner)][place] = node
                return owner
            }
        }
        return nil
    }
}
