/// Finds nearly the nearest neighbours of every vector by looking among neighbours of neighbours.
///
/// Source: Dong, Moses, Li, "Efficient k-nearest neighbor graph construction for generic similarity
/// measures", 2011; sizes and samples as in Faiss. A pool keeps the nearest of all that it was
/// offered, which does not depend on the order of the offers, so threads may make them.
package struct NeighborDescent: Sendable {
    /// K: neighbours that are wanted.
    let degree: Int
    /// S: new neighbours of a vector that are looked at in a round.
    let sampleSize = 10
    /// R: vectors that name this one as their neighbour and are looked at.
    let reverseLimit = 100
    /// L: neighbours that are kept while it goes on.
    var poolSize: Int { degree + 50 }
    let roundCount = 10

    private static let seed: UInt32 = 2021
    /// Vectors around which pairs are gathered before they are offered.
    private static let batchSize = 512

    package init(degree: Int) { self.degree = degree }

    /// For each vector the numbers of its neighbours, nearest first: `[count, degree]`.
    ///
    /// - Precondition: there are more vectors than a pool holds.
    package func graph(_ distances: NodeDistances, _ work: BuildWork) -> [Int32] {
        let count = distances.count
        precondition(count > max(poolSize, 2 * sampleSize), "fewer vectors than a pool holds")
        let pools = DescentPools(count: count, capacity: poolSize)
        var fresh: [[Int32]] = []
        var known = [[Int32]](repeating: [], count: count)
        var random = MersenneTwister(seed: Self.seed &* 6007)
        for _ in 0..<count { fresh.append(Self.draw(2 * sampleSize, below: count, &random)) }
        random = MersenneTwister(seed: Self.seed &* 7741)
        var keys: [Float] = []
        for node in 0..<Int32(count) {
            let drawn = Self.draw(sampleSize, below: count, &random).filter { $0 != node }
            distances.fill(&keys, from: node, to: drawn)
            for (other, key) in zip(drawn, keys) { pools.offer(other, key, to: node) }
        }
        var scopes = [Int](repeating: sampleSize, count: count)
        random = MersenneTwister(seed: Self.seed &* 5081)
        for round in 1...roundCount {
            join(fresh, known, distances, pools, threads: work.threads)
            if round < roundCount {
                (fresh, known) = sample(pools, &scopes, &random)
            }
            work.report(
                TrainingProgress(stage: "neighbours", completed: round, total: roundCount))
        }
        var neighbors: [Int32] = []
        neighbors.reserveCapacity(count * degree)
        for node in 0..<Int32(count) {
            var list = pools.nodes(of: node).prefix(degree).map { $0 }
            // A pool that was offered too few, as for vectors that are not numbers.
            var spare: Int32 = 0
            while list.count < degree {
                if spare != node, !list.contains(spare) { list.append(spare) }
                spare += 1
            }
            neighbors += list
        }
        return neighbors
    }

    /// Different numbers below a bound, in rising order from a random place on.
    private static func draw(
        _ size: Int, below count: Int, _ random: inout MersenneTwister
    ) -> [Int32] {
        var numbers = (0..<size).map { _ in random.next(below: count - size) }
        numbers.sort()
        for i in 1..<max(1, size) where numbers[i] <= numbers[i - 1] {
            numbers[i] = numbers[i - 1] + 1
        }
        let offset = random.next(below: count)
        return numbers.map { Int32(($0 + offset) % count) }
    }

    /// A pair of vectors and how far they are from each other.
    private struct Pair: Sendable {
        let a: Int32
        let b: Int32
        let key: Float
    }

    /// Compares the neighbours of each vector, where one of two is new.
    private func join(
        _ fresh: [[Int32]], _ known: [[Int32]], _ distances: NodeDistances,
        _ pools: DescentPools, threads: Int
    ) {
        let count = fresh.count
        for first in stride(from: 0, to: count, by: Self.batchSize) {
            let size = min(Self.batchSize, count - first)
            let pairs = QueryThreads.map(size, threads: threads, pieces: 4) { part in
                var pairs: [Pair] = []
                var keys: [Float] = []
                for place in part {
                    let news = fresh[first + place]
                    for a in news {
                        let others =
                            news.filter { $0 > a } + known[first + place].filter { $0 != a }
                        distances.fill(&keys, from: a, to: others)
                        for (b, key) in zip(others, keys)
                        where pools.takes(b, key, for: a) || pools.takes(a, key, for: b) {
                            pairs.append(Pair(a: a, b: b, key: key))
                        }
                    }
                }
                return pairs
            }
            for part in pairs {
                for pair in part {
                    pools.offer(pair.b, pair.key, to: pair.a)
                    pools.offer(pair.a, pair.key, to: pair.b)
                }
            }
        }
    }

    /// Chooses what is compared in the next round: new neighbours of each vector and old ones,
    /// both with some of those that name it.
    private func sample(
        _ pools: DescentPools, _ scopes: inout [Int], _ random: inout MersenneTwister
    ) -> (fresh: [[Int32]], known: [[Int32]]) {
        let count = scopes.count
        var (fresh, known) = ([[Int32]](repeating: [], count: count), [[Int32]]())
        known = fresh
        var (reverseFresh, reverseKnown) = (fresh, fresh)
        func name(_ node: Int32, in list: inout [Int32]) {
            if list.count < reverseLimit {
                list.append(node)
            } else {
                list[random.next(below: reverseLimit)] = node
            }
        }
        for node in 0..<count {
            let (members, flags) = pools.members(of: Int32(node))
            let limit = min(scopes[node] + sampleSize, members.count)
            var (newCount, scope) = (0, 0)
            while scope < limit, newCount < sampleSize {
                if flags[scope] { newCount += 1 }
                scope += 1
            }
            scopes[node] = scope
        }
        for node in 0..<count {
            let (members, flags) = pools.members(of: Int32(node))
            for place in 0..<scopes[node] {
                let other = Int(members[place].node)
                let isBeyond = members[place].key > pools.farthest(Int32(other))
                if flags[place] {
                    fresh[node].append(Int32(other))
                    if isBeyond { name(Int32(node), in: &reverseFresh[other]) }
                    pools.markKnown(place, of: Int32(node))
                } else {
                    known[node].append(Int32(other))
                    if isBeyond { name(Int32(node), in: &reverseKnown[other]) }
                }
            }
        }
        for node in 0..<count {
            fresh[node] += reverseFresh[node]
            known[node] = Array((known[node] + reverseKnown[node]).prefix(2 * reverseLimit))
        }
        return (fresh, known)
    }
}

/// The nearest neighbours so far of each vector, nearest first, and whether each is new.
///
/// While threads read it, nobody writes.
final class DescentPools: @unchecked Sendable {
    private let capacity: Int
    private var counts: [Int]
    private var keys: [Float]
    private var nodes: [Int32]
    private var isNew: [Bool]

    init(count: Int, capacity: Int) {
        self.capacity = capacity
        counts = Array(repeating: 0, count: count)
        keys = Array(repeating: 0, count: count * capacity)
        nodes = Array(repeating: 0, count: count * capacity)
        isNew = Array(repeating: false, count: count * capacity)
    }

    /// Whether a neighbour would find its place; one that is there already may.
    func takes(_ node: Int32, _ key: Float, for owner: Int32) -> Bool {
        let count = counts[Int(owner)]
        guard count == capacity else { return true }
        let last = Int(owner) * capacity + count - 1
        return key < keys[last] || key == keys[last] && node < nodes[last]
    }

    func offer(_ node: Int32, _ key: Float, to owner: Int32) {
        guard node != owner, !key.isNaN, takes(node, key, for: owner) else { return }
        let first = Int(owner) * capacity
        let count = counts[Int(owner)]
        var (low, high) = (first, first + count)
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key || keys[middle] == key && nodes[middle] < node {
                low = middle + 1
            } else {
                high = middle
            }
        }
        // Distances are the same from both sides, so a neighbour has one place only.
        if low < first + count, nodes[low] == node, keys[low] == key { return }
        let end = min(count, capacity - 1)
        var place = first + end
        while place > low {
            keys[place] = keys[place - 1]
            nodes[place] = nodes[place - 1]
            isNew[place] = isNew[place - 1]
            place -= 1
        }
        keys[low] = key
        nodes[low] = node
        isNew[low] = true
        counts[Int(owner)] = end + 1
    }

    func nodes(of owner: Int32) -> ArraySlice<Int32> {
        nodes[Int(owner) * capacity..<Int(owner) * capacity + counts[Int(owner)]]
    }

    func members(of owner: Int32) -> (members: [NodeDistance], isNew: ArraySlice<Bool>) {
        let range = Int(owner) * capacity..<Int(owner) * capacity + counts[Int(owner)]
        // The flags are numbered from 0 as the members are.
        return (
            range.map { NodeDistance(node: nodes[$0], key: keys[$0]) }, Array(isNew[range])[...]
        )
    }

    func markKnown(_ place: Int, of owner: Int32) {
        isNew[Int(owner) * capacity + place] = false
    }

    /// The key of the farthest that is kept.
    func farthest(_ owner: Int32) -> Float {
        let count = counts[Int(owner)]
        return count > 0 ? keys[Int(owner) * capacity + count - 1] : .infinity
    }
}
