/// Layers of neighbour lists, the upper ones with fewer and fewer vectors.
///
/// Source: Malkov, Yashunin, "Efficient and robust approximate nearest neighbor search using
/// Hierarchical Navigable Small World graphs", 2016; storage and search order as in Faiss.
struct HNSWGraph: Sendable {
    let levelProbabilities: [Double]
    /// Where the lists of a level begin among a vector's lists: 0, 2M, 3M, 4M …
    let levelStarts: [Int32]
    /// For each vector how many levels it is on, at least 1.
    let levels: [Int32]
    /// Where each vector's lists begin; one more at the end.
    let offsets: [UInt64]
    /// Lists of neighbours, −1 from the first free place on.
    let neighbors: [Int32]
    let entryPoint: Int32
    let maximumLevel: Int32
    let efConstruction: Int32
    let efSearch: Int
    private let reserved: Int32
    /// Places of the longest list that a vector has.
    let widestList: Int

    /// A graph that was built.
    init(_ builder: GraphBuilder) {
        levelProbabilities = builder.levelProbabilities
        levelStarts = builder.levelStarts
        levels = builder.levels
        offsets = builder.offsets
        neighbors = builder.neighbors
        entryPoint = builder.entryPoint
        maximumLevel = builder.maximumLevel
        efConstruction = Int32(builder.constructionDepth)
        efSearch = builder.searchDepth
        reserved = 1
        let used = levelStarts.prefix(max(0, Int(levels.max() ?? 0)) + 1)
        widestList = zip(used, used.dropFirst()).reduce(0) { widest, pair in
            max(widest, Int(pair.1) - Int(pair.0))
        }
    }

    init(reading reader: inout IndexReader, count: Int) throws {
        levelProbabilities = try reader.vector("assign_probas", of: Double.self)
        levelStarts = try reader.vector("cum_nneighbor_per_level", of: Int32.self)
        levels = try reader.vector("levels", of: Int32.self, count: count)
        offsets = try reader.vector(
            "offsets", of: UInt64.self, count: count == Int.max ? count : count + 1)
        neighbors = try reader.vector("neighbors", of: Int32.self)
        entryPoint = try reader.i32("entry_point")
        maximumLevel = try reader.i32("max_level")
        efConstruction = try reader.i32("efConstruction")
        efSearch = try reader.int32("efSearch", in: 1...Int(Int32.max))
        reserved = try reader.i32("upper_beam")
        try reader.require(
            count <= Int(Int32.max), "levels", found: count, expected: "at most \(Int32.max)")
        // The table may name wide lists on levels that no vector is on.
        let used = levelStarts.prefix(max(0, Int(levels.max() ?? 0)) + 1)
        widestList = zip(used, used.dropFirst()).reduce(0) { widest, pair in
            max(widest, Int(pair.1) - Int(pair.0))
        }
        try checkPlaces(reader)
        try checkLinks(reader)
    }

    /// Throws unless every vector's lists are where its levels say.
    private func checkPlaces(_ reader: IndexReader) throws(IndexFileError) {
        var last: Int32 = 0
        for start in levelStarts {
            try reader.require(
                start >= last, "cum_nneighbor_per_level", found: start,
                expected: "at least \(last), the one before")
            last = start
        }
        try reader.require(
            levelStarts.first ?? 0 == 0, "cum_nneighbor_per_level", found: levelStarts.first ?? 0,
            expected: "0 first")
        try reader.require(
            offsets.first == 0 && offsets.last == UInt64(neighbors.count), "offsets",
            found: "\(offsets.first ?? 0) to \(offsets.last ?? 0)",
            expected: "0 to \(neighbors.count)")
        for (node, level) in levels.enumerated() {
            try reader.require(
                level >= 1 && Int(level) < levelStarts.count, "levels", found: level,
                expected: "from 1 to \(levelStarts.count - 1)")
            let size = offsets[node + 1].subtractingReportingOverflow(offsets[node])
            try reader.require(
                !size.overflow && size.partialValue == UInt64(levelStarts[Int(level)]), "offsets",
                found: "\(offsets[node]) to \(offsets[node + 1])",
                expected: "\(levelStarts[Int(level)]) places")
        }
    }

    /// Throws unless every link leads to a vector on its level, and the search has a beginning.
    private func checkLinks(_ reader: IndexReader) throws(IndexFileError) {
        for node in levels.indices {
            for level in 0..<levels[node] {
                for place in places(Int32(node), level: Int(level)) {
                    let neighbor = neighbors[place]
                    guard neighbor != -1 else { break }
                    try reader.require(
                        neighbor >= 0 && neighbor < levels.count
                            && levels[Int(neighbor)] > level, "neighbors", found: neighbor,
                        expected: "a vector on level \(level)")
                }
            }
        }
        if levels.isEmpty {
            try reader.require(
                entryPoint == -1, "entry_point", found: entryPoint,
                expected: "-1 in an empty graph")
        } else {
            try reader.require(
                entryPoint >= 0 && entryPoint < levels.count && maximumLevel >= 0
                    && maximumLevel < levels[Int(entryPoint)], "entry_point",
                found: "\(entryPoint) on level \(maximumLevel)",
                expected: "a vector on the highest level")
        }
    }

    func write(to writer: inout IndexWriter) throws {
        try writer.vector(levelProbabilities)
        try writer.vector(levelStarts)
        try writer.vector(levels)
        try writer.vector(offsets)
        try writer.vector(neighbors)
        try writer.value(entryPoint)
        try writer.value(maximumLevel)
        try writer.value(efConstruction)
        try writer.i32(efSearch)
        try writer.value(reserved)
    }

    var count: Int { levels.count }

    /// Where a vector's list of a level is.
    func places(_ node: Int32, level: Int) -> Range<Int> {
        let begin = Int(offsets[Int(node)])
        return begin + Int(levelStarts[level])..<begin + Int(levelStarts[level + 1])
    }
}
