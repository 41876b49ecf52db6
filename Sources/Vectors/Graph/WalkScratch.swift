import FathomKernels
import Synchronization

/// The way of searches over a graph.
package struct WalkRoute {
    package let entry: Int32
    /// Levels of which the search goes to the nearest, highest first; none if `from < to`.
    package let from: Int
    package let to: Int
    /// The level whose nearest are looked for from there.
    package let level: Int
    /// Nearer candidates with which it stops.
    package let enough: Int
    /// Lists that it reads at most.
    package let steps: Int

    package init(
        entry: Int32, from: Int, to: Int, level: Int, enough: Int = .max, steps: Int = .max
    ) {
        self.entry = entry
        self.from = from
        self.to = to
        self.level = level
        self.enough = enough
        self.steps = steps
    }
}

/// The nearest that searches over a graph met, nearest first.
struct WalkResults {
    /// Places of a query.
    let k: Int
    /// `[queries, k]`.
    fileprivate(set) var nodes: [Int32]
    /// `[queries, k]`: distances, or products negated.
    fileprivate(set) var keys: [Float]
    /// `[queries]`: how many places are taken.
    fileprivate(set) var found: [Int]

    /// The places of a query that are taken.
    func places(_ query: Int) -> Range<Int> { query * k..<query * k + found[query] }
}

/// The memory of walks over a graph that take turns.
final class WalkScratch: @unchecked Sendable {
    // Used by one search at a time: `WalkScratches` hands each out once.
    fileprivate let nodeCount: Int
    fileprivate let capacity: Int
    fileprivate let widestList: Int
    /// More walks hide more of the memory's delay, until their rows no longer fit the cache.
    private static let walkCount = 4
    private let walks: UnsafeMutablePointer<fk_walk>
    private let visited: UnsafeMutablePointer<UInt8>

    init(nodeCount: Int, capacity: Int, widestList: Int) {
        self.nodeCount = nodeCount
        self.capacity = capacity
        self.widestList = widestList
        func allocate<Element>(_ type: Element.Type, _ count: Int) -> UnsafeMutablePointer<Element>
        {
            .allocate(capacity: max(1, count))
        }
        visited = allocate(UInt8.self, nodeCount)
        visited.initialize(repeating: 0, count: nodeCount)
        walks = allocate(fk_walk.self, Self.walkCount)
        for place in 0..<Self.walkCount {
            var walk = fk_walk()
            walk.fresh = allocate(Int32.self, widestList)
            walk.fresh_keys = allocate(Float.self, widestList)
            walk.pool = allocate(UInt64.self, capacity)
            walk.met = allocate(Int32.self, nodeCount)
            walk.capacity = capacity
            (walks + place).initialize(to: walk)
        }
    }

    deinit {
        for place in 0..<Self.walkCount {
            walks[place].fresh.deallocate()
            walks[place].fresh_keys.deallocate()
            walks[place].pool.deallocate()
            walks[place].met.deallocate()
        }
        walks.deallocate()
        visited.deallocate()
    }

    /// The nearest of some queries.
    ///
    /// - Parameters:
    ///   - queries: rows of the graph's width.
    ///   - numbers: which of the rows; all of them in order if nil.
    ///   - k: places in the results of a query.
    func search(
        _ graph: inout fk_graph, _ queries: UnsafePointer<Float>, _ numbers: [Int32]? = nil,
        count: Int, _ route: WalkRoute, k: Int
    ) -> WalkResults {
        var results = WalkResults(
            k: k, nodes: Array(repeating: -1, count: count * k),
            keys: Array(repeating: .infinity, count: count * k),
            found: Array(repeating: 0, count: count))
        results.nodes.withUnsafeMutableBufferPointer { nodes in
            results.keys.withUnsafeMutableBufferPointer { keys in
                results.found.withUnsafeMutableBufferPointer { found in
                    func run(_ numbers: UnsafePointer<Int32>?) {
                        var search = fk_graph_search(
                            queries: queries, numbers: numbers, count: count, entry: route.entry,
                            from: Int32(route.from), to: Int32(route.to),
                            level: Int32(route.level), enough: route.enough, steps: route.steps,
                            k: k, nodes: nodes.baseAddress, keys: keys.baseAddress,
                            found: found.baseAddress, walks: walks,
                            walk_count: max(1, min(Self.walkCount, count)), visited: visited)
                        fk_graph_search_f32(&graph, &search)
                    }
                    if let numbers {
                        numbers.withUnsafeBufferPointer { run($0.baseAddress) }
                    } else {
                        run(nil)
                    }
                }
            }
        }
        return results
    }

    /// Neighbours for a query, the nearest first: of what a search found, and of other nodes.
    ///
    /// - Parameters:
    ///   - results: of a search with as many places as this has for candidates.
    ///   - others: none of them was found.
    func neighbors(
        for query: UnsafePointer<Float>, _ results: WalkResults, _ number: Int,
        others: ArraySlice<Int32>, limit: Int, _ graph: inout fk_graph
    ) -> [Int32] {
        let places = results.places(number)
        var nodes = Array(results.nodes[places])
        var keys = Array(results.keys[places])
        nodes += repeatElement(-1, count: results.k - nodes.count)
        keys += repeatElement(.infinity, count: results.k - keys.count)
        var count = places.count
        withUnsafeTemporaryAllocation(of: Float.self, capacity: max(1, others.count)) { scratch in
            others.withUnsafeBufferPointer {
                fk_graph_offer_f32(
                    &nodes, &keys, &count, results.k, &graph, query, $0.baseAddress,
                    scratch.baseAddress, $0.count)
            }
        }
        // Faiss keeps all of a few, hidden ones as well.
        var kept = count
        if count >= limit { fk_graph_choose_f32(&kept, &nodes, &keys, count, limit, &graph) }
        return Array(nodes.prefix(kept))
    }

    /// - Parameter size: at most what it was made for.
    fileprivate func setCapacity(_ size: Int) {
        for place in 0..<Self.walkCount { walks[place].capacity = size }
    }
}

/// Memory of walks that ended, for those that begin.
final class WalkScratches: Sendable {
    private let free = Mutex<[WalkScratch]>([])

    func take(nodeCount: Int, capacity: Int, widestList: Int) -> WalkScratch {
        let found = free.withLock { $0.popLast() }
        if let found, found.nodeCount == nodeCount, found.capacity >= capacity,
            found.widestList >= widestList
        {
            found.setCapacity(capacity)
            return found
        }
        return WalkScratch(nodeCount: nodeCount, capacity: capacity, widestList: widestList)
    }

    func give(_ scratch: WalkScratch) {
        free.withLock { if $0.count < QueryThreads.limit { $0.append(scratch) } }
    }
}
