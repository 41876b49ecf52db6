import FathomKernels
import Synchronization

/// The memory of one walk over a graph.
final class WalkScratch: @unchecked Sendable {
    // Used by one search at a time: `WalkScratches` hands each out once.
    fileprivate let nodeCount: Int
    fileprivate let capacity: Int
    fileprivate let widestList: Int
    var walk: fk_walk

    init(nodeCount: Int, capacity: Int, widestList: Int) {
        self.nodeCount = nodeCount
        self.capacity = capacity
        self.widestList = widestList
        func allocate<Element>(_ type: Element.Type, _ count: Int) -> UnsafeMutablePointer<Element>
        {
            .allocate(capacity: max(1, count))
        }
        let visited = allocate(UInt8.self, nodeCount)
        visited.initialize(repeating: 0, count: nodeCount)
        walk = fk_walk(
            visited: visited, mark: 0, fresh: allocate(Int32.self, widestList),
            fresh_keys: allocate(Float.self, widestList), nodes: allocate(UInt32.self, capacity),
            keys: allocate(Float.self, capacity), capacity: capacity, count: 0)
    }

    deinit {
        walk.visited.deallocate()
        walk.fresh.deallocate()
        walk.fresh_keys.deallocate()
        walk.nodes.deallocate()
        walk.keys.deallocate()
    }

    /// Forgets which nodes were met.
    func begin() {
        if walk.mark == .max {
            walk.visited.update(repeating: 0, count: nodeCount)
            walk.mark = 0
        }
        walk.mark += 1
    }

    /// Neighbours for the query of the walk that ended, the nearest first.
    func chosen(limit: Int, _ graph: inout fk_graph) -> [Int32] {
        // Faiss keeps all of a few, hidden ones as well.
        for place in 0..<walk.count { walk.nodes[place] &= ~FK_WALKED }
        return UnsafeMutableRawPointer(walk.nodes).withMemoryRebound(
            to: Int32.self, capacity: walk.count
        ) { nodes in
            var kept = walk.count
            if walk.count >= limit {
                fk_graph_choose_f32(&kept, nodes, walk.keys, walk.count, limit, &graph)
            }
            return Array(UnsafeBufferPointer(start: nodes, count: kept))
        }
    }

    /// - Parameter size: at most what it was made for.
    fileprivate func setCapacity(_ size: Int) { walk.capacity = size }
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
