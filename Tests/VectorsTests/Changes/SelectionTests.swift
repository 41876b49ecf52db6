import FathomVectors
import Testing

/// "Works when" 13 and 18: selectors, shards and replicas.
@Suite("Searches of parts and of several indexes")
struct SelectionTests {
    let built: BuiltIndex
    let queries: VectorRows

    init() throws {
        built = try BuiltIndex(count: 400)
        queries = try BuiltIndex(count: 9, seed: 72).rows
    }

    static let selectors: [IDSelector] = {
        var bitmap = [UInt8](repeating: 0, count: 40)
        for i in 0..<40 { bitmap[i] = UInt8(i * 37 % 256) }
        return [
            .range(30, 210), .ids([4, 399, 77, 78, 1000, -3]), .bitmap(bitmap), .all,
            .matching { $0 % 7 == 3 },
        ]
    }()

    @Test(
        "Works when 13: find the best of the vectors that a selector contains",
        arguments: BuiltIndex.all)
    func selecting(_ factory: String) throws {
        let index = try built.filled(factory, 0..<400)
        var parameters = BuiltIndex.thorough(index)
        let all = try index.search(queries, k: 400, parameters: parameters)
        var selectors = Self.selectors
        selectors.append(try .and(selectors[0], .not(selectors[4])))
        selectors.append(try .or(selectors[1], selectors[2]))
        selectors.append(try .xor(selectors[0], selectors[2]))
        for selector in selectors {
            if index.acceptedParameters.contains(.selector) {
                parameters.selector = selector
            } else {
                var base = SearchParameters()
                base.selector = selector
                parameters.base = base
            }
            let found = try index.search(queries, k: 15, parameters: parameters)
            for query in 0..<queries.count {
                let labels = found.labels[query * 15..<(query + 1) * 15]
                if factory.hasPrefix("HNSW") {
                    #expect(labels.allSatisfy { $0 == -1 || selector.contains($0) })
                }
                let expected = all.labels[query * 400..<(query + 1) * 400]
                    .filter { $0 >= 0 && selector.contains($0) }.prefix(15)
                if factory == "PQ4x4,RFlat" {
                    // Only the base's best 15 are compared again.
                    #expect(labels.allSatisfy { $0 == -1 || selector.contains($0) })
                } else {
                    #expect(Array(labels.filter { $0 >= 0 }) == Array(expected))
                }
            }
        }
    }

    @Test("Works when 18: find in shards what one index finds", arguments: BuiltIndex.all)
    func shards(_ factory: String) throws {
        let whole = try built.filled(factory, 0..<400)
        let parts = [0..<90, 90..<91, 91..<400]
        var parameters = BuiltIndex.thorough(whole)
        let successive = try ShardedIndex(
            parts.map { try built.filled(factory, $0) }, labels: .successive)
        #expect(successive.count == 400)
        // A refined index compares the best k of each shard again: more than the whole does.
        if factory != "PQ4x4,RFlat" {
            #expect(
                try successive.search(queries, k: 13, parameters: parameters)
                    == whole.search(queries, k: 13, parameters: parameters))
            if whole.acceptedParameters.contains(.selector) {
                parameters.selector = .matching { $0 % 5 != 1 }
                #expect(
                    try successive.search(queries, k: 13, parameters: parameters)
                        == whole.search(queries, k: 13, parameters: parameters))
            }
        }
        #expect(try successive.reconstruct(95) == whole.reconstruct(95))
        #expect(throws: VectorSearchError.noSuchID(400)) { try successive.reconstruct(400) }
    }

    @Test(
        "Works when 18: find in shards with labels of their own what one index finds",
        arguments: ["IVF6,Flat", "IVF6,PQ4x4fs", "IDMap,SQ8"])
    func ownLabels(_ factory: String) throws {
        let ids = (0..<400).map { Int64(9000 - $0 * 3) }
        var whole = try built.trained(factory)
        try whole.add(built.rows, withIDs: ids)
        let empty = try built.trained(factory)
        var sharded = try ShardedIndex([empty, empty, empty], labels: .own)
        try sharded.add(built.rows, withIDs: ids)
        #expect(sharded.shards.map(\.count) == [133, 133, 134])
        let parameters = BuiltIndex.thorough(whole)
        #expect(
            try sharded.search(queries, k: 13, parameters: parameters)
                == whole.search(queries, k: 13, parameters: parameters))
        #expect(try sharded.remove(.range(8000, 8100)) == whole.remove(.range(8000, 8100)))
        #expect(
            try sharded.search(queries, k: 13, parameters: parameters)
                == whole.search(queries, k: 13, parameters: parameters))
        #expect(try sharded.reconstruct(9000) == whole.reconstruct(9000))
    }

    @Test("Works when 18: give the same from replicas", arguments: ["Flat", "IVF6,SQ8", "HNSW8"])
    func replicas(_ factory: String) throws {
        let one = try built.filled(factory, 0..<200)
        var replicated = try ReplicatedIndex([one, one, one])
        #expect(try replicated.search(queries, k: 11) == one.search(queries, k: 11))
        try replicated.add(built.part(200..<220))
        var grown = one
        try grown.add(built.part(200..<220))
        #expect(try replicated.search(queries, k: 11) == grown.search(queries, k: 11))
        #expect(throws: IndexChangeError.self) { try ReplicatedIndex([one, grown]) }
    }

    @Test("are filled once where shards number their vectors")
    func successiveShards() throws {
        let empty = try built.trained("SQ8")
        var sharded = try ShardedIndex([empty, empty], labels: .successive)
        try sharded.add(built.part(0..<100))
        let whole = try built.filled("SQ8", 0..<100)
        #expect(try sharded.search(queries, k: 5) == whole.search(queries, k: 5))
        #expect(throws: IndexChangeError.self) { try sharded.add(built.part(0..<1)) }
        #expect(throws: IndexChangeError.self) { try ShardedIndex([], labels: .own) }
        #expect(throws: IndexChangeError.self) {
            try ShardedIndex([empty, built.trained("Flat", .innerProduct)], labels: .own)
        }
        #expect(
            try sharded.rangeSearch(queries, radius: 3) == whole.rangeSearch(queries, radius: 3))
    }

    @Test("end when they are told to", arguments: ["Flat", "IVF6,SQ8", "IVF6,PQ4x4fs", "HNSW8"])
    func limits(_ factory: String) throws {
        let index = try built.filled(factory, 0..<400)
        var parameters = SearchParameters()
        let expected = try index.search(built.rows, k: 3)
        parameters.limit = SearchLimit(.seconds(3600), isCancelled: { false })
        #expect(try index.search(built.rows, k: 3, parameters: parameters) == expected)
        parameters.limit = SearchLimit(.zero)
        #expect(throws: VectorSearchError.timeIsUp(after: .zero)) {
            try index.search(built.rows, k: 3, parameters: parameters)
        }
        parameters.limit = SearchLimit(isCancelled: { true })
        #expect(throws: VectorSearchError.cancelled) {
            try index.search(built.rows, k: 3, parameters: parameters, threads: 2)
        }
    }
}
