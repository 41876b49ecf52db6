import FathomTensors
import FathomTestSupport
import FathomVectors
import Testing

/// The examples of the article "An example of each index", line by line, and what comes of them.
@Suite("Examples of indexes")
struct IndexExampleTests {
    let rows: VectorRows
    let queries: VectorRows
    let flat: FlatIndex
    let nearest: Neighbors
    let few: SearchParameters

    init() throws {
        let values = try BuiltIndex(count: 2000, dimension: 32).rows.values
        let questions = try BuiltIndex(count: 16, dimension: 32, seed: 72).rows.values
        let rows = try VectorRows(values, dimension: 32)
        let queries = try VectorRows(questions, dimension: 32)
        let flat = FlatIndex(rows, metric: .l2)
        let nearest = try flat.search(queries, k: 10)
        var some = SearchParameters()
        some.nprobe = 4
        (self.rows, self.queries, few) = (rows, queries, some)
        (self.flat, self.nearest) = (flat, nearest)
    }

    func build(_ factory: String, _ rows: VectorRows) throws -> any VectorIndex {
        var builder = try IndexBuilder(IndexDescription(factory, dimension: rows.dimension))
        try builder.train(rows, threads: 2)
        try builder.add(rows, threads: 2)
        return try builder.finished()
    }

    private func path(_ name: String) -> String { Fixtures.path("faiss/\(name)/index.faiss") }

    /// A query of as many components as an index has.
    private func ask(_ index: any VectorIndex) throws -> VectorRows {
        try VectorRows(Array(repeating: 0.25, count: index.dimension), dimension: index.dimension)
    }

    /// Whether at least some share of the ten nearest vectors was found.
    private func holds(_ found: Neighbors, _ share: Double) -> Bool {
        let hits = (0..<queries.count).reduce(0) { sum, query in
            let places = query * 10..<(query + 1) * 10
            return sum + Set(nearest.labels[places]).intersection(found.labels[places]).count
        }
        return Double(hits) >= share * Double(10 * queries.count)
    }

    /// The lines of an article or of this file, without what indents them.
    private func lines(_ path: String) throws -> [String] {
        let text = try MappedFile(path: path).withBytes { String(decoding: $0, as: UTF8.self) }
        return text.split(separator: "\n", omittingEmptySubsequences: false).map {
            String($0.drop { $0 == " " })
        }
    }

    @Test("are those of the article")
    func article() throws {
        let root = "/" + "\(#filePath)".split(separator: "/").dropLast(4).joined(separator: "/")
        let article = try lines("\(root)/Sources/Vectors/Documentation.docc/IndexTypes.md")
        let code = try lines("\(#filePath)")
        var examples = 0
        var example: [String]?
        for line in article {
            if line == "```swift" {
                example = []
            } else if line == "```", let lines = example {
                let isHere = code.indices.contains { code[$0...].starts(with: lines) }
                #expect(isHere, "\(lines.first ?? "")")
                examples += 1
                example = nil
            } else {
                example?.append(line)
            }
        }
        #expect(examples == 24)
    }

    @Test("of vectors in lists")
    func lists() throws {
        let lists = try build("IVF16,Flat", rows)
        var few = SearchParameters()
        few.nprobe = 4
        let found = try lists.search(queries, k: 10, parameters: few)
        #expect(few.nprobe == self.few.nprobe)
        #expect(holds(found, 0.9))
    }

    @Test("of equal vectors in lists")
    func deduplicated() throws {
        let deduplicatedPath = path("ivfflat_dedup")
        #expect(try IndexFile.read(deduplicatedPath).vectorIndex != nil)
        guard let deduplicated = try IndexFile.read(deduplicatedPath).vectorIndex else { return }
        let copies = try deduplicated.search(ask(deduplicated), k: 10, parameters: few)
        #expect(copies.labels.contains { $0 >= 0 })
    }

    @Test("of graphs of layers")
    func graph() throws {
        let graph = try build("HNSW16", rows)
        var deep = SearchParameters()
        deep.efSearch = 64
        let walked = try graph.search(queries, k: 10, parameters: deep)
        #expect(holds(walked, 0.95))
    }

    @Test("of graphs of one layer")
    func spread() throws {
        let spread = try build("NSG16", rows)
        var wide = SearchParameters()
        wide.searchL = 48
        let reached = try spread.search(queries, k: 10, parameters: wide)
        #expect(holds(reached, 0.9))
    }

    @Test("of codes of components")
    func components() throws {
        let bytes = try build("SQ8", rows)
        let nearby = try bytes.search(queries, k: 10)
        let listedBytes = try build("IVF16,SQ8", rows)
        let alsoNearby = try listedBytes.search(queries, k: 10, parameters: few)
        #expect(holds(nearby, 0.9) && holds(alsoNearby, 0.85))
    }

    @Test("of codes with a range each")
    func rowwise() throws {
        let codecPath = path("rowwise_minmax")
        #expect(try IndexFile.read(codecPath).vectorIndex != nil)
        guard let codec = try IndexFile.read(codecPath).vectorIndex else { return }
        let restored = try codec.decode(codec.encode(ask(codec)))
        #expect(restored.count == 1 && restored.dimension == codec.dimension)
    }

    @Test("of codes of parts")
    func parts() throws {
        let products = try build("PQ8", rows)
        let likely = try products.search(queries, k: 10)
        let listedProducts = try build("IVF16,PQ8", rows)
        let likelier = try listedProducts.search(queries, k: 10, parameters: few)
        #expect(holds(likely, 0.3) && holds(likelier, 0.3))
    }

    @Test("of codes in blocks")
    func blocks() throws {
        let blocks = try build("PQ16x4fs", rows)
        let listedBlocks = try build("IVF16,PQ16x4fsr", rows)
        let quick = try blocks.search(queries, k: 10)
        let quicker = try listedBlocks.search(queries, k: 10, parameters: few)
        #expect(holds(quick, 0.3) && holds(quicker, 0.3))
    }

    @Test("of sums of codes")
    func sums() throws {
        let additivePaths = ["aq_lsq_nqint8", "aq_ivf_rq", "aq_rqfs", "aq_ivf_rqfs"].map(path)
        #expect(try additivePaths.allSatisfy { try IndexFile.read($0).vectorIndex != nil })
        for path in additivePaths {
            guard let sums = try IndexFile.read(path).vectorIndex else { return }
            let summed = try sums.search(ask(sums), k: 10)
            print(summed.labels)
        }
    }

    @Test("of signs")
    func signs() throws {
        let signs = try build("LSHrt", rows)
        let alike = try signs.search(queries, k: 10)
        #expect(holds(alike, 0.2))
    }

    @Test("of signs with factors")
    func estimates() throws {
        let estimates = try build("RR,RaBitQ", rows)
        let listedEstimates = try build("RR,IVF16,RaBitQ4", rows)
        var finer = SearchParameters()
        finer.qb = 8
        let estimated = try estimates.search(queries, k: 10, parameters: finer)
        finer.nprobe = 4
        let betterEstimated = try listedEstimates.search(queries, k: 10, parameters: finer)
        // Signs around one centre tell groups apart, hardly what is inside of a tight one.
        #expect(estimated.labels.allSatisfy { $0 >= 0 })
        #expect(holds(betterEstimated, 0.4))
    }

    @Test("of signs in blocks")
    func signBlocks() throws {
        let signBlockPaths = ["rabitqfs_ip", "ivfrabitqfs"].map(path)
        #expect(try signBlockPaths.allSatisfy { try IndexFile.read($0).vectorIndex != nil })
        for path in signBlockPaths {
            guard let blocks = try IndexFile.read(path).vectorIndex else { return }
            let estimated = try blocks.search(ask(blocks), k: 10)
            print(estimated.labels)
        }
    }

    @Test("of transforms")
    func transforms() throws {
        let shorter = try build("PCA16,IVF16,Flat", rows)
        let cosine = try build("L2norm,HNSW16", rows)
        #expect(try shorter.search(queries, k: 10).labels.contains { $0 >= 0 })
        #expect(try cosine.search(rows, k: 1).labels.contains(7))
    }

    @Test("of what is compared again")
    func refined() throws {
        let refined = try build("IVF16,PQ16x4fsr,RFlat", rows)
        var again = SearchParameters()
        again.kFactor = 10
        again.base = few
        let exact = try refined.search(queries, k: 10, parameters: again)
        #expect(holds(exact, 0.9))
    }

    @Test("of labels")
    func labels() throws {
        var builder = try IndexBuilder(IndexDescription("IDMap2,Flat", dimension: 32))
        try builder.add(rows, ids: (0..<Int64(rows.count)).map { 1_000_000 + $0 })
        let named = try builder.finished()
        let vector = try named.reconstruct(1_000_007)
        #expect(vector == rows.row(7))
    }

    @Test("of several indexes")
    func several() throws {
        let parts = [flat, FlatIndex(queries, metric: .l2)]
        let sharded = try ShardedIndex(parts, labels: .successive)
        let replicated = try ReplicatedIndex([flat, flat])
        let together = try sharded.search(queries, k: 10)
        let shared = try replicated.search(queries, k: 10)
        #expect(together.labels.contains(2000))
        #expect(shared == nearest)
    }

    @Test("of lists on disk")
    func disk() throws {
        let place = try TemporaryFolder()
        let folder = place.path
        var large = try build("IVF16,SQ8", rows)
        try large.moveLists(toFile: "\(folder)/large.ivfdata")
        try IndexFile.vectors(large).write("\(folder)/large.faiss")
        let mapped = try IndexFile.map("\(folder)/large.faiss")
        let expected = try large.search(queries, k: 10)
        #expect(try mapped.vectorIndex?.search(queries, k: 10) == expected)
        #expect(place.contents == ["large.faiss", "large.ivfdata"])
    }

    @Test("of bits")
    func bits() throws {
        let binaryPaths = ["bin_ivf", "bin_hash", "bin_multihash", "bin_idmap2"].map(path)
        #expect(try binaryPaths.allSatisfy { try IndexFile.read($0).vectorIndex == nil })
        for path in binaryPaths {
            guard case .binary(let bits) = try IndexFile.read(path) else { return }
            var parameters = SearchParameters()
            if bits.acceptedParameters.contains(.nprobe) { parameters.nprobe = 4 }
            if bits.acceptedParameters.contains(.nflip) { parameters.nflip = 1 }
            let codes = try BinaryRows(
                Array(repeating: 0b1010_0101, count: bits.codeSize), codeSize: bits.codeSize)
            let similar = try bits.search(codes, k: 10, parameters: parameters)
            print(similar.labels, similar.distances)
        }
    }

    @Test("of collections")
    func collections() throws {
        let place = try TemporaryFolder()
        let folder = place.path
        let settings = CollectionSettings(
            dimension: 32, metric: .cosine, columns: [ColumnDefinition("year", .integer)])
        let collection = try VectorCollection.create("\(folder)/books", settings)
        try collection.add(
            queries, ids: Array(0..<16), fields: (0..<16).map { ["year": .integer(2000 + $0)] })
        try collection.delete([7])
        let recent = try collection.search(queries, k: 3, where: Column("year") >= 2010)
        #expect(recent.labels.prefix(3).allSatisfy { $0 >= 10 })
        #expect(collection.count == 15)
        try collection.close()
        withExtendedLifetime(place) {}
    }
}
