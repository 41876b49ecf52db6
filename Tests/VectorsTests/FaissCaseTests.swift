import FathomTensors
import FathomTestSupport
import FathomVectors
import Testing

@Suite("Index files of Faiss")
struct FaissCaseTests {
    @Test("are all there")
    func fixturesAreFound() {
        #expect(FaissCase.all.count >= 26)
        #expect(FaissCase.all.count { $0.hasReconstructions } >= 13)
    }

    @Test("Works when 2: are searched with Faiss's results", arguments: FaissCase.all)
    func searches(_ example: FaissCase) throws {
        let file = try IndexFile.read(example.indexPath)
        for search in try example.searches() {
            if let radius = search.radius {
                try checkRange(file, example, search, radius)
            } else {
                try checkNeighbors(file, example, search, try #require(search.k))
            }
        }
    }

    private func checkNeighbors(
        _ file: IndexFile, _ example: FaissCase, _ search: FaissSearch, _ k: Int
    ) throws {
        let tensor = try example.queries()
        let width = tensor.shape.last
        let count = search.queryCount ?? tensor.shape[0]
        let distances: [Float]
        let labels: [Int64]
        switch file {
        case .vectors(let index):
            let rows = try VectorRows(
                Array(tensor.floatArray().prefix(count * width)), dimension: width)
            let found = try index.search(rows, k: k, parameters: search.parameters)
            (distances, labels) = (found.distances, found.labels)
        case .binary(let index):
            let bytes = tensor.withBytes { Array($0.prefix(count * width)) }
            let found = try index.search(
                BinaryRows(bytes, codeSize: width), k: k, parameters: search.parameters)
            (distances, labels) = (found.distances.map { Float($0) }, found.labels)
        }
        let expected = search.distanceValues
        try #require(labels.count == search.labels.count)
        for row in 0..<count {
            let places = row * k..<(row + 1) * k
            let found = labels[places].filter { $0 >= 0 }
            #expect(Set(found).count == found.count, "\(search.name) \(row): a label twice")
            for place in places {
                #expect(
                    isClose(distances[place], expected[place]),
                    "\(search.name) \(row): \(distances[place]) for \(expected[place])")
                // Equally distant ones may change places, and at the end others may be there.
                let isTied =
                    isClose(expected[place], expected[places.upperBound - 1])
                    || places.contains {
                        search.labels[$0] == labels[place] && isClose(expected[$0], expected[place])
                    }
                #expect(
                    search.labels[place] == labels[place] || isTied,
                    "\(search.name) \(row): label \(labels[place])")
            }
        }
    }

    private func checkRange(
        _ file: IndexFile, _ example: FaissCase, _ search: FaissSearch, _ radius: Float
    ) throws {
        let tensor = try example.queries()
        let width = tensor.shape.last
        let hits: RangeHits
        switch file {
        case .vectors(let index):
            hits = try index.rangeSearch(
                VectorRows(tensor.floatArray(), dimension: width), radius: radius,
                parameters: search.parameters)
        case .binary(let index):
            hits = try index.rangeSearch(
                BinaryRows(tensor.withBytes { Array($0) }, codeSize: width), radius: Int(radius),
                parameters: search.parameters)
        }
        #expect(hits.limits == search.limits, "\(search.name)")
        #expect(hits.labels == search.labels, "\(search.name)")
        try #require(hits.distances.count == search.distanceValues.count)
        for (found, expected) in zip(hits.distances, search.distanceValues) {
            #expect(isClose(found, expected), "\(search.name)")
        }
    }

    /// Sums of floats in another order: 1e-4 of the value, as the cases were made for.
    private func isClose(_ a: Float, _ b: Float) -> Bool {
        a == b || abs(a - b) <= 1e-4 * max(1, abs(b))
    }

    @Test("Works when 2: are written back byte for byte", arguments: FaissCase.all)
    func rewriting(_ example: FaissCase) throws {
        let folder = try TemporaryFolder()
        let original = try example.bytes()
        try IndexFile.read(example.indexPath).write(folder("index.faiss"))
        #expect(try MappedFile(path: folder("index.faiss")).withBytes { Array($0) } == original)
    }

    @Test("give vectors back as Faiss does", arguments: FaissCase.all.filter(\.hasReconstructions))
    func reconstruction(_ example: FaissCase) throws {
        let expected = try example.reconstructions()
        let index = try #require(try IndexFile.read(example.indexPath).vectorIndex)
        let values = expected.floatArray()
        let width = expected.shape.last
        for row in 0..<expected.shape[0] {
            let vector = try index.reconstruct(Int64(row))
            try #require(vector.count == width)
            for (found, value) in zip(vector, values[row * width..<(row + 1) * width]) {
                #expect(isClose(found, value), "row \(row): \(found) for \(value)")
            }
        }
    }

    /// Cases whose codes are not Faiss's to the last bit.
    static let encodedOtherwise: Set<String> = [
        // Local-search quantizers draw what they try, and are not followed.
        "aq_ivf_lsq", "aq_lsq_l2", "aq_lsq_nqint8", "aq_lsqfs", "aq_plsq",
        // One component falls between two half-precision floats.
        "ivfsqfp16_l2",
        // The scale of the lower bits is found by another search.
        "ivfrabitq_multibit", "rabitq_2bit", "rabitq_4bit",
    ]

    @Test("encode and decode by themselves as Faiss does", arguments: FaissCase.all)
    func standaloneCodec(_ example: FaissCase) throws {
        // With fewer bits than components Faiss leaves the rest of a vector as it finds it.
        guard example.name != "lsh_thr", let expected = try example.standaloneCodes(),
            let index = try IndexFile.read(example.indexPath).vectorIndex
        else { return }
        let decoded = try index.decode(expected.codes)
        for (found, value) in zip(decoded.values, expected.decoded) {
            #expect(isClose(found, value), "\(found) for \(value)")
        }
        guard let vectors = expected.vectors, !Self.encodedOtherwise.contains(example.name) else {
            return
        }
        let rows = try VectorRows(
            Array(vectors.prefix(32 * index.dimension)), dimension: index.dimension)
        let codes = try index.encode(rows)
        guard codes != expected.codes else { return }
        // Floats in codes are sums in another order: vectors and norms.
        for (found, value) in zip(try index.decode(codes).values, expected.decoded) {
            #expect(isClose(found, value), "\(found) for \(value)")
        }
    }
}
