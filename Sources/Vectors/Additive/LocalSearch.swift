import FathomKernels

/// Finds the entries whose sum is nearest to a vector by changing one at a time.
///
/// ‖x − Σ c_m‖² = ‖x‖² + Σ (‖c_m‖² − 2 ⟨x, c_m⟩) + 2 Σ ⟨c_m, c_n⟩ over pairs: the first sum is
/// taken for each vector, the products of entries once for all. From perturbed beginnings each
/// number in turn becomes the best for the others as they are (iterated conditional modes); the
/// best of all rounds counts.
///
/// What is drawn depends on a seed that the caller gives for a vector, not on the vectors beside
/// it, so a vector has the same code in every batch. Faiss draws for a batch in one go, so it finds
/// other codes that are as good.
///
/// Sources: Martinez, Zakhmi, Hoos, Little, "LSQ++: Lower running time and higher recall in
/// multi-codebook quantization", 2018.
struct LocalSearch: Sendable {
    let dimension: Int
    /// M.
    let bookCount: Int
    /// K.
    let entryCount: Int
    private let sweepCount: Int
    private let perturbationCount: Int
    private let codebooks: [Float]
    /// ‖c‖² of each entry.
    private let norms: [Float]
    /// 2 ⟨c, c'⟩: `[M, K, M, K]`.
    private let products: [Float]

    /// The most entries of all codebooks: the table of products takes 256 MB then.
    static let entryLimit = 1 << 13

    /// - Parameter codebooks: `[bookCount, entryCount, dimension]`.
    init(
        codebooks: [Float], dimension: Int, bookCount: Int, entryCount: Int, sweepCount: Int,
        perturbationCount: Int
    ) {
        let total = bookCount * entryCount
        precondition(codebooks.count == total * dimension && total <= Self.entryLimit)
        self.dimension = dimension
        self.bookCount = bookCount
        self.entryCount = entryCount
        self.sweepCount = sweepCount
        self.perturbationCount = perturbationCount
        self.codebooks = codebooks
        var products = [Float](repeating: 0, count: total * total)
        fk_matmul_f32_nt(
            &products, total, codebooks, dimension, codebooks, dimension, Int64(total), 0,
            Int64(total), Int64(dimension), nil, 0)
        norms = (0..<total).map { products[$0 * total + $0] }
        for i in products.indices { products[i] *= 2 }
        self.products = products
    }

    /// Numbers to begin with where none are known.
    func begin(_ random: inout SplitMix64) -> [Int32] {
        (0..<bookCount).map { _ in Int32(random.next() % UInt64(entryCount)) }
    }

    /// Improves the numbers of a vector.
    ///
    /// - Parameter rounds: how often to begin anew from the best, perturbed.
    func improve(
        _ numbers: inout [Int32], of vector: UnsafePointer<Float>, rounds: Int,
        _ random: inout SplitMix64
    ) {
        let total = bookCount * entryCount
        withUnsafeTemporaryAllocation(of: Float.self, capacity: total + entryCount) { memory in
            guard let own = memory.baseAddress else { return }
            let sums = own + total
            fk_row_products_f32(own, vector, codebooks, nil, total, dimension)
            for i in 0..<total { own[i] = norms[i] - 2 * own[i] }
            products.withUnsafeBufferPointer { products in
                guard let products = products.baseAddress else { return }
                var best = cost(numbers, own, products)
                for _ in 0..<rounds {
                    var trial = numbers
                    for _ in 0..<perturbationCount {
                        let book = Int(random.next() % UInt64(bookCount))
                        trial[book] = Int32(random.next() % UInt64(entryCount))
                    }
                    for _ in 0..<sweepCount where !sweep(&trial, own, products, sums) { break }
                    let cost = cost(trial, own, products)
                    if cost < best { (best, numbers) = (cost, trial) }
                }
            }
        }
    }

    /// The squared distance of the sum less ‖x‖².
    private func cost(
        _ numbers: [Int32], _ own: UnsafePointer<Float>, _ products: UnsafePointer<Float>
    ) -> Float {
        let total = bookCount * entryCount
        var cost: Float = 0
        for book in 0..<bookCount {
            let entry = book * entryCount + Int(numbers[book])
            cost += own[entry]
            for other in 0..<book {
                cost += products[entry * total + other * entryCount + Int(numbers[other])]
            }
        }
        return cost
    }

    /// Makes each number the best for the others; false if none changed.
    private func sweep(
        _ numbers: inout [Int32], _ own: UnsafePointer<Float>, _ products: UnsafePointer<Float>,
        _ sums: UnsafeMutablePointer<Float>
    ) -> Bool {
        let total = bookCount * entryCount
        var hasChanged = false
        for book in 0..<bookCount {
            let first = book * entryCount
            for i in 0..<entryCount { sums[i] = own[first + i] }
            for other in 0..<bookCount where other != book {
                let row =
                    products + (other * entryCount + Int(numbers[other])) * total + first
                for i in 0..<entryCount { sums[i] += row[i] }
            }
            let number = Int32(Self.smallest(sums, entryCount))
            if number != numbers[book] {
                numbers[book] = number
                hasChanged = true
            }
        }
        return hasChanged
    }

    /// The place of the smallest value, the first of equal ones.
    private static func smallest(_ values: UnsafePointer<Float>, _ count: Int) -> Int {
        var least = SIMD16<Float>(repeating: .infinity)
        var place = 0
        while place + 16 <= count {
            let some = UnsafeRawPointer(values + place).loadUnaligned(as: SIMD16<Float>.self)
            least.replace(with: some, where: some .< least)
            place += 16
        }
        var smallest = least.min()
        while place < count {
            smallest = min(smallest, values[place])
            place += 1
        }
        return (0..<count).first { values[$0] == smallest } ?? 0
    }
}
