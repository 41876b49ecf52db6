#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Eigenvalues and eigenvectors of symmetric matrices.
///
/// Householder reflections make the matrix tridiagonal, then QL steps with implicit shifts make it
/// diagonal. Source: Golub, Van Loan, "Matrix Computations", chapter 8.
package enum SymmetricEigen {
    /// Eigenvalues in falling order, and their eigenvectors one a row.
    ///
    /// - Parameter matrix: `[size, size]`, symmetric.
    package static func decompose(
        _ matrix: [Double], size n: Int
    ) -> (values: [Double], vectors: [Double]) {
        precondition(matrix.count == n * n, "a matrix of another size")
        guard n > 0 else { return ([], []) }
        var work = matrix
        var (diagonal, side, vectors) = tridiagonalize(&work, n)
        rotate(&diagonal, &side, &vectors, n)
        let order = (0..<n).sorted {
            diagonal[$0] > diagonal[$1] || diagonal[$0] == diagonal[$1] && $0 < $1
        }
        return (order.map { diagonal[$0] }, order.flatMap { vectors[$0 * n..<($0 + 1) * n] })
    }

    /// T of A = Q T Qᵀ as its diagonal and what stands beside it, and the columns of Q as rows.
    private static func tridiagonalize(
        _ a: inout [Double], _ n: Int
    ) -> (diagonal: [Double], side: [Double], columns: [Double]) {
        var side = [Double](repeating: 0, count: n)
        var factors = [Double](repeating: 0, count: n)
        var product = [Double](repeating: 0, count: n)
        for k in 0..<max(0, n - 2) {
            var squared = 0.0
            for i in k + 1..<n { squared += a[i * n + k] * a[i * n + k] }
            let head = a[(k + 1) * n + k]
            let length = squared.squareRoot()
            let target = head < 0 ? length : -length
            side[k] = target
            // v = x − target e₁ stays in column k; H = 1 − f v vᵀ.
            guard squared > head * head else {
                side[k] = head
                continue
            }
            a[(k + 1) * n + k] = head - target
            let factor = 1 / (squared - target * head)
            factors[k] = factor
            for i in k + 1..<n {
                var sum = 0.0
                for j in k + 1..<n { sum += a[i * n + j] * a[j * n + k] }
                product[i] = factor * sum
            }
            var overlap = 0.0
            for i in k + 1..<n { overlap += a[i * n + k] * product[i] }
            let half = factor / 2 * overlap
            for i in k + 1..<n { product[i] -= half * a[i * n + k] }
            for i in k + 1..<n {
                let (v, w) = (a[i * n + k], product[i])
                for j in k + 1..<n { a[i * n + j] -= v * product[j] + w * a[j * n + k] }
            }
        }
        if n > 1 { side[n - 2] = a[(n - 1) * n + n - 2] }
        var columns = [Double](repeating: 0, count: n * n)
        for i in 0..<n { columns[i * n + i] = 1 }
        // Row j becomes column j of H₀ H₁ …, so each row meets the reflections from the last on.
        for row in 0..<n {
            for k in (0..<max(0, n - 2)).reversed() where factors[k] != 0 {
                var sum = 0.0
                for i in k + 1..<n { sum += a[i * n + k] * columns[row * n + i] }
                sum *= factors[k]
                for i in k + 1..<n { columns[row * n + i] -= sum * a[i * n + k] }
            }
        }
        return ((0..<n).map { a[$0 * n + $0] }, side, columns)
    }

    /// Makes a tridiagonal matrix diagonal and turns the vectors along.
    private static func rotate(
        _ d: inout [Double], _ e: inout [Double], _ vectors: inout [Double], _ n: Int
    ) {
        for l in 0..<n {
            // Three steps an eigenvalue are usual; with finite numbers 60 are never needed.
            for _ in 0..<60 {
                var m = l
                while m < n - 1, abs(e[m]) > Double.ulpOfOne * (abs(d[m]) + abs(d[m + 1])) {
                    m += 1
                }
                guard m > l else { break }
                var g = (d[l + 1] - d[l]) / (2 * e[l])
                g = d[m] - d[l] + e[l] / (g + (g < 0 ? -hypot(g, 1) : hypot(g, 1)))
                var (s, c, p) = (1.0, 1.0, 0.0)
                var isSplit = false
                for i in (l..<m).reversed() {
                    let (f, b) = (s * e[i], c * e[i])
                    let r = hypot(f, g)
                    e[i + 1] = r
                    guard r != 0 else {
                        d[i + 1] -= p
                        e[m] = 0
                        isSplit = true
                        break
                    }
                    s = f / r
                    c = g / r
                    g = d[i + 1] - p
                    let t = (d[i] - g) * s + 2 * c * b
                    p = s * t
                    d[i + 1] = g + p
                    g = c * t - b
                    vectors.withUnsafeMutableBufferPointer { vectors in
                        for k in 0..<n {
                            let (x, y) = (vectors[i * n + k], vectors[(i + 1) * n + k])
                            vectors[(i + 1) * n + k] = s * x + c * y
                            vectors[i * n + k] = c * x - s * y
                        }
                    }
                }
                if isSplit { continue }
                d[l] -= p
                e[l] = g
                e[m] = 0
            }
        }
    }
}
