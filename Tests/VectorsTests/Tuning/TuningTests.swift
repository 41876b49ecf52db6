import FathomVectors
import Testing

/// "Works when" 16: what the sweep of parameters finds.
@Suite("Sweeps of search parameters")
struct TuningTests {
    let built: BuiltIndex
    let queries: VectorRows

    init() throws {
        built = try BuiltIndex(count: 600)
        queries = try BuiltIndex(count: 40, seed: 72).rows
    }

    private func truth(_ k: Int) throws -> [Int64] {
        try ParameterSweep.groundTruth(built.rows, queries, k: k, metric: .l2)
    }

    @Test("Works when 16: find a front that rises strictly in time and recall")
    func front() throws {
        let index = try built.filled("IVF32,Flat", 0..<600)
        var sweep = try ParameterSweep(index, queries: queries, truth: truth(10), k: 10)
        sweep.duration = .milliseconds(1)
        #expect(sweep.ranges.map(\.name) == ["nprobe"])
        #expect(sweep.ranges[0].values == [1, 2, 4, 8, 16])
        let points = try sweep.run()
        #expect(points.points.count + points.skippedCount == 5)
        let front = points.front
        #expect(!front.isEmpty)
        for (point, next) in zip(front, front.dropFirst()) {
            #expect(point.secondsPerQuery < next.secondsPerQuery)
            #expect(point.recall < next.recall)
        }
        for point in points.points {
            let found = try index.search(queries, k: 10, parameters: point.parameters)
            #expect(sweep.recall(of: found.labels) == point.recall)
        }
        // More lists never lose a neighbour.
        let byLists = points.points.sorted { $0.settings[0].value < $1.settings[0].value }
        for (point, next) in zip(byLists, byLists.dropFirst()) {
            #expect(point.recall <= next.recall)
        }
    }

    @Test("leave out what cannot be better, and choose the fastest that finds enough")
    func pruning() throws {
        let index = try built.filled("IVF32_HNSW8,PQ4x4,RFlat", 0..<600)
        let sweep = try ParameterSweep(index, queries: queries, truth: truth(5), k: 5)
        #expect(sweep.ranges.map(\.name) == ["k_factor_rf", "nprobe", "quantizer_efSearch"])
        #expect(sweep.settingCount == 7 * 5 * 8)
        // Costs and finds by the parameters alone; recall is complete from 8 lists on.
        let measure: (SearchParameters) -> (recall: Double, seconds: Double) = { parameters in
            let lists = parameters.base?.nprobe ?? 0
            let depth = parameters.base?.quantizer?.efSearch ?? 0
            let factor = Double(parameters.kFactor ?? 0)
            return (
                min(1, Double(lists) / 8), Double(lists) + factor / 100 + Double(depth) / 10_000
            )
        }
        let points = try sweep.run(measure)
        #expect(points.skippedCount > 0)
        #expect(points.points.count + points.skippedCount == 280)
        let chosen = try #require(points.cheapest(reaching: 0.5))
        #expect(chosen.key == "k_factor_rf=1,nprobe=4,quantizer_efSearch=4")
        #expect(points.cheapest(reaching: 1)?.key == "k_factor_rf=1,nprobe=8,quantizer_efSearch=4")
        #expect(points.cheapest(reaching: 1.01) == nil)
        var limited = sweep
        limited.experimentLimit = 9
        let fewer = try limited.run(measure)
        #expect(fewer.points.count + fewer.skippedCount == 9)
        #expect(fewer.points[0].key == "k_factor_rf=1,nprobe=1,quantizer_efSearch=4")
        #expect(fewer.points[1].key == "k_factor_rf=64,nprobe=16,quantizer_efSearch=512")
    }

    @Test("try the one setting of an index without parameters")
    func withoutParameters() throws {
        let flat = try built.filled("Flat", 0..<600)
        let points = try ParameterSweep(flat, queries: queries, truth: truth(10), k: 10).run()
        #expect(points.points.map(\.recall) == [1])
        #expect(points.points.map(\.key) == [""])
    }

    @Test("refuse a truth that does not fit")
    func refusals() throws {
        let flat = try built.filled("Flat", 0..<600)
        #expect(throws: TuningError.wrongTruth(labels: 39, queries: 40, k: 1)) {
            try ParameterSweep(
                flat, queries: queries, truth: Array(repeating: 0, count: 39), k: 1)
        }
        #expect(throws: TuningError.self) {
            try ParameterSweep(flat, queries: queries, truth: truth(3), k: 4)
        }
        #expect(throws: TuningError.nothingToSearch) {
            try ParameterSweep(flat, queries: queries, truth: [], k: 0)
        }
        #expect(throws: VectorSearchError.self) {
            try ParameterSweep(
                flat, queries: VectorRows([1, 2], dimension: 2), truth: [0], k: 1)
        }
    }
}
