#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Orthonormal matrices: by QR of random numbers, and nearest to a given matrix.
package enum Orthogonal {
    /// The orthonormal columns Q of A = Q R, by Householder reflections.
    ///
    /// Signs are those of LAPACK: each diagonal element of R has the sign opposite to what it
    /// reflects. Both matrices hold one column of `rowCount` elements after the other.
    package static func columns(
        ofQR matrix: [Float], rowCount: Int, columnCount: Int
    ) -> [Float] {
        precondition(columnCount <= rowCount && matrix.count == rowCount * columnCount)
        var work = matrix.map(Double.init)
        var factors = [Double](repeating: 0, count: columnCount)
        work.withUnsafeMutableBufferPointer { work in
            /// Reflects a column by the vector that column `j` holds below its diagonal.
            func reflect(_ column: UnsafeMutablePointer<Double>, _ j: Int) {
                guard factors[j] != 0, let base = work.baseAddress else { return }
                let vector = base + j * rowCount
                var product = column[j]
                for i in j + 1..<rowCount { product += vector[i] * column[i] }
                product *= factors[j]
                column[j] -= product
                for i in j + 1..<rowCount { column[i] -= product * vector[i] }
            }
            guard let base = work.baseAddress else { return }
            for j in 0..<columnCount {
                let column = base + j * rowCount
                var squared = 0.0
                for i in j + 1..<max(j + 1, rowCount) { squared += column[i] * column[i] }
                guard squared > 0 else { continue }
                let head = column[j]
                let length = (head * head + squared).squareRoot()
                let diagonal = head < 0 ? length : -length
                factors[j] = (diagonal - head) / diagonal
                for i in j + 1..<rowCount { column[i] /= head - diagonal }
                column[j] = diagonal
                for other in j + 1..<max(j + 1, columnCount) {
                    reflect(base + other * rowCount, j)
                }
            }
            var result = [Double](repeating: 0, count: rowCount * columnCount)
            for column in 0..<columnCount {
                result[column * rowCount + column] = 1
                result.withUnsafeMutableBufferPointer { result in
                    guard let start = result.baseAddress else { return }
                    for j in (0...column).reversed() { reflect(start + column * rowCount, j) }
                }
            }
            for i in 0..<result.count { work[i] = result[i] }
        }
        return work.map(Float.init)
    }

    /// Faiss's random rotation, `[outputDimension, inputDimension]`.
    ///
    /// With more outputs than inputs, columns of a larger rotation are left out.
    package static func randomRotation(
        inputDimension: Int, outputDimension: Int, seed: UInt32
    ) -> [Float] {
        let size = max(inputDimension, outputDimension)
        let numbers = FaissRandom.normal(size * outputDimension, seed: seed)
        let full = columns(ofQR: numbers, rowCount: size, columnCount: outputDimension)
        guard size > inputDimension else { return full }
        return (0..<outputDimension).flatMap { row in
            full[row * size..<row * size + inputDimension]
        }
    }

    /// The matrix with orthonormal columns that is nearest to M: U Vᵀ of M = U S Vᵀ.
    ///
    /// V and S² are the eigenvectors and eigenvalues of Mᵀ M. Directions that M takes to (nearly)
    /// nothing get any orthonormal image. Matrices are `[rowCount, columnCount]` by rows.
    package static func nearest(to matrix: [Double], rowCount: Int, columnCount: Int) -> [Double] {
        precondition(columnCount <= rowCount && matrix.count == rowCount * columnCount)
        var gram = [Double](repeating: 0, count: columnCount * columnCount)
        for row in 0..<rowCount {
            let start = row * columnCount
            for i in 0..<columnCount {
                let value = matrix[start + i]
                for j in 0..<columnCount { gram[i * columnCount + j] += value * matrix[start + j] }
            }
        }
        let (eigenvalues, right) = SymmetricEigen.decompose(gram, size: columnCount)
        let largest = max(0, eigenvalues.first ?? 0).squareRoot()
        var left: [[Double]] = []
        var spare = 0
        for number in 0..<columnCount {
            var image = (0..<rowCount).map { row in
                (0..<columnCount).reduce(0.0) {
                    $0 + matrix[row * columnCount + $1] * right[number * columnCount + $1]
                }
            }
            while !orthonormalize(&image, against: left, smallest: largest * 1e-12) {
                // One of the unit vectors must stick out of what is there.
                image = (0..<rowCount).map { $0 == spare ? 1 : 0 }
                spare += 1
            }
            left.append(image)
        }
        var result = [Double](repeating: 0, count: rowCount * columnCount)
        for (number, image) in left.enumerated() {
            for row in 0..<rowCount {
                for column in 0..<columnCount {
                    result[row * columnCount + column] +=
                        image[row] * right[number * columnCount + column]
                }
            }
        }
        return result
    }

    /// Takes away what other vectors span, twice for accuracy; false if nothing is left.
    private static func orthonormalize(
        _ vector: inout [Double], against others: [[Double]], smallest: Double
    ) -> Bool {
        var before = norm(vector)
        guard before > smallest else { return false }
        for _ in 0..<2 {
            for other in others {
                var product = 0.0
                for i in vector.indices { product += vector[i] * other[i] }
                for i in vector.indices { vector[i] -= product * other[i] }
            }
            let after = norm(vector)
            guard after > 1e-6 * before else { return false }
            for i in vector.indices { vector[i] /= after }
            before = 1
        }
        return true
    }

    private static func norm(_ vector: [Double]) -> Double {
        vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
}
