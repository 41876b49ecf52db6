import FathomVectors
import Testing

/// "Works when" 11: principal components.
@Suite("Principal components")
struct PrincipalComponentTests {
    /// Eigenvectors of a symmetric matrix by Jacobi's rotations, the largest eigenvalue first.
    private func eigenvectors(_ matrix: [[Double]]) -> [[Double]] {
        let size = matrix.count
        var a = matrix
        var vectors = (0..<size).map { row in (0..<size).map { $0 == row ? 1.0 : 0 } }
        for _ in 0..<50 {
            for p in 0..<size {
                for q in p + 1..<size where abs(a[p][q]) > 1e-14 {
                    let theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
                    let t = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
                    let c = 1 / (t * t + 1).squareRoot()
                    let s = t * c
                    for k in 0..<size {
                        (a[k][p], a[k][q]) = (c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q])
                    }
                    for k in 0..<size {
                        (a[p][k], a[q][k]) = (c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k])
                        (vectors[p][k], vectors[q][k]) = (
                            c * vectors[p][k] - s * vectors[q][k],
                            s * vectors[p][k] + c * vectors[q][k]
                        )
                    }
                }
            }
        }
        return (0..<size).sorted { a[$0][$0] > a[$1][$1] }.map { vectors[$0] }
    }

    @Test("Works when 11: principal components are the eigenvectors of the covariance")
    func components() throws {
        let size = 8
        let rows = try BuiltIndex(count: 400, dimension: size).rows
        let values = (0..<rows.count).map { rows.row($0).map { Double($0) } }
        let means = (0..<size).map { k in values.reduce(0) { $0 + $1[k] } / Double(values.count) }
        let covariance = (0..<size).map { i in
            (0..<size).map { j in
                values.reduce(0) { $0 + ($1[i] - means[i]) * ($1[j] - means[j]) }
                    / Double(values.count)
            }
        }
        let axes = eigenvectors(covariance)
        var builder = try IndexBuilder(IndexDescription("PCA3,Flat", dimension: size))
        try builder.train(rows)
        try builder.add(rows)
        let found = try builder.finished().search(rows.gathering(0..<5), k: 400)
        for query in 0..<5 {
            for place in query * 400..<(query + 1) * 400 {
                // Squared distances in the space of the first axes do not depend on their signs.
                let other = values[Int(found.labels[place])]
                let expected = axes.prefix(3).reduce(0) { sum, axis in
                    let part = (0..<size).reduce(0) {
                        $0 + axis[$1] * (values[query][$1] - other[$1])
                    }
                    return sum + part * part
                }
                #expect(
                    abs(Double(found.distances[place]) - expected) <= 1e-4 * max(1, expected))
            }
        }
    }
}
