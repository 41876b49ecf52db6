import FathomVectors
import Testing

@Suite("Indexes that are changed")
struct ChangeTests {
    let built: BuiltIndex
    let queries: VectorRows

    init() throws {
        built = try BuiltIndex(count: 500)
        queries = try BuiltIndex(count: 9, seed: 72).rows
    }

    private func bytes(_ index: any VectorIndex) throws -> [UInt8] {
        try IndexFile.vectors(index).bytes()
    }

    @Test("grow after reading as they do while they are built", arguments: BuiltIndex.all)
    func adding(_ factory: String) throws {
        var builder = try IndexBuilder(IndexDescription(factory, dimension: 8))
        try builder.train(built.rows)
        try builder.add(built.part(0..<300))
        var index = try builder.finished()
        if factory.hasPrefix("HNSW") {
            // Levels are drawn anew after reading, as in Faiss; the first part is the same.
            var whole = try built.trained(factory)
            try whole.add(built.part(0..<300))
            #expect(try bytes(whole) == bytes(index))
            try index.add(built.part(300..<500))
            #expect(index.count == 500)
        } else {
            try builder.add(built.part(300..<500))
            try index.add(built.part(300..<500))
            #expect(try bytes(index) == bytes(builder.finished()))
        }
    }

    @Test(
        "Works when 14: that number their vectors close the gaps of removed ones",
        arguments: BuiltIndex.numbered)
    func removingNumbered(_ factory: String) throws {
        var index = try built.filled(factory, 0..<300)
        let gone = try IDSelector.or(.range(20, 70), .ids([3, 299, 150, 3]))
        #expect(try index.remove(gone) == 53)
        let kept = (0..<300).filter { !gone.contains(Int64($0)) }
        var expected = try built.trained(factory)
        try expected.add(VectorRows(kept.flatMap { built.rows.row($0) }, dimension: 8))
        #expect(try bytes(index) == bytes(expected))
        // Adding goes on behind what is left.
        try index.add(built.part(300..<333))
        try expected.add(built.part(300..<333))
        #expect(try bytes(index) == bytes(expected))
        #expect(try index.remove(.ids([])) == 0)
        #expect(try index.remove(.all) == 280)
        #expect(index.count == 0)
        #expect(try index.search(queries, k: 2).labels.allSatisfy { $0 == -1 })
    }

    @Test(
        "Works when 14: of inverted lists keep labels when others go", arguments: BuiltIndex.listed)
    func removingListed(_ factory: String) throws {
        var index = try built.trained(factory)
        let ids = (0..<300).map { Int64($0 * 10 + 7) }
        try index.add(built.part(0..<300), withIDs: ids)
        let before = try index.reconstruct(ids)
        #expect(try index.remove(.range(100, 1100)) == 100)
        #expect(index.count == 200)
        let kept = ids.filter { $0 < 100 || $0 >= 1100 }
        let rows = try index.reconstruct(kept)
        for (row, id) in kept.enumerated() {
            #expect(rows.row(row) == before.row(Int(id / 10)))
        }
        #expect(throws: VectorSearchError.noSuchID(107)) { try index.reconstruct(107) }
        // What is left is found as if the others had never been there.
        var expected = try built.trained(factory)
        try expected.add(
            VectorRows(kept.flatMap { built.rows.row(Int($0 / 10)) }, dimension: 8), withIDs: kept)
        #expect(
            try index.search(queries, k: 12, parameters: BuiltIndex.thorough(index))
                == expected.search(queries, k: 12, parameters: BuiltIndex.thorough(index)))
        try index.add(built.part(300..<310), withIDs: (0..<10).map { Int64(-5 - $0) })
        #expect(index.count == 210)
        #expect(try index.reconstruct(-7).count == 8)
    }

    @Test("Works when 14: put the last of a list into the gap, as Faiss does")
    func removalOrder() throws {
        var index = try built.trained("IVF1,Flat")
        try index.add(built.part(0..<8))
        #expect(try index.remove(.ids([1, 2, 6, 7])) == 4)
        let end = try bytes(index).suffix(32)
        let ids = Array(end).withUnsafeBytes { Array($0.bindMemory(to: Int64.self)) }
        #expect(ids == [0, 5, 4, 3])
    }

    @Test(
        "Works when 14: under an ID map keep the labels they were given",
        arguments: ["IDMap,", "IDMap2,"])
    func idMaps(_ prefix: String) throws {
        for inner in ["Flat", "SQ8", "PQ4x4fs"] {
            var index = try built.trained(prefix + inner)
            let ids = (0..<100).map { Int64(1_000_000 - 3 * $0) }
            try index.add(built.part(0..<100), withIDs: ids)
            #expect(try index.remove(.ids([ids[0], ids[50], 17])) == 2)
            #expect(index.count == 98)
            var plain = try built.trained(inner)
            try plain.add(built.part(0..<100))
            #expect(try index.reconstruct(ids[99]) == plain.reconstruct(99))
            #expect(throws: VectorSearchError.noSuchID(ids[50])) {
                try index.reconstruct(ids[50])
            }
            try index.add(built.part(0..<1), withIDs: [5])
            let found = try index.search(built.part(0..<1), k: 1, parameters: SearchParameters())
            #expect(inner != "Flat" || found.labels == [5])
        }
        var lists = try built.trained(prefix + "IVF4,Flat")
        try lists.add(built.part(0..<50), withIDs: (0..<50).map { Int64($0) + 100 })
        #expect(try lists.remove(.ids([101, 117, 149])) == 3)
        #expect(lists.count == 47)
        try lists.add(built.part(50..<52), withIDs: [7, 8])
        // Labels stay with their vectors, where Faiss takes those of others.
        var parameters = SearchParameters()
        parameters.nprobe = 4
        let read = try #require(try IndexFile.read(bytes(lists)).vectorIndex)
        for row in 0..<52 where ![1, 17, 49].contains(row) {
            let id = row < 50 ? Int64(row) + 100 : Int64(row) - 43
            let found = try read.search(
                built.part(row..<row + 1), k: 1, parameters: parameters)
            #expect(found.labels == [id])
            #expect(try read.reconstruct(id) == built.rows.row(row))
        }
    }

    @Test("Works when 14: of graphs refuse to lose vectors and say what to do")
    func graphs() throws {
        var index = try built.filled("HNSW8", 0..<100)
        let error = #expect(throws: IndexChangeError.self) { try index.remove(.ids([4])) }
        #expect("\(try #require(error))".contains("selector"))
        #expect(index.count == 100)
        let merging = #expect(throws: IndexChangeError.self) { try index.merge(from: index) }
        #expect("\(try #require(merging))".contains("ShardedIndex"))
        try index.reset()
        try index.add(built.part(0..<100))
        #expect(try bytes(index) == bytes(built.filled("HNSW8", 0..<100)))
    }

    @Test("that are merged hold what one index of all holds", arguments: BuiltIndex.all)
    func merging(_ factory: String) throws {
        guard !factory.hasPrefix("HNSW") else { return }
        var first = try built.filled(factory, 0..<180)
        let second = try built.filled(factory, 180..<400)
        let isNumbered = BuiltIndex.numbered.contains(factory)
        try first.merge(from: second, shiftingIDs: isNumbered ? 0 : 180)
        #expect(try bytes(first) == bytes(built.filled(factory, 0..<400)))
        if isNumbered {
            #expect(throws: IndexChangeError.self) {
                try first.merge(from: second, shiftingIDs: 5)
            }
        } else {
            #expect(throws: IndexChangeError.self) {
                try first.merge(from: second, shiftingIDs: .max)
            }
        }
        #expect(first.count == 400)
    }

    @Test("are not merged if they were trained otherwise")
    func incompatible() throws {
        let other = try BuiltIndex(count: 300, seed: 99)
        for factory in ["SQ8", "PQ4x4", "IVF6,Flat", "PCA4,Flat"] {
            var index = try built.filled(factory, 0..<10)
            #expect(throws: IndexChangeError.self) {
                try index.merge(from: other.filled(factory, 0..<10))
            }
            #expect(throws: IndexChangeError.self) {
                try index.merge(from: built.filled("Flat", 0..<10, .innerProduct))
            }
            #expect(index.count == 10)
        }
    }

    @Test("are filled again after a reset", arguments: BuiltIndex.all)
    func resetting(_ factory: String) throws {
        var index = try built.filled(factory, 0..<120)
        try index.reset()
        #expect(index.count == 0)
        try index.add(built.part(100..<250))
        #expect(try bytes(index) == bytes(built.filled(factory, 100..<250)))
    }

    @Test(
        "with a direct map give labels other vectors",
        arguments: ["IVF6,Flat", "IVF6,SQ8", "IVF6,PQ4x4fs", "PCA4,IVF6,Flat"],
        [DirectMapKind.array, .hashTable])
    func updating(_ factory: String, _ kind: DirectMapKind) throws {
        var index = try built.filled(factory, 0..<200)
        #expect(throws: IndexChangeError.self) {
            try index.update([3], with: built.part(300..<301))
        }
        try index.setDirectMap(kind)
        try index.update([3, 199, 64], with: built.part(300..<303))
        #expect(index.count == 200)
        let fresh = try built.filled(factory, 300..<303)
        #expect(
            try index.reconstruct([3, 199, 64]).values == fresh.reconstruct([0, 1, 2]).values)
        #expect(throws: VectorSearchError.noSuchID(200)) {
            try index.update([0, 200], with: built.part(0..<2))
        }
        #expect(throws: IndexChangeError.repeatedID(1)) {
            try index.update([1, 1], with: built.part(0..<2))
        }
        if kind == .hashTable {
            #expect(try index.remove(.range(10, 15)) == 5)
            #expect(throws: VectorSearchError.noSuchID(12)) { try index.reconstruct(12) }
            try index.add(built.part(400..<402), withIDs: [900, 901])
            #expect(try index.reconstruct([900]).count == 1)
        } else {
            #expect(throws: IndexChangeError.self) { try index.remove(.range(10, 15)) }
            #expect(throws: IndexChangeError.self) {
                try index.add(built.part(400..<402), withIDs: [900, 901])
            }
            try index.add(built.part(400..<402))
            #expect(try index.reconstruct([201]).count == 1)
        }
        // The map that was kept is the one that is made anew, and survives a file.
        let written = try #require(try IndexFile.read(bytes(index)).vectorIndex)
        var again = written
        try again.setDirectMap(.none)
        let labels = try index.search(queries, k: 20, parameters: BuiltIndex.thorough(index)).labels
        #expect(try again.reconstruct(labels) == written.reconstruct(labels))
    }

    @Test("refuse what does not fit and stay as they were")
    func refusals() throws {
        var index = try built.filled("SQ8", 0..<10)
        let before = try bytes(index)
        #expect(throws: TrainingError.self) {
            try index.add(VectorRows([1, 2, 3], dimension: 3))
        }
        #expect(throws: TrainingError.notFinite(row: 1)) {
            try index.add(
                VectorRows([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, .nan, 0, 0, 0, 0], dimension: 8))
        }
        #expect(throws: TrainingError.self) {
            try index.add(built.part(0..<2), withIDs: [1, 2])
        }
        #expect(throws: IndexChangeError.self) { try index.update([1], with: built.part(0..<1)) }
        #expect(throws: IndexChangeError.self) { try index.setDirectMap(.array) }
        #expect(try bytes(index) == before)
        var lists = try built.filled("IVF6,Flat", 0..<10)
        #expect(throws: TrainingError.wrongIDCount(found: 1, expected: 2)) {
            try lists.add(built.part(0..<2), withIDs: [1])
        }
        // Labels twice are not looked for, as in Faiss; both are found.
        try lists.add(built.part(0..<1), withIDs: [0])
        var thorough = SearchParameters()
        thorough.nprobe = 6
        let twice = try lists.search(built.part(0..<1), k: 2, parameters: thorough)
        #expect(twice.labels == [0, 0])
        #expect(throws: IndexChangeError.self) { try lists.setDirectMap(.array) }
    }

    @Test("encode and decode as they store", arguments: BuiltIndex.all)
    func codec(_ factory: String) throws {
        let index = try built.filled(factory, 0..<40)
        let size = try #require(index.codeByteCount)
        let codes = try index.encode(built.part(0..<40))
        #expect(codes.count == 40 * size)
        let decoded = try index.decode(codes)
        #expect(decoded.count == 40)
        if !factory.hasPrefix("IDMap") {
            #expect(try index.reconstructAll() == decoded)
        }
        if size > 1 {
            #expect(throws: IndexChangeError.self) { try index.decode(Array(codes.dropLast())) }
        }
        let none = try index.decode([])
        #expect(none.count == 0)
        let (found, vectors) = try index.searchAndReconstruct(
            queries, k: 50, parameters: BuiltIndex.thorough(index))
        #expect(try found == index.search(queries, k: 50, parameters: BuiltIndex.thorough(index)))
        for (place, label) in found.labels.enumerated() {
            if label < 0 {
                #expect(vectors.row(place).allSatisfy { $0.isNaN })
            } else {
                #expect(try vectors.row(place) == index.reconstruct(label))
            }
        }
    }
}
