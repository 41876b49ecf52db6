import FathomKernels

/// Finds the nearest of rows of floats for many queries that meet the same rows.
///
/// L2 distances are compared by ‖r‖² − 2⟨x, r⟩ and inner products by −⟨x, r⟩, a panel of queries at
/// a time; what these sums cannot rule out, allowing for their rounding, is measured again the way
/// a single query measures it. So the outcome is the same to the last bit.
struct PanelSearch {
    private let queries: VectorRows
    private let isSimilarity: Bool
    private let selector: IDSelector?
    /// The nearest so far of each query.
    private(set) var nearest: [TopK]
    /// ‖x‖ of each query.
    private let norms: [Double]
    private var terms: [Float] = []
    private var hits = HitList()

    /// With fewer queries than this, measuring each row for each query is faster.
    static let leastQueries = 3

    /// Whether distances of a metric can be compared by products.
    static func serves(_ metric: Metric) -> Bool { metric == .l2 || metric == .innerProduct }

    init(_ queries: VectorRows, k: Int, _ metric: Metric, selector: IDSelector?) {
        self.queries = queries
        self.selector = selector
        isSimilarity = metric.isSimilarity
        nearest = Array(repeating: TopK(k, metric), count: queries.count)
        var squares = [Float](repeating: 0, count: queries.count)
        fk_row_norms_f32(&squares, queries.values, queries.count, queries.dimension)
        norms = squares.map { Double($0).squareRoot() }
    }

    /// Rows that follow each other, and what they are called.
    struct Rows {
        let values: UnsafePointer<Float>
        let count: Int
        /// Labels of the rows; nil where they count up from `firstLabel`.
        var labels: UnsafePointer<Int64>?
        var firstLabel: Int64 = 0

        func label(_ row: Int) -> Int64 { labels?[row] ?? firstLabel + Int64(row) }
    }

    /// Offers rows to the queries of some panels.
    mutating func scan(_ rows: Rows, _ panels: ArraySlice<QueryPanel>) {
        // As many at once as stay in the second cache while all panels pass.
        let step = max(64, (1 << 20) / (4 * max(1, queries.dimension)))
        for first in stride(from: 0, to: rows.count, by: step) {
            let part = Rows(
                values: rows.values + first * queries.dimension,
                count: min(step, rows.count - first), labels: rows.labels.map { $0 + first },
                firstLabel: rows.firstLabel + Int64(first))
            scanPart(part, panels)
        }
    }

    private mutating func scanPart(_ rows: Rows, _ panels: ArraySlice<QueryPanel>) {
        let dimension = queries.dimension
        if terms.count < rows.count { terms = Array(repeating: 0, count: rows.count) }
        fk_row_norms_f32(&terms, rows.values, rows.count, dimension)
        var largest: Float = 0
        for row in 0..<rows.count where !(terms[row] <= largest) { largest = terms[row] }
        let norm = Double(largest).squareRoot()
        for panel in panels {
            var bounds = panel.numbers.map { bound($0, largestNorm: norm) }
            // Also where a row is not a number, or sums may exceed a Float.
            guard norm < 1e18, !bounds.contains(where: \.isNaN) else {
                for number in panel.numbers { measure(rows, number) }
                continue
            }
            bounds += repeatElement(-.infinity, count: QueryPanel.width - bounds.count)
            hits.begin()
            while hits.next < rows.count {
                hits.fill(
                    panel, bounds, rows.values, isSimilarity ? nil : terms,
                    factor: isSimilarity ? 1 : 2, count: rows.count, dimension)
                for place in 0..<hits.count {
                    let number = panel.numbers[hits.query(place)]
                    offer(rows, hits.row(place), 1, number)
                }
                for (place, number) in panel.numbers.enumerated() {
                    bounds[place] = bound(number, largestNorm: norm)
                }
            }
        }
    }

    /// What the sum of a row must be below for the row to be among the nearest of a query.
    ///
    /// With u = 2⁻²⁴ a sum of n products is off by at most γ ‖x‖‖r‖, γ = n u / (1 − n u) (Higham,
    /// Accuracy and Stability of Numerical Algorithms, 2002, §3.1); so are the norms, and the
    /// distance that is compared with.
    private func bound(_ number: Int, largestNorm: Double) -> Float {
        let reached = nearest[number].bound
        guard abs(reached) < .greatestFiniteMagnitude else { return .infinity }
        let norm = norms[number]
        guard norm < 1e18 else { return .nan }
        let rounding = Double(queries.dimension + 8) * 0x1p-24 * 1.1
        let (exact, error): (Double, Double)
        if isSimilarity {
            exact = -Double(reached)
            error = 2 * rounding * norm * largestNorm
        } else {
            exact = Double(reached) - norm * norm
            error = 2 * rounding * (norm + largestNorm) * (norm + largestNorm)
        }
        return Float(exact + error).nextUp
    }

    /// Measures rows for a query one by one.
    mutating func measure(_ rows: Rows, _ number: Int) {
        for first in stride(from: 0, to: rows.count, by: 256) {
            offer(rows, first, min(256, rows.count - first), number)
        }
    }

    private mutating func offer(_ rows: Rows, _ first: Int, _ count: Int, _ number: Int) {
        let dimension = queries.dimension
        withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { distances in
            guard let base = distances.baseAddress else { return }
            queries.values.withUnsafeBufferPointer { values in
                guard let query = values.baseAddress else { return }
                RowDistances.fill(
                    base, query: query + number * dimension,
                    rows: UnsafeRawPointer(rows.values + first * dimension), count: count,
                    dimension: dimension, metric: isSimilarity ? .innerProduct : .l2)
            }
            for i in 0..<count {
                let label = rows.label(first + i)
                if let selector, !selector.contains(label) { continue }
                nearest[number].offer(distances[i], label)
            }
        }
    }
}

/// Pairs of a row and a query that a kernel lists.
private struct HitList {
    /// Small, so that bounds follow what was found soon.
    private static let capacity = 2 * Int(FK_PANEL_ROOM)

    private var rows = [Int32](repeating: 0, count: capacity)
    private var queries = [Int32](repeating: 0, count: capacity)
    private(set) var count = 0
    /// The first row that was not looked at.
    private(set) var next = 0

    mutating func begin() { next = 0 }

    func row(_ place: Int) -> Int { Int(rows[place]) }
    func query(_ place: Int) -> Int { Int(queries[place]) }

    mutating func fill(
        _ panel: QueryPanel, _ bounds: [Float], _ values: UnsafePointer<Float>, _ terms: [Float]?,
        factor: Float, count rowCount: Int, _ dimension: Int
    ) {
        let next = next
        var found = 0
        var reached = 0
        rows.withUnsafeMutableBufferPointer { rows in
            queries.withUnsafeMutableBufferPointer { queries in
                var hits = fk_row_hits(
                    rows: rows.baseAddress, queries: queries.baseAddress, capacity: rows.count,
                    count: 0, next: next)
                if let terms {
                    fk_rows_below_f32(
                        &hits, panel.values, bounds, panel.numbers.count, values, terms, factor,
                        rowCount, dimension)
                } else {
                    fk_rows_below_f32(
                        &hits, panel.values, bounds, panel.numbers.count, values, nil, factor,
                        rowCount, dimension)
                }
                (found, reached) = (hits.count, hits.next)
            }
        }
        count = found
        self.next = reached
    }
}
