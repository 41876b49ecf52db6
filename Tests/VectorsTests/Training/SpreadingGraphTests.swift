import FathomTestSupport
import FathomVectors
import Testing

@Suite("Graphs that spread out from the middle")
struct SpreadingGraphTests {
    private func builder(
        _ rows: VectorRows, degree: Int, _ metric: Metric = .l2, threads: Int = 1
    ) throws -> SpreadingGraphBuilder {
        var builder = SpreadingGraphBuilder(degree: degree)
        try builder.build(rows, metric: metric, BuildWork(threads: threads))
        return builder
    }

    private func reached(_ graph: SpreadingGraphBuilder) -> Int {
        var isReached = [Bool](repeating: false, count: graph.lists.count)
        var waiting = [graph.entryPoint]
        isReached[Int(graph.entryPoint)] = true
        while let node = waiting.popLast() {
            for other in graph.lists[Int(node)] where !isReached[Int(other)] {
                isReached[Int(other)] = true
                waiting.append(other)
            }
        }
        return isReached.count { $0 }
    }

    /// Far groups of equal vectors, which nearest neighbours alone do not connect.
    private func groups(_ count: Int, size: Int) -> VectorRows {
        VectorRows(
            checked: (0..<count * size).flatMap { i -> [Float] in
                [Float(i / size) * 100, Float(i / size % 3) * 50, Float(i % size % 2) * 1e-3]
            }, dimension: 3)
    }

    @Test("Works when 10: reach every vector from the entry point", arguments: [2, 3, 8, 32])
    func reachable(degree: Int) throws {
        for rows in [
            try BuiltIndex(count: 900).rows, groups(9, size: 90), groups(40, size: 3),
            groups(1, size: 1), groups(1, size: 2), groups(150, size: 2),
        ] {
            for metric in [Metric.l2, .innerProduct] {
                let graph = try builder(rows, degree: degree, metric)
                #expect(graph.lists.count == rows.count)
                #expect(reached(graph) == rows.count, "\(rows.count) vectors, \(metric)")
                for (node, list) in graph.lists.enumerated() {
                    #expect(list.count <= degree)
                    #expect(Set(list).count == list.count && !list.contains(Int32(node)))
                }
            }
        }
    }

    @Test("do not depend on the threads, nor on the parts that vectors come in")
    func threads() throws {
        let rows = try BuiltIndex(count: 700).rows
        let one = try builder(rows, degree: 12)
        let three = try builder(rows, degree: 12, threads: 3)
        #expect(one.lists == three.lists && one.entryPoint == three.entryPoint)
        for factory in ["NSG12", "NSG8_SQ8", "NSG8,PQ4x4"] {
            var whole = try IndexBuilder(IndexDescription(factory, dimension: 8))
            try whole.train(rows)
            var parts = whole
            try whole.add(rows)
            try parts.add(rows.gathering(0..<250), threads: 2)
            try parts.add(rows.gathering(250..<700), threads: 3)
            #expect(
                try IndexFile.vectors(whole.finished()).bytes()
                    == IndexFile.vectors(parts.finished()).bytes(), "\(factory)")
        }
    }

    @Test("tell how far they are")
    func progress() throws {
        let rows = try BuiltIndex(count: 300).rows
        var stages: [String: Int] = [:]
        var builder = try IndexBuilder(IndexDescription("NSG8", dimension: 8))
        try builder.add(rows) { step in
            #expect(step.completed <= step.total)
            stages[step.stage] = step.completed
        }
        #expect(stages == ["neighbours": 300, "graph": 300])
    }

    @Test("begin with neighbours that descent finds nearly as well as a comparison of all")
    func descent() throws {
        let rows = try BuiltIndex(count: 2500).rows
        let distances = NodeDistances(rows: rows, metric: .l2)
        let exact = try NearestNodeGraph(exactly: distances, degree: 64, BuildWork())
        let found = NeighborDescent(degree: 64).graph(distances, BuildWork())
        #expect(found == NeighborDescent(degree: 64).graph(distances, BuildWork(threads: 3)))
        var hits = 0
        for node in 0..<rows.count {
            let places = node * 64..<(node + 1) * 64
            #expect(!found[places].contains(Int32(node)))
            let wanted = Set(exact.neighbors[places])
            hits += found[places].count(where: wanted.contains)
        }
        #expect(Double(hits) >= 0.98 * Double(found.count))
    }

    @Test("reach each of many equal vectors")
    func equalVectors() throws {
        let rows = VectorRows(checked: Array(repeating: 1, count: 400 * 4), dimension: 4)
        let graph = try builder(rows, degree: 4)
        #expect(reached(graph) == 400)
    }
}
