import FathomTestSupport
import FathomVectors
import Testing

@Suite("Selectors")
struct SelectorTests {
    @Test("let through what they say")
    func membership() throws {
        let range = IDSelector.range(3, 6)
        #expect((0..<8).filter { range.contains($0) } == [3, 4, 5])
        let bits = IDSelector.bitmap([0b101, 0b1])
        #expect((-1..<20).filter { bits.contains($0) } == [0, 2, 8])
        let ids = IDSelector.ids([-7, 4])
        #expect((-8..<8).filter { ids.contains($0) } == [-7, 4])
        #expect(try (0..<8).filter { try IDSelector.and(range, ids).contains($0) } == [4])
        #expect(
            try (0..<8).filter { try IDSelector.or(range, bits).contains($0) } == [0, 2, 3, 4, 5])
        #expect(try (0..<8).filter { try IDSelector.xor(range, ids).contains($0) } == [3, 5])
        #expect(try (0..<8).filter { try IDSelector.not(range).contains($0) } == [0, 1, 2, 6, 7])
    }

    @Test("may be nested, but not without end")
    func nesting() throws {
        var selector = IDSelector.all
        for _ in 0..<IDSelector.depthLimit { selector = try .not(selector) }
        #expect(selector.contains(5))
        #expect(throws: VectorSearchError.self) { try IDSelector.not(selector) }
    }

    @Test("give the search of the vectors they let through")
    func searching() throws {
        let values = FlatSearchTests.values(300 * 4, seed: 21)
        let index = FlatIndex(try VectorRows(values, dimension: 4), metric: .l2)
        let query = try VectorRows([0.5, 0.5, 0.5, 0.5], dimension: 4)
        var parameters = SearchParameters()
        let selector = try IDSelector.not(.range(20, 290))
        parameters.selector = selector
        let chosen = try index.search(query, k: 12, parameters: parameters)
        let all = try index.search(query, k: 300)
        #expect(chosen.labels == Array(all.labels.filter { selector.contains($0) }.prefix(12)))
    }
}
