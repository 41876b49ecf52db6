import FathomVectors
import Testing

@Suite("Ranges of codes in blocks")
struct FastScanRangeTests {
    static let factories = [
        "PQ4x4fs", "PQ4x4fs_64", "RQ3x4fs_Nrq2x4", "IVF6,PQ4x4fs", "IVF6,PQ4x4fsr",
        "IVF6,RQ3x4fs_Nrq2x4", "IVF6,RQ3x4fsr_Nrq2x4",
    ]

    /// Sums are whole numbers, so what is within a radius is what a search for all finds up to it,
    /// but for one unit of the sums before it.
    @Test("hold what a search for all finds below the radius", arguments: factories)
    func ranges(factory: String) throws {
        let built = try BuiltIndex(count: 400)
        let queries = try BuiltIndex(count: 9, seed: 72).rows
        for metric in [Metric.l2, .innerProduct] {
            let factory = metric == .l2 ? factory : String(factory.prefix { $0 != "N" })
            let name = factory.hasSuffix("_") ? String(factory.dropLast()) : factory
            let index = try built.filled(name, 0..<400, metric)
            var parameters = BuiltIndex.thorough(index)
            for selector in [nil, IDSelector.matching { $0 % 3 == 1 }] {
                parameters.selector = selector
                let all = try index.search(queries, k: 400, parameters: parameters)
                for rank in [0, 7, 150] {
                    let radius = all.distances[rank]
                    let hits = try index.rangeSearch(
                        queries, radius: radius, parameters: parameters)
                    try #require(hits.limits.count == queries.count + 1)
                    for query in 0..<queries.count {
                        let range = hits.limits[query]..<hits.limits[query + 1]
                        let found = Dictionary(
                            uniqueKeysWithValues: zip(hits.labels[range], hits.distances[range]))
                        let places = (query * 400..<(query + 1) * 400).filter {
                            all.labels[$0] >= 0
                        }
                        let steps = Set(places.map { all.distances[$0] }).sorted()
                        let unit = zip(steps, steps.dropFirst()).map { $1 - $0 }.min() ?? 0
                        for place in places {
                            let (label, distance) = (all.labels[place], all.distances[place])
                            let isInside = metric == .l2 ? distance < radius : distance > radius
                            if let hit = found[label] {
                                // The radius itself rounds to either side of a sum.
                                let margin = 1e-5 * max(1, abs(radius))
                                #expect(hit == distance)
                                #expect(isInside || abs(distance - radius) <= margin)
                            } else {
                                #expect(!isInside || abs(distance - radius) <= unit * 1.01)
                            }
                        }
                        #expect(found.keys.allSatisfy { selector?.contains($0) ?? true })
                    }
                }
            }
            #expect(
                try index.rangeSearch(queries, radius: metric == .l2 ? -1e9 : 1e9).labels.isEmpty)
        }
    }
}
