/// The search of graphs of one layer: a pool of the nearest, expanded until none is new.
///
/// Source: Fu, Xiang, Wang, Cai, "Fast approximate nearest neighbor search with the navigating
/// spreading-out graph", 2019; the start as in Faiss.
struct PoolSearch {
    private struct Member {
        let key: Float
        let position: Int32
        var isNew = true
    }

    private var pool: [Member] = []

    /// The nearest vectors of each query in a graph over a storage.
    ///
    /// - Parameters:
    ///   - poolSize: made to fit `k` and the number of vectors.
    ///   - selector: limits what is found, not where the search goes.
    ///   - start, seed, neighbors: as those of one search.
    static func nearest(
        _ queries: VectorRows, k: Int, in storage: any VectorIndex, poolSize: Int,
        selector: IDSelector?, start: [Int32] = [], seed: UInt32,
        neighbors: (Int32) -> ArraySlice<Int32>
    ) throws -> Neighbors {
        let (count, metric) = (storage.count, storage.metric)
        var found = Neighbors(queryCount: queries.count, k: k, metric: metric)
        guard count > 0 else { return found }
        var visited = VisitedSet(count: count)
        for query in 0..<queries.count {
            let search = PoolSearch(
                try storage.distances(from: queries.row(query)),
                isSimilarity: metric.isSimilarity, start: start,
                size: min(max(poolSize, k), count), count: count, seed: seed, &visited,
                neighbors: neighbors)
            var top = TopK(min(k, count), metric)
            search.offer(into: &top, isSimilarity: metric.isSimilarity, selector)
            found.store(top, query: query)
        }
        return found
    }

    /// - Parameters:
    ///   - start: vectors to begin with, each once; more are drawn until the pool is full.
    ///   - size: of the pool; at most `count`.
    ///   - neighbors: of a vector.
    private init(
        _ distances: any QueryDistances, isSimilarity: Bool, start: [Int32], size: Int, count: Int,
        seed: UInt32, _ visited: inout VisitedSet, neighbors: (Int32) -> ArraySlice<Int32>
    ) {
        visited.clear()
        var positions: [Int32] = []
        for position in start.prefix(size) where visited.insert(position) {
            positions.append(position)
        }
        var generator = MersenneTwister(seed: seed)
        // A draw meets what is there already ever more often; from then on take what is left.
        var draws = 0
        while positions.count < size, draws < 16 * size {
            draws += 1
            let position = Int32(generator.next(below: count))
            if visited.insert(position) { positions.append(position) }
        }
        for position in 0..<Int32(count) where positions.count < size {
            if visited.insert(position) { positions.append(position) }
        }
        let sign: Float = isSimilarity ? -1 : 1
        pool = Self.measure(positions, distances, sign)
        pool.sort { $0.key < $1.key }
        var place = 0
        while place < pool.count {
            var lowest = pool.count
            if pool[place].isNew {
                pool[place].isNew = false
                let fresh = neighbors(pool[place].position).filter { visited.insert($0) }
                for member in Self.measure(fresh, distances, sign) {
                    guard let last = pool.last, member.key < last.key else { continue }
                    pool.removeLast()
                    var at = pool.count
                    while at > 0, member.key < pool[at - 1].key { at -= 1 }
                    pool.insert(member, at: at)
                    lowest = min(lowest, at)
                }
            }
            place = lowest <= place ? lowest : place + 1
        }
    }

    private static func measure(
        _ positions: [Int32], _ distances: any QueryDistances, _ sign: Float
    ) -> [Member] {
        var keys = [Float](repeating: 0, count: positions.count)
        positions.withUnsafeBufferPointer { distances.fill(&keys, positions: $0) }
        return zip(positions, keys).map { Member(key: sign * $1, position: $0) }
    }

    /// Offers what the pool holds.
    private func offer(into top: inout TopK, isSimilarity: Bool, _ selector: IDSelector?) {
        for member in pool {
            if let selector, !selector.contains(Int64(member.position)) { continue }
            top.offer(isSimilarity ? -member.key : member.key, Int64(member.position))
        }
    }
}
