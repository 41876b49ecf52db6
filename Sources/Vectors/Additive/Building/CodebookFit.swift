/// Finds codebooks for codes that are known: entries whose sums are nearest to the vectors.
///
/// With a row of B for each vector, which has ones where its entries stand, the entries C solve
/// (BᵀB + λ) C = Bᵀ X. Sums are taken in doubles and the order of the vectors.
struct CodebookFit: Sendable {
    let dimension: Int
    /// Where each codebook's entries begin among all; one more at the end.
    let offsets: [Int]
    /// λ.
    let stiffness: Double

    /// - Parameters:
    ///   - numbers: `[rows, codebooks]`.
    ///   - known: codebooks from which λ draws; nil for zeros.
    func fitted(
        _ numbers: [Int32], _ rows: VectorRows, around known: [Float]? = nil, threads: Int
    ) -> [Float] {
        let (bookCount, size) = (offsets.count - 1, offsets.last ?? 0)
        var pairs = [Double](repeating: 0, count: size * size)
        var sums = [Double](repeating: 0, count: size * dimension)
        pairs.withUnsafeMutableBufferPointer { pairs in
            sums.withUnsafeMutableBufferPointer { sums in
                for row in 0..<rows.count {
                    let own = (0..<bookCount).map {
                        offsets[$0] + Int(numbers[row * bookCount + $0])
                    }
                    var rest = rows.row(row)
                    if let known {
                        for entry in own {
                            for i in 0..<dimension { rest[i] -= known[entry * dimension + i] }
                        }
                    }
                    for entry in own {
                        for other in own { pairs[entry * size + other] += 1 }
                        for i in 0..<dimension {
                            sums[entry * dimension + i] += Double(rest[i])
                        }
                    }
                }
            }
        }
        for entry in 0..<size { pairs[entry * size + entry] += stiffness }
        PositiveSystem.solve(&pairs, size: size, &sums, columns: dimension, threads: threads)
        guard let known else { return sums.map(Float.init) }
        return zip(known, sums).map { Float(Double($0) + $1) }
    }
}
