import FathomKernels

/// The nearest sums of entries of the first codebooks for one vector, and what they leave of it.
struct ResidualBeam: Sendable {
    private let dimension: Int
    private(set) var count = 1
    /// What each sum leaves, nearest first: `[count, dimension]`.
    private(set) var rests: [Float]
    /// Numbers of the entries: `[count, codebooks so far]`.
    private var numbers: [Int32] = []
    private var bookCount = 0

    init(_ vector: some Collection<Float>) {
        rests = Array(vector)
        dimension = rests.count
    }

    /// The entries of the nearest sum.
    var nearest: [Int] { numbers.prefix(bookCount).map { Int($0) } }

    /// What the nearest sum leaves.
    var nearestRest: ArraySlice<Float> { rests.prefix(dimension) }

    /// Extends every sum by every entry of a further codebook and keeps the nearest.
    ///
    /// - Parameters:
    ///   - codebook: `[size, dimension]`.
    ///   - limit: how many are kept.
    mutating func extend(by codebook: UnsafePointer<Float>, size: Int, limit: Int) {
        var nearest = TopK(min(limit, count * size), isSimilarity: false)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: size) { distances in
            guard let keys = distances.baseAddress else { return }
            for place in 0..<count {
                rests.withUnsafeBufferPointer { rests in
                    guard let base = rests.baseAddress else { return }
                    fk_row_distances_f32(
                        keys, base + place * dimension, codebook, nil, size, dimension)
                }
                for number in 0..<size where keys[number] <= nearest.bound {
                    nearest.offer(keys[number], Int64(place * size + number))
                }
            }
        }
        var found = nearest.sorted().map { Int($0.label) }
        // Nothing is near to what is not a number; it gets an entry nevertheless.
        if found.isEmpty { found = [0] }
        var (nextRests, nextNumbers): ([Float], [Int32]) = ([], [])
        nextRests.reserveCapacity(found.count * dimension)
        nextNumbers.reserveCapacity(found.count * (bookCount + 1))
        for label in found {
            let (place, number) = (label / size, label % size)
            let entry = codebook + number * dimension
            for i in 0..<dimension { nextRests.append(rests[place * dimension + i] - entry[i]) }
            nextNumbers += numbers[place * bookCount..<(place + 1) * bookCount]
            nextNumbers.append(Int32(number))
        }
        (rests, numbers) = (nextRests, nextNumbers)
        count = found.count
        bookCount += 1
    }
}
