/// Solves A X = B for symmetric positive definite A by Cholesky's method.
package enum PositiveSystem {
    /// Columns of A that are finished together.
    private static let blockSize = 64

    /// A matrix that threads write disjoint rows of.
    private struct Rows: @unchecked Sendable {
        let base: UnsafeMutablePointer<Double>
        let width: Int

        func row(_ row: Int) -> UnsafeMutablePointer<Double> { base + row * width }
    }

    /// Replaces B by X.
    ///
    /// - Parameters:
    ///   - matrix: A, `[size, size]`; its lower half is L of A = L Lᵀ afterwards.
    ///   - right: B, `[size, columns]`.
    package static func solve(
        _ matrix: inout [Double], size: Int, _ right: inout [Double], columns: Int, threads: Int
    ) {
        precondition(matrix.count == size * size && right.count == size * columns)
        matrix.withUnsafeMutableBufferPointer { matrix in
            right.withUnsafeMutableBufferPointer { right in
                guard let a = matrix.baseAddress, let b = right.baseAddress else { return }
                let lower = Rows(base: a, width: size)
                factor(lower, threads: threads)
                substitute(lower, Rows(base: b, width: columns))
            }
        }
    }

    private static func factor(_ a: Rows, threads: Int) {
        let size = a.width
        for first in stride(from: 0, to: size, by: blockSize) {
            let end = min(size, first + blockSize)
            // Rows of the block itself come first: those below need them.
            for row in first..<end { finish(a, row, first..<min(end, row + 1)) }
            let below = size - end
            _ = QueryThreads.map(below, threads: below < 128 ? 1 : threads, pieces: 4) { part in
                for row in part { finish(a, end + row, first..<end) }
            }
        }
    }

    /// L_rc = (A_rc − Σ L_rk L_ck) / L_cc for some columns of a row.
    private static func finish(_ a: Rows, _ row: Int, _ columns: Range<Int>) {
        let own = a.row(row)
        for column in columns {
            let rest = own[column] - product(own, a.row(column), column)
            if column == row {
                // Rounding may take what is barely positive below zero.
                own[column] = max(rest, .leastNormalMagnitude).squareRoot()
            } else {
                own[column] = rest / a.row(column)[column]
            }
        }
    }

    private static func product(
        _ x: UnsafePointer<Double>, _ y: UnsafePointer<Double>, _ count: Int
    ) -> Double {
        var (a, b) = (SIMD8<Double>.zero, SIMD8<Double>.zero)
        let (p, q) = (UnsafeRawPointer(x), UnsafeRawPointer(y))
        func eight(_ values: UnsafeRawPointer, _ place: Int) -> SIMD8<Double> {
            values.loadUnaligned(fromByteOffset: 8 * place, as: SIMD8<Double>.self)
        }
        var place = 0
        while place + 16 <= count {
            a += eight(p, place) * eight(q, place)
            b += eight(p, place + 8) * eight(q, place + 8)
            place += 16
        }
        var sum = (a + b).sum()
        while place < count {
            sum += x[place] * y[place]
            place += 1
        }
        return sum
    }

    /// L Y = B, then Lᵀ X = Y.
    private static func substitute(_ lower: Rows, _ right: Rows) {
        let (size, columns) = (lower.width, right.width)
        for row in 0..<size {
            let (own, target) = (lower.row(row), right.row(row))
            for other in 0..<row where own[other] != 0 {
                let (factor, source) = (own[other], right.row(other))
                for i in 0..<columns { target[i] -= factor * source[i] }
            }
            for i in 0..<columns { target[i] /= own[row] }
        }
        for row in (0..<size).reversed() {
            let (own, source) = (lower.row(row), right.row(row))
            for i in 0..<columns { source[i] /= own[row] }
            for other in 0..<row where own[other] != 0 {
                let (factor, target) = (own[other], right.row(other))
                for i in 0..<columns { target[i] -= factor * source[i] }
            }
        }
    }
}
