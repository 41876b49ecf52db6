import FathomKernels
import FathomTestSupport
import Testing

@Suite("Kernels of graph walks")
struct GraphKernelTests {
    private static let nodeCount = 200
    private static let levelStarts: [Int32] = [0, 12, 18]

    /// A graph of two levels whose lists are of every length.
    private struct Example {
        let width: Int
        let rows: [Float]
        let query: [Float]
        var neighbors: [Int32]
        let offsets: [UInt64]

        init(width: Int) {
            self.width = width
            var generator = SeededGenerator(seed: UInt64(width))
            rows = generator.floats(nodeCount * width)
            query = generator.floats(width)
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
        let descend:
            (
                UnsafeMutablePointer<Int32>?, UnsafeMutablePointer<Float>?,
                UnsafePointer<fk_graph>?, UnsafePointer<Float>?, Int32, Int32
            ) -> Void
        let walk:
            (
                UnsafeMutablePointer<fk_walk>?, UnsafePointer<fk_graph>?, UnsafePointer<Float>?,
                Int32, Int32, Float, Int, Int
            ) -> Void
        let offer:
            (
                UnsafeMutablePointer<fk_walk>?, UnsafePointer<fk_graph>?, UnsafePointer<Float>?,
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
            level: FK_LEVEL_REFERENCE, descend: fk_graph_descend_f32_reference,
            walk: fk_graph_walk_f32_reference, offer: fk_graph_offer_f32_reference,
            choose: fk_graph_choose_f32_reference, link: fk_graph_link_f32_reference)
    }

    private static var variants: [Variant] {
        fasterVariants(fk_graph_walk_f32_levels, { $0 }).compactMap { _, level in
            guard let descend = fk_graph_descend_f32_variant(level),
                let walk = fk_graph_walk_f32_variant(level),
                let offer = fk_graph_offer_f32_variant(level),
                let choose = fk_graph_choose_f32_variant(level),
                let link = fk_graph_link_f32_variant(level)
            else { return nil }
            return Variant(
                level: level, descend: descend, walk: walk, offer: offer, choose: choose,
                link: link)
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
            var node: Int32 = 150
            var key: Float = 1e9
            variant.descend(&node, &key, &graph, example.query, 1, 0)
            note([UInt32(node)], [key])
            for (capacity, enough, steps) in [
                (1, Int.max, Int.max), (10, .max, .max), (40, 5, .max), (200, .max, 7),
            ] {
                var visited = [UInt8](repeating: 0, count: nodeCount)
                var fresh = [Int32](repeating: 0, count: 12)
                var freshKeys = [Float](repeating: 0, count: 12)
                var nodes = [UInt32](repeating: 77, count: capacity + 1)
                var keys = [Float](repeating: 77, count: capacity + 1)
                var offered = [Float](repeating: 0, count: 5)
                visited.withUnsafeMutableBufferPointer { visited in
                    fresh.withUnsafeMutableBufferPointer { fresh in
                        freshKeys.withUnsafeMutableBufferPointer { freshKeys in
                            nodes.withUnsafeMutableBufferPointer { nodes in
                                keys.withUnsafeMutableBufferPointer { keys in
                                    var walk = fk_walk(
                                        visited: visited.baseAddress, mark: 1,
                                        fresh: fresh.baseAddress,
                                        fresh_keys: freshKeys.baseAddress,
                                        nodes: nodes.baseAddress, keys: keys.baseAddress,
                                        capacity: capacity, count: 0)
                                    variant.walk(
                                        &walk, &graph, example.query, 0, 3, key, enough, steps)
                                    let unmet = (0..<Int32(nodeCount)).filter {
                                        visited[Int($0)] == 0
                                    }.prefix(5)
                                    variant.offer(
                                        &walk, &graph, example.query, Array(unmet), &offered,
                                        unmet.count)
                                    note([UInt32(walk.count)], [])
                                }
                            }
                        }
                    }
                }
                note(nodes, keys)
                note(visited.map { UInt32($0) }, [])
            }
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
