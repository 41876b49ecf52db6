/// The lists that some queries look at, nearest first.
struct Probes {
    /// Lists of a query, as many places for each.
    let width: Int
    /// `[queries, width]`; −1 where there are fewer.
    private let lists: [Int]
    private let distances: [Float]
    private let listCount: Int

    init(_ found: Neighbors, listCount: Int) {
        width = found.k
        self.listCount = listCount
        distances = found.distances
        lists = found.labels.map { $0 >= 0 && $0 < listCount ? Int($0) : -1 }
    }

    /// A list and the distance of its centroid.
    typealias Probe = (list: Int, distance: Float)

    /// The lists of a query.
    subscript(query: Int) -> [Probe] {
        (query * width..<(query + 1) * width).compactMap {
            lists[$0] >= 0 ? (lists[$0], distances[$0]) : nil
        }
    }

    func list(_ query: Int, rank: Int) -> Int? {
        guard rank < width, lists[query * width + rank] >= 0 else { return nil }
        return lists[query * width + rank]
    }

    /// Each list that is looked at, with its queries in order.
    func visitors(fromRank first: Int) -> [(list: Int, queries: ArraySlice<Int>)] {
        guard first < width else { return [] }
        let queryCount = lists.count / width
        var starts = [Int](repeating: 0, count: listCount + 1)
        for query in 0..<queryCount {
            for list in lists[query * width + first..<(query + 1) * width] where list >= 0 {
                starts[list + 1] += 1
            }
        }
        for list in 0..<listCount { starts[list + 1] += starts[list] }
        var places = starts
        var queries = [Int](repeating: 0, count: starts[listCount])
        for query in 0..<queryCount {
            for list in lists[query * width + first..<(query + 1) * width] where list >= 0 {
                queries[places[list]] = query
                places[list] += 1
            }
        }
        return (0..<listCount).compactMap { list in
            starts[list] < starts[list + 1]
                ? (list, queries[starts[list]..<starts[list + 1]]) : nil
        }
    }
}

extension InvertedFile {
    /// The lists nearest to each query.
    func probes(_ queries: VectorRows, _ parameters: SearchParameters) throws -> Probes {
        let found = try quantizer.search(
            queries, k: min(parameters.nprobe ?? nprobe, listCount),
            parameters: parameters.quantizer ?? SearchParameters())
        return Probes(found, listCount: listCount)
    }
}
