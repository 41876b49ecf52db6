/// Centres of numbers on a line that leave the least sum of squares: exact, unlike k-means.
///
/// The best last cluster of the first n sorted numbers begins no earlier for a larger n, so the
/// beginnings for all n are found by halving, once for each number of clusters.
package enum LineClusters {
    /// - Parameter count: how many centres; at most as many as numbers.
    /// - Complexity: O(count · n · log n) time, count · n beginnings in memory.
    package static func centers(of numbers: [Float], count: Int) -> [Float] {
        precondition(count > 0 && count <= numbers.count, "more clusters than numbers")
        let sorted = numbers.sorted()
        let middle = Double(sorted[sorted.count / 2])
        // Around the middle, squares lose less.
        var (sums, squares) = ([0.0], [0.0])
        for number in sorted {
            let value = Double(number) - middle
            sums.append(sums[sums.count - 1] + value)
            squares.append(squares[squares.count - 1] + value * value)
        }
        func cost(_ first: Int, _ end: Int) -> Double {
            let sum = sums[end] - sums[first]
            return max(0, squares[end] - squares[first] - sum * sum / Double(end - first))
        }
        // costs[n]: of the first n numbers in as many clusters as there are so far.
        var costs = (0...sorted.count).map { $0 > 0 ? cost(0, $0) : 0 }
        var beginnings: [[Int32]] = []
        for clusters in stride(from: 2, through: count, by: 1) {
            var next = [Double](repeating: .infinity, count: sorted.count + 1)
            var begins = [Int32](repeating: 0, count: sorted.count + 1)
            var ranges = [(clusters, sorted.count, clusters - 1, sorted.count - 1)]
            while let (low, high, first, last) = ranges.popLast() {
                guard low <= high else { continue }
                let end = (low + high) / 2
                var best = first
                for begin in first...max(first, min(last, end - 1)) {
                    let total = costs[begin] + cost(begin, end)
                    if total < next[end] { (next[end], best) = (total, begin) }
                }
                begins[end] = Int32(best)
                ranges.append((low, end - 1, first, best))
                ranges.append((end + 1, high, best, last))
            }
            costs = next
            beginnings.append(begins)
        }
        var centers: [Float] = []
        var end = sorted.count
        for begins in beginnings.reversed() {
            let begin = Int(begins[end])
            centers.append(Float((sums[end] - sums[begin]) / Double(end - begin) + middle))
            end = begin
        }
        centers.append(Float((sums[end] - sums[0]) / Double(end) + middle))
        return centers.reversed()
    }
}
