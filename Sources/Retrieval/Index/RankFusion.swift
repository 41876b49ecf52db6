/// Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009): the sum of 1 / (60 + rank) over the
/// rankings that hold an entry, ranks counted from 1.
package enum RankFusion {
    static let constant = 60.0

    /// The entries of several rankings, best first, equal scores in order.
    package static func fuse(_ rankings: [[Int]]) -> [(entry: Int, score: Double)] {
        var scores: [Int: Double] = [:]
        for ranking in rankings {
            for (index, entry) in ranking.enumerated() {
                scores[entry, default: 0] += 1 / (constant + Double(index + 1))
            }
        }
        return scores.map { (entry: $0.key, score: $0.value) }
            .sorted { ($1.score, $0.entry) < ($0.score, $1.entry) }
    }
}
