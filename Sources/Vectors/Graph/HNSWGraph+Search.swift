extension HNSWGraph {
    /// How one search goes.
    struct Settings {
        let efSearch: Int
        /// Whether to stop when `efSearch` nearer candidates were seen.
        let checksRelativeDistance: Bool
        let boundsQueue: Bool
        let isSimilarity: Bool
        let selector: IDSelector?

        /// Whether results are simply the nearest of what is met.
        var isPlain: Bool { boundsQueue && selector == nil }

        init(_ graph: HNSWGraph, _ parameters: SearchParameters, isSimilarity: Bool) {
            efSearch = parameters.efSearch ?? graph.efSearch
            checksRelativeDistance = parameters.checkRelativeDistance ?? true
            boundsQueue = parameters.boundedQueue ?? true
            self.isSimilarity = isSimilarity
            selector = parameters.selector
        }
    }

    static let parameters: Set<SearchParameters.Name> = [
        .selector, .efSearch, .checkRelativeDistance, .boundedQueue,
    ]

    /// Offers the vectors that a search from the entry point meets.
    ///
    /// - Parameter k: how many are wanted; at least so many candidates are kept.
    func search<Collector: HitCollector>(
        _ distances: any QueryDistances, k: Int, _ settings: Settings, _ visited: inout VisitedSet,
        into collector: inout Collector
    ) {
        guard entryPoint >= 0 else { return }
        visited.clear()
        var search = Walk(
            graph: self, distances: distances, sign: settings.isSimilarity ? -1 : 1)
        let nearest = search.descend()
        let size = min(max(settings.efSearch, k), count)
        if settings.boundsQueue {
            search.bounded(from: nearest, size: size, settings, &visited, into: &collector)
        } else {
            search.unbounded(from: nearest, size: size, settings, &visited, into: &collector)
        }
    }
}

/// A vector met on the way, nearer with a smaller key.
private struct Candidate {
    let key: Float
    let position: Int32
}

/// One search. Keys are distances, or similarities negated.
private struct Walk {
    let graph: HNSWGraph
    let distances: any QueryDistances
    let sign: Float
    private var fresh: [Int32] = []
    private var keys: [Float] = []

    init(graph: HNSWGraph, distances: any QueryDistances, sign: Float) {
        self.graph = graph
        self.distances = distances
        self.sign = sign
        fresh.reserveCapacity(graph.widestList)
        keys = Array(repeating: 0, count: graph.widestList + 1)
    }

    /// Computes the keys of the vectors in `fresh`.
    private mutating func measure() {
        fresh.withUnsafeBufferPointer { fresh in
            keys.withUnsafeMutableBufferPointer { keys in
                guard let base = keys.baseAddress else { return }
                distances.fill(base, positions: fresh)
                for i in 0..<fresh.count { keys[i] *= sign }
            }
        }
    }

    /// Collects the neighbours of a vector on a level that `isFresh` lets through.
    private mutating func gather(
        _ node: Int32, level: Int, where isFresh: (Int32) -> Bool
    ) {
        fresh.removeAll(keepingCapacity: true)
        for place in graph.places(node, level: level) {
            let neighbor = graph.neighbors[place]
            guard neighbor >= 0 else { break }
            if isFresh(neighbor) { fresh.append(neighbor) }
        }
    }

    /// Goes to the nearest vector of each upper level in turn.
    mutating func descend() -> Candidate {
        var nearest = Candidate(
            key: sign * distances.distance(graph.entryPoint), position: graph.entryPoint)
        for level in stride(from: Int(graph.maximumLevel), to: 0, by: -1) {
            while true {
                let before = nearest.position
                gather(nearest.position, level: level) { _ in true }
                measure()
                for (position, key) in zip(fresh, keys) where key < nearest.key {
                    nearest = Candidate(key: key, position: position)
                }
                if nearest.position == before { break }
            }
        }
        return nearest
    }

    private func offer<Collector: HitCollector>(
        _ key: Float, _ position: Int32, _ selector: IDSelector?, into collector: inout Collector
    ) {
        let label = Int64(position)
        if let selector, !selector.contains(label) { return }
        collector.offer(sign * key, label)
    }

    /// A search whose candidates are bounded: the farthest makes place for a nearer one.
    mutating func bounded<Collector: HitCollector>(
        from start: Candidate, size: Int, _ settings: HNSWGraph.Settings,
        _ visited: inout VisitedSet, into collector: inout Collector
    ) {
        var queue = BoundedQueue(capacity: size)
        queue.push(start)
        _ = visited.insert(start.position)
        offer(start.key, start.position, settings.selector, into: &collector)
        var steps = 0
        while let next = queue.popNearest() {
            if settings.checksRelativeDistance, queue.countBelow(next.key) >= settings.efSearch {
                break
            }
            gather(next.position, level: 0) { visited.insert($0) }
            measure()
            for (position, key) in zip(fresh, keys) {
                offer(key, position, settings.selector, into: &collector)
                queue.push(Candidate(key: key, position: position))
            }
            steps += 1
            if !settings.checksRelativeDistance, steps > settings.efSearch { break }
        }
    }

    /// The search of the paper: candidates without bound, results of which the farthest goes.
    mutating func unbounded<Collector: HitCollector>(
        from start: Candidate, size: Int, _ settings: HNSWGraph.Settings,
        _ visited: inout VisitedSet, into collector: inout Collector
    ) {
        var found = CandidateHeap { $0.key > $1.key }
        var open = CandidateHeap { $0.key < $1.key }
        found.push(start)
        open.push(start)
        _ = visited.insert(start.position)
        while let next = open.first, let farthest = found.first, next.key <= farthest.key {
            open.pop()
            gather(next.position, level: 0) { visited.insert($0) }
            measure()
            for (position, key) in zip(fresh, keys) {
                guard let farthest = found.first else { break }
                guard found.count < size || key < farthest.key else { continue }
                open.push(Candidate(key: key, position: position))
                found.push(Candidate(key: key, position: position))
                if found.count > size { found.pop() }
            }
        }
        for candidate in found.elements {
            offer(candidate.key, candidate.position, settings.selector, into: &collector)
        }
    }
}

/// Candidates of a bounded search. Those taken keep their place and still count as seen.
private struct BoundedQueue {
    private let capacity: Int
    /// A heap, the farthest first; −1 as position marks one that was taken.
    private var entries: [Candidate] = []

    init(capacity: Int) {
        self.capacity = capacity
        entries.reserveCapacity(capacity)
    }

    mutating func push(_ candidate: Candidate) {
        if entries.count < capacity {
            entries.append(candidate)
            var place = entries.count - 1
            while place > 0 {
                let parent = (place - 1) / 2
                guard Self.isFarther(candidate, entries[parent]) else { break }
                entries[place] = entries[parent]
                place = parent
            }
            entries[place] = candidate
        } else if let farthest = entries.first, candidate.key < farthest.key {
            var place = 0
            while true {
                var child = 2 * place + 1
                guard child < capacity else { break }
                if child + 1 < capacity, Self.isFarther(entries[child + 1], entries[child]) {
                    child += 1
                }
                guard Self.isFarther(entries[child], candidate) else { break }
                entries[place] = entries[child]
                place = child
            }
            entries[place] = candidate
        }
    }

    private static func isFarther(_ a: Candidate, _ b: Candidate) -> Bool {
        a.key > b.key || a.key == b.key && a.position > b.position
    }

    /// Takes the nearest that was not taken yet.
    mutating func popNearest() -> Candidate? {
        var nearest: Int?
        for place in entries.indices.reversed() where entries[place].position >= 0 {
            if let best = nearest, entries[place].key >= entries[best].key { continue }
            nearest = place
        }
        guard let nearest else { return nil }
        let candidate = entries[nearest]
        entries[nearest] = Candidate(key: candidate.key, position: -1)
        return candidate
    }

    func countBelow(_ key: Float) -> Int {
        entries.reduce(0) { $0 + ($1.key < key ? 1 : 0) }
    }
}

/// A heap with the first by an order on top.
private struct CandidateHeap {
    private(set) var elements: [Candidate] = []
    private let isBefore: (Candidate, Candidate) -> Bool

    init(_ isBefore: @escaping (Candidate, Candidate) -> Bool) { self.isBefore = isBefore }

    var first: Candidate? { elements.first }
    var count: Int { elements.count }

    mutating func push(_ candidate: Candidate) {
        elements.append(candidate)
        var place = elements.count - 1
        while place > 0, isBefore(candidate, elements[(place - 1) / 2]) {
            elements.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    mutating func pop() {
        guard let last = elements.popLast(), !elements.isEmpty else { return }
        elements[0] = last
        var place = 0
        while true {
            var child = 2 * place + 1
            guard child < elements.count else { return }
            if child + 1 < elements.count, isBefore(elements[child + 1], elements[child]) {
                child += 1
            }
            guard isBefore(elements[child], elements[place]) else { return }
            elements.swapAt(place, child)
            place = child
        }
    }
}
