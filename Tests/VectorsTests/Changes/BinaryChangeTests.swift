import FathomTestSupport
import FathomVectors
import Testing

@Suite("Indexes of bits that are changed")
struct BinaryChangeTests {
    /// Files of Faiss of all types that change.
    static let cases = FaissCase.all.filter {
        $0.name.hasPrefix("bin_") && !$0.name.contains("hnsw")
    }

    private func read(_ example: FaissCase) throws -> any BinaryIndex {
        guard case .binary(let index) = try IndexFile.read(example.indexPath) else {
            throw VectorSearchError.unsupported("bits", by: example.name)
        }
        return index
    }

    private func rows(_ index: any BinaryIndex, _ range: Range<Int>) throws -> BinaryRows {
        var generator = SeededGenerator(seed: 12)
        let bytes = (0..<60 * index.codeSize).map { _ in
            UInt8(truncatingIfNeeded: generator.next())
        }
        let size = index.codeSize
        return try BinaryRows(
            Array(bytes[range.lowerBound * size..<range.upperBound * size]), codeSize: size)
    }

    private func bytes(_ index: any BinaryIndex) throws -> [UInt8] {
        try IndexFile.binary(index).bytes()
    }

    private func reread(_ index: any BinaryIndex) throws -> any BinaryIndex {
        guard case .binary(let read) = try IndexFile.read(bytes(index)) else {
            throw VectorSearchError.unsupported("bits", by: "what was written")
        }
        return read
    }

    @Test("are all there")
    func casesAreFound() { #expect(Self.cases.count >= 4) }

    @Test("find what was added, after a file too", arguments: cases)
    func adding(_ example: FaissCase) throws {
        var index = try read(example)
        let first = index.count
        let rows = try rows(index, 0..<40)
        try index.add(rows)
        #expect(index.count == first + 40)
        for index in try [index, reread(index)] {
            let found = try index.search(rows, k: 1)
            #expect(found.labels == (0..<40).map { Int64(first + $0) })
            #expect(found.distances.allSatisfy { $0 == 0 })
        }
        let narrow = try BinaryRows([1], codeSize: 1)
        #expect(throws: TrainingError.self) { try index.add(narrow) }
        #expect(throws: TrainingError.wrongIDCount(found: 1, expected: 40)) {
            try index.add(rows, withIDs: [7])
        }
    }

    @Test("take labels, or say that they number their vectors", arguments: cases)
    func labels(_ example: FaissCase) throws {
        var index = try read(example)
        let ids = (0..<40).map { Int64($0) * 1000 - 7 }
        let rows = try rows(index, 0..<40)
        if index.renumbersOnRemoval && !example.name.contains("fromfloat") {
            #expect(throws: TrainingError.self) { try index.add(rows, withIDs: ids) }
        } else if !example.name.contains("fromfloat") {
            try index.add(rows, withIDs: ids)
            #expect(try reread(index).search(rows, k: 1).labels == ids)
        }
    }

    @Test("lose vectors as if a selector left them out", arguments: cases)
    func removing(_ example: FaissCase) throws {
        var index = try read(example)
        // Labels that the file has not, where there are labels.
        try index.add(
            rows(index, 0..<40),
            withIDs: index.renumbersOnRemoval ? nil : (0..<40).map { 1_000_000 + $0 })
        let before = index
        let queries = try rows(index, 35..<60)
        let near = try index.search(queries, k: 4).labels.filter { $0 >= 0 }
        let gone = IDSelector.ids(near)
        let count = Set(near).count
        #expect(count >= 10)
        #expect(try index.remove(gone) == count)
        #expect(index.count == before.count - count)
        var parameters = SearchParameters()
        parameters.selector = try .not(gone)
        let expected = try before.search(queries, k: 9, parameters: parameters)
        for index in try [index, reread(index)] {
            let found = try index.search(queries, k: 9)
            #expect(found.distances == expected.distances)
            let labels = expected.labels.map { label in
                guard index.renumbersOnRemoval, label >= 0 else { return label }
                return label - Int64(Set(near).count { $0 < label })
            }
            #expect(found.labels == labels)
        }
        #expect(try index.remove(.ids([])) == 0)
        try index.add(rows(index, 0..<3))
        #expect(index.count == before.count - count + 3)
    }

    @Test("hold after a merge what one index of all holds", arguments: cases)
    func merging(_ example: FaissCase) throws {
        var (first, second, whole) = (try read(example), try read(example), try read(example))
        try first.reset()
        try second.reset()
        try whole.reset()
        #expect(first.count == 0)
        try first.add(rows(first, 0..<25))
        try second.add(rows(second, 25..<40))
        try whole.add(rows(whole, 0..<40))
        try first.merge(from: second, shiftingIDs: first.renumbersOnRemoval ? 0 : 25)
        #expect(try bytes(first) == bytes(whole))
        let wrong: Int64 = first.renumbersOnRemoval ? 3 : .max
        #expect(throws: IndexChangeError.self) {
            try first.merge(from: second, shiftingIDs: wrong)
        }
        #expect(try bytes(first) == bytes(whole))
    }

    @Test("store equal vectors once, and find them under all labels that are left")
    func duplicates() throws {
        let path = Fixtures.path("faiss/ivfflat_dedup/index.faiss")
        var index = try #require(try IndexFile.read(path).vectorIndex)
        try index.reset()
        let dimension = index.dimension
        let values = FlatSearchTests.values(30 * dimension, seed: 21)
        let rows = try VectorRows(values, dimension: dimension)
        var parameters = SearchParameters()
        parameters.nprobe = 1000
        try index.add(rows)
        let once = try IndexFile.vectors(index).bytes().count
        try index.add(rows, withIDs: (0..<30).map { $0 + 100 })
        try index.add(VectorRows(rows.row(4), dimension: dimension))
        #expect(index.count == 61)
        // Only two labels more each.
        #expect(try IndexFile.vectors(index).bytes().count == once + 31 * 16)
        var found = try index.search(rows, k: 2, parameters: parameters).labels
        #expect(found[0] == 0 && found[1] == 100)
        #expect(try index.remove(.ids([3, 4, 107])) == 3)
        #expect(index.count == 58)
        let again = try #require(try IndexFile.read(IndexFile.vectors(index).bytes()).vectorIndex)
        found = try again.search(rows, k: 2, parameters: parameters).labels
        #expect(found[3 * 2] == 103 && found[3 * 2 + 1] != 3)
        #expect(Set(found[4 * 2..<5 * 2]) == [60, 104])
        #expect(found[7 * 2] == 7 && found[7 * 2 + 1] != 107)
        var other = again
        try index.merge(from: other, shiftingIDs: 1000)
        #expect(index.count == 116)
        found = try index.search(rows, k: 4, parameters: parameters).labels
        #expect(Set(found[0..<4]) == [0, 100, 1000, 1100])
        #expect(try other.remove(.all) == 58)
        #expect(other.count == 0)
        #expect(try other.search(rows, k: 1, parameters: parameters).labels.allSatisfy { $0 < 0 })
    }
}
