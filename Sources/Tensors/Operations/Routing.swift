import FathomKernels

/// The rows of `x` named by `ids`, `[ids.count, C]`: the tokens of experts.
///
/// - Precondition: F32 and every id a row.
public func rows(_ ids: [Int32], of x: Tensor) -> Tensor {
    let width = x.shape.last
    for id in ids {
        precondition(id >= 0 && Int(id) < x.shape.rowCount, "row \(id) of \(x.shape)")
    }
    let y = Tensor(uninitialized: [ids.count, width])
    let (result, source) = (y.floats, x.floats)
    parallel(ids.count, grain: max(1, elementGrain / max(1, width))) { range in
        for index in range {
            (result + index * width).update(from: source + Int(ids[index]) * width, count: width)
        }
    }
    guard x.isRecorded else { return y }
    let shape = x.shape
    return y.recorded(from: [x]) { [addRows($0, to: ids, of: shape)] }
}

/// A tensor of zeros to whose rows `ids` the rows of `x` are added, in order.
func addRows(_ x: Tensor, to ids: [Int32], of shape: Shape) -> Tensor {
    let width = shape.last
    let table = Tensor.zeros(shape)
    let (sums, source) = (table.floats, x.floats)
    ids.withUnsafeBufferPointer { ids in
        let count = ids.count
        let ids = SharedPointer(ids.baseAddress)
        parallel(width, grain: 64) { columns in
            fk_scatter_add_rows_f32(
                sums, width, source, width, ids.pointer, count, columns.lowerBound,
                columns.upperBound)
        }
    }
    return table
}

/// Chosen elements of every row: `x` `[T, E]` and `indices` `[T, K]`, row-major, give `[T, K]`.
///
/// - Precondition: F32 and every index a column.
public func elements(_ indices: [Int32], perRow count: Int, of x: Tensor) -> Tensor {
    let (rows, width) = (x.shape.rowCount, x.shape.last)
    precondition(indices.count == rows * count, "\(indices.count) indices for \(rows) rows")
    let y = Tensor(uninitialized: [rows, count])
    let (result, source) = (y.floats, x.floats)
    for (place, index) in indices.enumerated() {
        precondition(index >= 0 && Int(index) < width, "column \(index) of \(x.shape)")
        result[place] = source[place / count * width + Int(index)]
    }
    guard x.isRecorded else { return y }
    let shape = x.shape
    return y.recorded(from: [x]) { gradient in
        let dx = Tensor.zeros(shape)
        let (sums, slopes) = (dx.floats, gradient.floats)
        for (place, index) in indices.enumerated() {
            sums[place / count * width + Int(index)] += slopes[place]
        }
        return [dx]
    }
}

/// Rows divided by their sums plus `epsilon`.
///
/// - Precondition: F32 `[T, K]`.
public func normalizedRows(_ x: Tensor, epsilon: Float) -> Tensor {
    let (rows, width) = (x.shape.rowCount, x.shape.last)
    let y = Tensor(uninitialized: x.shape)
    let sums = Tensor(uninitialized: [rows])
    let (result, source, totals) = (y.floats, x.floats, sums.floats)
    for row in 0..<rows {
        var sum: Float = 0
        for column in 0..<width { sum += source[row * width + column] }
        totals[row] = sum + epsilon
        for column in 0..<width {
            result[row * width + column] = source[row * width + column] / totals[row]
        }
    }
    guard x.isRecorded else { return y }
    let output = y
    return y.recorded(from: [x]) { gradient in
        let dx = Tensor(uninitialized: output.shape)
        let (slopes, dys, ys, totals) = (dx.floats, gradient.floats, output.floats, sums.floats)
        for row in 0..<rows {
            var dot: Float = 0
            for column in 0..<width { dot += dys[row * width + column] * ys[row * width + column] }
            for column in 0..<width {
                slopes[row * width + column] = (dys[row * width + column] - dot) / totals[row]
            }
        }
        return [dx]
    }
}

/// Weighted sums of rows: row t of the result is the sum over k, rising, of
/// `weights[t, k] · y[places[t · K + k]]`; `y` `[S, C]`, weights `[T, K]`, result `[T, C]`.
///
/// - Precondition: F32; every place a row of `y`, none twice.
public func weightedRows(_ y: Tensor, weights: Tensor, places: [Int32]) -> Tensor {
    let (count, perRow, width) = (weights.shape.rowCount, weights.shape.last, y.shape.last)
    precondition(places.count == count * perRow, "\(places.count) places for \(weights.shape)")
    for place in places {
        precondition(place >= 0 && Int(place) < y.shape.rowCount, "row \(place) of \(y.shape)")
    }
    let sums = Tensor(uninitialized: [count, width])
    let (result, source, factors) = (sums.floats, y.floats, weights.floats)
    parallel(count, grain: max(1, elementGrain / max(1, width * perRow))) { range in
        for row in range {
            let total = result + row * width
            total.update(repeating: 0, count: width)
            for index in row * perRow..<(row + 1) * perRow {
                fk_axpy_f32(total, factors[index], source + Int(places[index]) * width, width)
            }
        }
    }
    guard y.isRecorded || weights.isRecorded else { return sums }
    let (inputs, scales) = (y.detached(), weights.detached())
    return sums.recorded(from: [y, weights]) { gradient in
        let dy = Tensor.zeros(inputs.shape)
        let dw = Tensor(uninitialized: scales.shape)
        let (dys, dws, slopes) = (dy.floats, dw.floats, gradient.floats)
        let (source, factors) = (inputs.floats, scales.floats)
        parallel(count, grain: max(1, elementGrain / max(1, width * perRow))) { range in
            for index in range.lowerBound * perRow..<range.upperBound * perRow {
                let (slope, place) = (slopes + index / perRow * width, Int(places[index]) * width)
                fk_axpy_f32(dys + place, factors[index], slope, width)
                fk_dot_f32(dws + index, slope, source + place, width)
            }
        }
        return [dy, dw]
    }
}

/// The softmax of every row.
///
/// - Precondition: F32 `[T, E]`.
public func softmax(_ x: Tensor) -> Tensor {
    let (rows, width) = (x.shape.rowCount, x.shape.last)
    let y = Tensor(uninitialized: x.shape)
    let (result, source) = (y.floats, x.floats)
    parallel(rows, grain: max(1, elementGrain / 4 / max(1, width))) { range in
        let start = range.lowerBound * width
        fk_softmax_f32(result + start, width, source + start, width, 1, nil, range.count, width)
    }
    guard x.isRecorded else { return y }
    let output = y
    return y.recorded(from: [x]) { gradient in
        let dx = Tensor(uninitialized: output.shape)
        fk_softmax_backward_f32(
            dx.floats, width, gradient.floats, width, output.floats, width, 1, rows, width)
        return [dx]
    }
}

/// `1 / (1 + exp(-x))`, element by element.
///
/// - Precondition: F32.
public func sigmoid(_ x: Tensor) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    let (result, source) = (y.floats, x.floats)
    parallel(x.elementCount, grain: elementGrain / 4) { range in
        fk_sigmoid_f32(result + range.lowerBound, source + range.lowerBound, range.count)
    }
    guard x.isRecorded else { return y }
    let output = y
    return y.recorded(from: [x]) { gradient in
        let dx = Tensor(uninitialized: output.shape)
        fk_sigmoid_backward_f32(dx.floats, gradient.floats, output.floats, output.elementCount)
        return [dx]
    }
}

/// The sum of all elements times a constant each; a scalar.
///
/// - Precondition: F32 `x`, one factor an element.
public func weightedSum(_ x: Tensor, _ factors: [Float]) -> Tensor {
    precondition(factors.count == x.elementCount, "\(factors.count) factors for \(x.shape)")
    let source = x.floats
    // In double, so that the order of a long sum does not show.
    var total = 0.0
    for (index, factor) in factors.enumerated() { total += Double(source[index]) * Double(factor) }
    let sum = Tensor(Float(total))
    guard x.isRecorded else { return sum }
    let shape = x.shape
    return sum.recorded(from: [x]) { [Tensor(factors, shape: shape) * $0.floats[0]] }
}

/// How a token's experts are chosen from its scores.
public struct ExpertSelection: Sendable, Hashable {
    /// What a group of experts is judged by.
    public enum GroupScore: Sendable, Hashable {
        /// The largest score in it: DeepSeek-V2's device-limited routing.
        case largest
        /// The sum of the two largest: DeepSeek-V3.
        case twoLargest
    }

    public let expertCount: Int
    /// Experts chosen for a token.
    public let perToken: Int
    public let groupCount: Int
    /// Groups from which a token's experts are taken.
    public let keptGroups: Int
    public let groupScore: GroupScore

    /// - Precondition: `groupCount` divides the experts, and the kept groups hold enough of them.
    public init(
        expertCount: Int, perToken: Int, groupCount: Int = 1, keptGroups: Int = 1,
        groupScore: GroupScore = .largest
    ) {
        precondition(
            groupCount > 0 && expertCount % groupCount == 0 && (1...groupCount).contains(keptGroups)
                && (1...(expertCount / groupCount * keptGroups)).contains(perToken),
            "\(perToken) of \(expertCount) experts in \(keptGroups) of \(groupCount) groups")
        self.expertCount = expertCount
        self.perToken = perToken
        self.groupCount = groupCount
        self.keptGroups = keptGroups
        self.groupScore = groupScore
    }

    /// The experts of every token, `[T · perToken]`, rising within a token.
    ///
    /// Of equal scores the lower index goes first. `bias`, one number an expert, is added for the
    /// choice only (Wang et al., 2024).
    ///
    /// - Precondition: F32 scores `[T, expertCount]`.
    public func choose(_ scores: Tensor, bias: Tensor? = nil) -> [Int32] {
        let rows = scores.shape.rowCount
        let (source, offsets) = (scores.floats, bias?.floats)
        return [Int32](unsafeUninitializedCapacity: rows * perToken) { chosen, count in
            let result = MutableSharedPointer(chosen.baseAddress)
            parallel(rows, grain: max(1, elementGrain / 8 / expertCount)) { range in
                var values = [Float](repeating: 0, count: expertCount)
                for row in range {
                    for expert in 0..<expertCount {
                        values[expert] =
                            source[row * expertCount + expert] + (offsets?[expert] ?? 0)
                    }
                    let experts = choose(values)
                    for (place, expert) in experts.enumerated() {
                        result.pointer?[row * perToken + place] = Int32(expert)
                    }
                }
            }
            count = rows * perToken
        }
    }

    private func choose(_ values: [Float]) -> [Int] {
        var candidates = Array(values.indices)
        if keptGroups < groupCount {
            let size = expertCount / groupCount
            let judged = (0..<groupCount).map { group in
                let members = values[(group * size)..<((group + 1) * size)]
                switch groupScore {
                case .largest: return members.max() ?? 0
                case .twoLargest:
                    let best = Self.largest(min(2, size), of: Array(members.indices), by: values)
                    return best.reduce(0) { $0 + values[$1] }
                }
            }
            let groups = Self.largest(keptGroups, of: Array(judged.indices), by: judged)
            candidates = groups.flatMap { ($0 * size)..<(($0 + 1) * size) }
        }
        return Self.largest(perToken, of: candidates, by: values)
    }

    /// The `count` candidates with the largest values, in rising order.
    private static func largest(_ count: Int, of candidates: [Int], by values: [Float]) -> [Int] {
        var left = candidates
        var chosen: [Int] = []
        for _ in 0..<count {
            guard var best = left.indices.first else { break }
            for place in left.indices where values[left[place]] > values[left[best]] {
                best = place
            }
            chosen.append(left.remove(at: best))
        }
        return chosen.sorted()
    }
}

/// A pointer that tasks write to, each in its own part.
private struct MutableSharedPointer<Pointee>: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<Pointee>?

    init(_ pointer: UnsafeMutablePointer<Pointee>?) {
        self.pointer = pointer
    }
}
