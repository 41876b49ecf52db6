import FathomTestSupport
import FathomVectors
import Testing

@Suite("Searching collections")
struct CollectionSearchTests {
    static let dimension = 16

    /// A collection of clustered vectors in a segment with an index, a flat segment and memory,
    /// some of them deleted.
    static func collection(
        _ factory: String, _ metric: CollectionMetric, count: Int = 3000
    ) throws -> (VectorCollection, values: [Float]) {
        var random = SeededGenerator(seed: 31)
        let centers = random.floats(20 * dimension)
        var values: [Float] = []
        for row in 0..<count {
            let noise = random.floats(dimension)
            for i in 0..<dimension {
                values.append(centers[row % 20 * dimension + i] + 0.3 * noise[i])
            }
        }
        let collection = try VectorCollection.create(
            in: SimulatedDisk(),
            CollectionSettings(
                dimension: dimension, metric: metric, factory: factory,
                columns: [.init("tenth", .integer), .init("half", .boolean)],
                sealRows: 100, indexRows: 500),
            CollectionModelTests.manual)
        for (part, range) in [
            0..<count * 8 / 10, count * 8 / 10..<count * 9 / 10, count * 9 / 10..<count,
        ]
        .enumerated() {
            try collection.add(
                VectorRows(
                    Array(values[range.lowerBound * dimension..<range.upperBound * dimension]),
                    dimension: dimension), ids: range.map { Int64($0) },
                fields: range.map {
                    ["tenth": .integer(Int64($0 % 10)), "half": .boolean($0.isMultiple(of: 2))]
                })
            if part == 0 { try collection.compact() } else if part == 1 { try collection.seal() }
        }
        try collection.delete((0..<Int64(count)).filter { $0 % 7 == 3 })
        return (collection, values)
    }

    @Test(
        "finds nearly what comparing every vector finds, whatever the index, with exact distances",
        arguments: [
            "Flat", "HNSW16", "IVF16,Flat", "IVF16,PQ8", "SQ8", "PQ8x4fs", "IVF16,PQ8x4fsr",
            "RaBitQ4", "OPQ8,PQ8", "HNSW16,SQ8", "IVF16_HNSW8,SQfp16", "PCA8,HNSW16",
        ], [CollectionMetric.l2, .innerProduct, .cosine])
    func recall(_ factory: String, _ metric: CollectionMetric) throws {
        let (collection, values) = try Self.collection(factory, metric)
        #expect(collection.info.segments.map(\.index).contains(factory))
        let queries = try VectorRows(
            Array(values[0..<40 * Self.dimension]), dimension: Self.dimension)
        let exact = try collection.search(
            queries, k: 10, options: CollectionSearchOptions(isExact: true))
        for text in ["", "half", "tenth in [1, 4]", "tenth == 2 and half", "tenth == 11"] {
            let predicate = text.isEmpty ? nil : try FieldPredicate(parsing: text)
            let wanted = try collection.search(
                queries, k: 10, where: predicate, options: CollectionSearchOptions(isExact: true))
            let found = try collection.search(queries, k: 10, where: predicate)
            var hits = 0
            var total = 0
            for query in 0..<40 {
                let places = query * 10..<(query + 1) * 10
                let ids = wanted.labels[places].filter { $0 >= 0 }
                hits += Set(found.labels[places]).intersection(ids).count
                total += ids.count
                for place in places where found.labels[place] >= 0 {
                    let id = found.labels[place]
                    #expect(id % 7 != 3)
                    let known = wanted.labels[places].firstIndex(of: id)
                    if let known { #expect(found.distances[place] == wanted.distances[known]) }
                }
            }
            #expect(Double(hits) >= 0.75 * Double(total), "\(text): \(hits) of \(total)")
            let threads = try collection.search(queries, k: 10, where: predicate, threads: 3)
            #expect(threads == found)
            let single = try collection.search(
                VectorRows(queries.row(7), dimension: Self.dimension), k: 10, where: predicate)
            #expect(single.labels == Array(found.labels[70..<80]))
        }
        #expect(exact.labels.allSatisfy { $0 >= 0 })
    }

    @Test("finds more of what comparing every vector finds with more candidates")
    func candidates() throws {
        let (collection, values) = try Self.collection("PQ2", .l2)
        let queries = try VectorRows(
            Array(values[0..<40 * Self.dimension]), dimension: Self.dimension)
        func search(_ options: CollectionSearchOptions) throws -> [Int64] {
            try collection.search(queries, k: 10, options: options).labels
        }
        let wanted = try search(.init(isExact: true))
        func hits(_ factor: Int) throws -> Int {
            let found = try search(.init(candidateFactor: factor))
            return (0..<40).reduce(0) { count, query in
                let places = query * 10..<(query + 1) * 10
                return count + Set(found[places]).intersection(wanted[places]).count
            }
        }
        let few = try hits(1), some = try hits(2), all = try hits(1000)
        #expect(few < some && some < all && all == 400, "\(few), \(some), \(all)")
    }

    @Test("pads with -1 for k beyond the count, no rows, and queries that are no numbers")
    func edges() throws {
        let collection = try VectorCollection.create(
            in: SimulatedDisk(), CollectionSettings(dimension: 2, metric: .cosine),
            CollectionModelTests.manual)
        let query = try VectorRows([1, 0], dimension: 2)
        #expect(try collection.search(query, k: 2).labels == [-1, -1])
        try collection.add(VectorRows([2, 0, 0, 3], dimension: 2), ids: [4, 2])
        #expect(try collection.search(query, k: 3).labels == [4, 2, -1])
        #expect(try collection.search(query, k: 1).distances == [1])
        #expect(try collection.search(query, k: 0).labels == [])
        #expect(try collection.snapshot.vector(of: 2) == [0, 1])
        for bad: [Float] in [[0, 0], [.nan, 1], [.infinity, 0]] {
            let found = try collection.search(VectorRows(bad, dimension: 2), k: 2)
            #expect(found.labels == [-1, -1], "\(bad)")
        }
        #expect(throws: VectorSearchError.self) { try collection.search(query, k: -1) }
        #expect(throws: VectorSearchError.self) {
            try collection.search(VectorRows([1, 2, 3], dimension: 3), k: 1)
        }
        for options in [
            CollectionSearchOptions(nprobe: 3), .init(efSearch: 0), .init(candidateFactor: 2),
        ] {
            #expect(throws: VectorSearchError.self) {
                try collection.search(query, k: 1, options: options)
            }
        }
        try collection.delete([4])
        #expect(try collection.search(query, k: 2).labels == [2, -1])
    }

    @Test("refuses what is no row of the collection, and adds nothing then")
    func refusals() throws {
        let collection = try VectorCollection.create(
            in: SimulatedDisk(),
            CollectionSettings(
                dimension: 2, metric: .cosine, columns: [.init("n", .integer), .init("s", .string)]),
            CollectionModelTests.manual)
        func refusal(
            _ values: [Float], _ ids: [Int64], _ fields: [[String: ColumnValue]] = [],
            dimension: Int = 2
        ) -> String {
            do {
                try collection.add(
                    VectorRows(values, dimension: dimension), ids: ids, fields: fields)
                return ""
            } catch { return "\(error)" }
        }
        #expect(refusal([1, 2, 3], [1], dimension: 3).contains("dimension is 3; it must be 2"))
        #expect(refusal([1, 2], [1, 2]).contains("number of ids is 2"))
        #expect(refusal([1, 2], [-1]).contains("id of row 0 is -1"))
        #expect(refusal([1, 2, 3, 4], [5, 5]).contains("id of row 1 is 5; it must be given once"))
        #expect(refusal([1, .nan], [1]).contains("component of vector 0 is nan"))
        #expect(refusal([1, 2, 0, 0], [1, 2]).contains("length of vector 1 is 0"))
        #expect(refusal([1, 2], [1], [["x": 1]]).contains("'x'; it must be one of n, s"))
        #expect(refusal([1, 2], [1], [["n": "a"]]).contains("'n' of row 0 is \"a\""))
        #expect(refusal([1, 2], [1], [["n": 1.5]]).contains("must be an integer"))
        #expect(refusal([1, 2], [1], [[:], [:]]).contains("rows of fields is 2"))
        let long = String(repeating: "x", count: CollectionSettings.stringLimit + 1)
        #expect(refusal([1, 2], [1], [["s": .string(long)]]).contains("at most 65536 bytes"))
        #expect(collection.count == 0 && collection.snapshot.sequence == 0)
    }

    @Test("cannot be made of settings that do not do")
    func settings() {
        func refusal(_ settings: CollectionSettings) -> String {
            do {
                _ = try VectorCollection.create(
                    in: SimulatedDisk(), settings, CollectionModelTests.manual)
                return ""
            } catch { return "\(error)" }
        }
        #expect(refusal(.init(dimension: 0)).contains("dimension is 0"))
        #expect(refusal(.init(dimension: 4, factory: "HNSV32")).contains("character 1"))
        #expect(refusal(.init(dimension: 4, factory: "IDMap,Flat")).contains("without IDMap"))
        #expect(refusal(.init(dimension: 4, factory: "PQ2,RFlat")).contains("without IDMap"))
        #expect(refusal(.init(dimension: 4, columns: [.init("a b", .double)])).contains("'a b'"))
        #expect(refusal(.init(dimension: 4, columns: [.init("In", .double)])).contains("'In'"))
        #expect(
            refusal(.init(dimension: 4, columns: [.init("a", .double), .init("a", .string)]))
                .contains("given once"))
        #expect(refusal(.init(dimension: 4, sealRows: 0)).contains("rows to seal is 0"))
    }

    @Test("is refused for a second writer, not for readers, and for what is no collection")
    func locks() throws {
        let folder = try TemporaryFolder()
        let path = folder("c")
        let settings = CollectionSettings(dimension: 1)
        do {
            let collection = try VectorCollection.create(path, settings)
            let error = #expect(throws: CollectionError.self) { try VectorCollection.open(path) }
            guard case .inUse(.some) = error?.reason else {
                Issue.record("\(String(describing: error))")
                return
            }
            let reader = try VectorCollection.openForReading(path)
            #expect(throws: CollectionError.self) { try reader.delete([1]) }
            try collection.close()
            let closed = #expect(throws: CollectionError.self) { try collection.delete([1]) }
            #expect(closed?.reason == .closed)
        }
        _ = try VectorCollection.open(path)
        let again = #expect(throws: CollectionError.self) {
            try VectorCollection.create(path, settings)
        }
        #expect(again?.reason == .alreadyThere)
        #expect(throws: CollectionError.self) { try VectorCollection.open(folder("nothing")) }
        let empty = #expect(throws: CollectionError.self) {
            try VectorCollection.openForReading(folder.path)
        }
        #expect(empty?.reason == .notACollection)
    }
}
