import FathomKernels
import FathomTestSupport
import FathomVectors
import Testing

@Suite("Kernels of graph walks")
struct GraphKernelTests {
    private static let nodeCount = 200
    private static let levelStarts: [Int32] = [0, 12, 18]

    /// A graph of two levels whose lists are of every length.
    private struct Example {
        let width: Int
        let rows: [Float]
        let queries: [Float]
        var neighbors: [Int32]
        let offsets: [UInt64]

        init(width: Int) {
            self.width = width
            var generator = SeededGenerator(seed: UInt64(width))
            rows = generator.floats(nodeCount * width)
            queries = generator.floats(queryCount * width)
            offsets = (0...nodeCount).map { UInt64($0 * 18) }
            neighbors = Array(repeating: -1, count: nodeCount * 18)
            for node in 0..<nodeCount {
                for place in 0..<node % 13 {
                    neighbors[node * 18 + place] = Int32.random(
                        in: 0..<Int32(nodeCount), using: &generator)
                }
                for place in 12..<12 + node % 7 {
                    neighbors[node * 18 + place] = Int32.random(
                        in: 0..<Int32(nodeCount), using: &generator)
                }
            }
        }

        func withGraph(byProduct: Bool, _ body: (inout fk_graph) -> Void) {
            rows.withUnsafeBufferPointer { rows in
                neighbors.withUnsafeBufferPointer { neighbors in
                    offsets.withUnsafeBufferPointer { offsets in
                        GraphKernelTests.levelStarts.withUnsafeBufferPointer { starts in
                            var graph = fk_graph(
                                rows: rows.baseAddress, width: width,
                                by_product: byProduct ? 1 : 0, offsets: offsets.baseAddress,
                                neighbors: neighbors.baseAddress,
                                level_starts: starts.baseAddress)
                            body(&graph)
                        }
                    }
                }
            }
        }
    }

    /// The kernels of one level.
    private struct Variant {
        let level: fk_level
        let search: (UnsafePointer<fk_graph>?, UnsafePointer<fk_graph_search>?) -> Void
        let offer:
            (
                UnsafeMutablePointer<Int32>?, UnsafeMutablePointer<Float>?,
                UnsafeMutablePointer<Int>?, Int, UnsafePointer<fk_graph>?, UnsafePointer<Float>?,
                UnsafePointer<Int32>?, UnsafeMutablePointer<Float>?, Int
            ) -> Void
        let choose:
            (
                UnsafeMutablePointer<Int>?, UnsafeMutablePointer<Int32>?,
                UnsafeMutablePointer<Float>?, Int, Int, UnsafePointer<fk_graph>?
            ) -> Void
        let link:
            (
                UnsafeMutablePointer<Int32>?, UnsafePointer<fk_graph>?, Int32, Int,
                UnsafePointer<Int32>?, UnsafePointer<Int32>?, Int, UnsafeMutablePointer<Int32>?,
                UnsafeMutablePointer<Float>?
            ) -> Void
    }

    private static var reference: Variant {
        Variant(
            level: FK_LEVEL_REFERENCE, search: fk_graph_search_f32_reference,
            offer: fk_graph_offer_f32_reference,
            choose: fk_graph_choose_f32_reference, link: fk_graph_link_f32_reference)
    }

    private static var variants: [Variant] {
        fasterVariants(fk_graph_search_f32_levels, { $0 }).compactMap { _, level in
            guard let search = fk_graph_search_f32_variant(level),
                let offer = fk_graph_offer_f32_variant(level),
                let choose = fk_graph_choose_f32_variant(level),
                let link = fk_graph_link_f32_variant(level)
            else { return nil }
            return Variant(
                level: level, search: search, offer: offer, choose: choose, link: link)
        }
    }

    /// Everything that the kernels of a level make of an example, in bits.
    private static func outcome(_ variant: Variant, _ example: Example, byProduct: Bool)
        -> [UInt64]
    {
        var outcome: [UInt64] = []
        func note(_ nodes: some Sequence<UInt32>, _ keys: some Sequence<Float>) {
            outcome += nodes.map { UInt64($0) }
            outcome += keys.map { UInt64($0.bitPattern) }
        }
        example.withGraph(byProduct: byProduct) { graph in
            for route in routes {
                for walkCount in [1, 3, Int(FK_WALKS)] {
                    let found = search(variant.search, &graph, example, route, walkCount: walkCount)
                    note(found.nodes.map { UInt32(bitPattern: $0) }, found.keys)
                }
            }
            // Some that were found, and others.
            var foundNodes = (0..<8).map { Int32($0 * 3) } + [77, 77, 77]
            var foundKeys = (0..<8).map { Float($0) / 4 - (byProduct ? 5 : 0) } + [7, 7, 7]
            var offered = [Float](repeating: 0, count: 60)
            var foundCount = 8
            variant.offer(
                &foundNodes, &foundKeys, &foundCount, 10, &graph, example.queries,
                (0..<60).map { Int32($0 * 3 + 1) }, &offered, 60)
            note(foundNodes.map { UInt32($0) } + [UInt32(foundCount)], foundKeys)
            var nodes = (0..<40).map { Int32($0 * 5) }
            var keys = (0..<40).map { Float($0) / 4 - (byProduct ? 5 : 0) }
            var kept = 0
            variant.choose(&kept, &nodes, &keys, 40, 9, &graph)
            note(nodes.prefix(kept).map { UInt32($0) }, keys.prefix(kept))
            var neighbors = example.neighbors
            let sources = (0..<300).map { Int32($0 * 7 % 20) }
            let targets = (0..<300).map { Int32(20 + $0 * 11 % 180) }
            var scratch = [Int32](repeating: 0, count: 13)
            var scratchKeys = [Float](repeating: 0, count: 13)
            variant.link(
                &neighbors, &graph, 0, 9, sources, targets, 300, &scratch, &scratchKeys)
            note(neighbors.map { UInt32(bitPattern: $0) }, [])
        }
        return outcome
    }

    private static let routes = [
        WalkRoute(entry: 150, from: 1, to: 1, level: 0),
        WalkRoute(entry: 3, from: 1, to: 0, level: 0),
        WalkRoute(entry: 3, from: 0, to: 1, level: 1),
        WalkRoute(entry: 70, from: 1, to: 1, level: 0, enough: 5),
        WalkRoute(entry: 199, from: 1, to: 1, level: 0, steps: 7),
    ]
    private static let queryCount = 20

    private struct Found: Equatable {
        /// `[queries, 12]`.
        var nodes = [Int32](repeating: -7, count: queryCount * 12)
        var keys = [Float](repeating: -7, count: queryCount * 12)
        var counts = [Int](repeating: -7, count: queryCount)
    }

    /// What searches with as many candidates as they look for find, two queries in turn last.
    private static func search(
        _ kernel: (UnsafePointer<fk_graph>?, UnsafePointer<fk_graph_search>?) -> Void,
        _ graph: inout fk_graph, _ example: Example, _ route: WalkRoute, walkCount: Int
    ) -> Found {
        var found = Found()
        let numbers = (0..<Int32(queryCount)).map { $0 < 18 ? $0 : 19 - $0 }
        var fresh = [Int32](repeating: 0, count: 12 * walkCount)
        var freshKeys = [Float](repeating: 0, count: 12 * walkCount)
        var pool = [UInt64](repeating: 0, count: 12 * walkCount)
        var met = [Int32](repeating: 0, count: nodeCount * walkCount)
        var visited = [UInt8](repeating: 0, count: nodeCount)
        fresh.withUnsafeMutableBufferPointer { fresh in
            freshKeys.withUnsafeMutableBufferPointer { freshKeys in
                pool.withUnsafeMutableBufferPointer { pool in
                    met.withUnsafeMutableBufferPointer { met in
                        var walks = (0..<walkCount).map { place in
                            var walk = fk_walk()
                            walk.fresh = fresh.baseAddress.map { $0 + 12 * place }
                            walk.fresh_keys = freshKeys.baseAddress.map { $0 + 12 * place }
                            walk.pool = pool.baseAddress.map { $0 + 12 * place }
                            walk.met = met.baseAddress.map { $0 + nodeCount * place }
                            walk.capacity = 12
                            return walk
                        }
                        var search = fk_graph_search()
                        search.count = queryCount
                        search.entry = route.entry
                        (search.from, search.to) = (Int32(route.from), Int32(route.to))
                        search.level = Int32(route.level)
                        (search.enough, search.steps) = (route.enough, route.steps)
                        search.k = 12
                        search.walk_count = walkCount
                        example.queries.withUnsafeBufferPointer { queries in
                            search.queries = queries.baseAddress
                            numbers.withUnsafeBufferPointer { numbers in
                                search.numbers = numbers.baseAddress
                                found.nodes.withUnsafeMutableBufferPointer { nodes in
                                    search.nodes = nodes.baseAddress
                                    found.keys.withUnsafeMutableBufferPointer { keys in
                                        search.keys = keys.baseAddress
                                        found.counts.withUnsafeMutableBufferPointer { counts in
                                            search.found = counts.baseAddress
                                            walks.withUnsafeMutableBufferPointer { walks in
                                                search.walks = walks.baseAddress
                                                visited.withUnsafeMutableBufferPointer {
                                                    search.visited = $0.baseAddress
                                                    kernel(&graph, &search)
                                                }
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        #expect(visited.allSatisfy { $0 == 0 })
        return found
    }

    /// The same search, by the book.
    private static func plainSearch(
        _ graph: inout fk_graph, _ example: Example, _ route: WalkRoute, byProduct: Bool
    ) -> Found {
        typealias Entry = (key: Float, node: Int32)
        var found = Found()
        func list(_ node: Int32, _ level: Int) -> [Int32] {
            let first = Int(example.offsets[Int(node)])
            let places = first + Int(levelStarts[level])..<first + Int(levelStarts[level + 1])
            return Array(example.neighbors[places].prefix { $0 >= 0 })
        }
        for number in 0..<queryCount {
            let row = number < 18 ? number : 19 - number
            let query = Array(
                example.queries[row * example.width..<(row + 1) * example.width])
            func key(_ node: Int32) -> Float {
                var key: Float = 0
                var node = node
                if byProduct {
                    fk_row_products_f32_reference(
                        &key, query, example.rows, &node, 1, example.width)
                    return -key
                }
                fk_row_distances_f32_reference(&key, query, example.rows, &node, 1, example.width)
                return key
            }
            var nearest: Entry = (key(route.entry), route.entry)
            for level in stride(from: route.from, through: route.to, by: -1) {
                while true {
                    let last = nearest.node
                    for neighbor in list(last, level) where key(neighbor) < nearest.key {
                        nearest = (key(neighbor), neighbor)
                    }
                    if nearest.node == last { break }
                }
            }
            var pool = [nearest]
            var met: Set<Int32> = [nearest.node]
            var read: Set<Int32> = []
            for _ in 0..<min(route.steps, nodeCount) {
                guard let next = pool.first(where: { !read.contains($0.node) }),
                    pool.count(where: { $0.key < next.key }) < route.enough
                else { break }
                read.insert(next.node)
                for neighbor in list(next.node, route.level)
                where met.insert(neighbor).inserted {
                    let entry: Entry = (key(neighbor), neighbor)
                    guard pool.count < 12 || entry.key < (pool.last?.key ?? 0) else { continue }
                    pool.append(entry)
                    pool.sort { $0 < $1 }
                    pool = Array(pool.prefix(12))
                }
            }
            found.counts[number] = pool.count
            for (place, entry) in pool.enumerated() {
                found.nodes[number * 12 + place] = entry.node
                found.keys[number * 12 + place] = entry.key
            }
        }
        return found
    }

    @Test("find what a plain search finds, whatever number of walks take turns")
    func searches() {
        for width in [1, 16, 33] {
            let example = Example(width: width)
            for byProduct in [false, true] {
                example.withGraph(byProduct: byProduct) { graph in
                    for (number, route) in Self.routes.enumerated() {
                        let expected = Self.plainSearch(
                            &graph, example, route, byProduct: byProduct)
                        for walkCount in [1, 2, 5, Int(FK_WALKS)] {
                            let found = Self.search(
                                fk_graph_search_f32_reference, &graph, example, route,
                                walkCount: walkCount)
                            #expect(
                                found == expected, "\(width), route \(number), \(walkCount) walks")
                        }
                    }
                }
            }
        }
    }

    @Test("have the reference's bits at every level")
    func levels() {
        for width in [1, 15, 16, 17, 64, 65, 130] {
            let example = Example(width: width)
            for byProduct in [false, true] {
                let expected = Self.outcome(Self.reference, example, byProduct: byProduct)
                for variant in Self.variants {
                    #expect(
                        Self.outcome(variant, example, byProduct: byProduct) == expected,
                        "\(width), \(byProduct), \(variant.level.rawValue)")
                }
            }
        }
    }
}
