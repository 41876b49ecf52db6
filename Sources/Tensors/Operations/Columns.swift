/// A range of every head's elements: `[T, heads · D]` gives `[T, heads · range.count]`.
///
/// - Precondition: F32, `heads` dividing the row, and the range within a head.
public func columns(_ range: Range<Int>, of x: Tensor, headCount: Int = 1) -> Tensor {
    let width = x.shape.last / headCount
    precondition(
        x.shape.last == headCount * width && range.lowerBound >= 0 && range.upperBound <= width,
        "elements \(range) of \(headCount) heads of \(x.shape)")
    let y = Tensor(uninitialized: [x.shape.rowCount, headCount * range.count])
    copyHeads(
        x.shape.rowCount * headCount, count: range.count,
        from: x.floats + range.lowerBound, stride: width, to: y.floats, stride: range.count)
    guard x.isRecorded else { return y }
    let shape = x.shape
    return y.recorded(from: [x]) { gradient in
        let dx = Tensor.zeros(shape)
        copyHeads(
            shape.rowCount * headCount, count: range.count, from: gradient.floats,
            stride: range.count, to: dx.floats + range.lowerBound, stride: width)
        return [dx]
    }
}

/// The rows of tensors one after the other, `[M, C]` and `[N, C]` to `[M + N, C]`. Nothing is
/// recorded.
///
/// - Precondition: F32 and rows of one length.
public func joinRows(_ parts: [Tensor]) -> Tensor {
    if parts.count == 1, let only = parts.first { return only }
    let width = parts.first?.shape.last ?? 0
    let y = Tensor(uninitialized: [parts.reduce(0) { $0 + $1.shape.rowCount }, width])
    var next = y.floats
    for part in parts {
        precondition(part.shape.last == width, "rows of \(part.shape) beside rows of \(width)")
        next.update(from: part.floats, count: part.elementCount)
        next += part.elementCount
    }
    return y
}

/// Heads put together from two parts: `[T, heads · A]` and `[T, heads · B]` give
/// `[T, heads · (A + B)]`. A second part of one head, `[T, B]`, joins every head.
///
/// - Precondition: F32 and as many rows.
public func joinHeads(_ first: Tensor, _ second: Tensor, headCount: Int, sharesSecond: Bool = false)
    -> Tensor
{
    let rows = first.shape.rowCount
    let a = first.shape.last / headCount
    let b = sharesSecond ? second.shape.last : second.shape.last / headCount
    precondition(
        first.shape.last == headCount * a && second.shape.rowCount == rows
            && second.shape.last == (sharesSecond ? b : headCount * b),
        "\(first.shape) and \(second.shape) as \(headCount) heads")
    let y = Tensor(uninitialized: [rows, headCount * (a + b)])
    let (result, source) = (y.floats, second.floats)
    copyHeads(rows * headCount, count: a, from: first.floats, stride: a, to: result, stride: a + b)
    if sharesSecond {
        for head in 0..<headCount {
            copyHeads(
                rows, count: b, from: source, stride: b, to: result + head * (a + b) + a,
                stride: headCount * (a + b))
        }
    } else {
        copyHeads(
            rows * headCount, count: b, from: source, stride: b, to: result + a, stride: a + b)
    }
    guard first.isRecorded || second.isRecorded else { return y }
    return y.recorded(from: [first, second]) { gradient in
        let dSecond = columns(a..<(a + b), of: gradient, headCount: headCount)
        return [
            columns(0..<a, of: gradient, headCount: headCount),
            sharesSecond ? headSums(dSecond, headCount: headCount) : dSecond,
        ]
    }
}

/// The sum of a row's heads: `[T, heads · D]` gives `[T, D]`, heads in order.
private func headSums(_ x: Tensor, headCount: Int) -> Tensor {
    let width = x.shape.last / headCount
    let y = Tensor(uninitialized: [x.shape.rowCount, width])
    let (result, source) = (y.floats, x.floats)
    parallel(x.shape.rowCount, grain: max(1, elementGrain / max(1, x.shape.last))) { rows in
        for row in rows {
            for column in 0..<width {
                var sum: Float = 0
                for head in 0..<headCount {
                    sum += source[(row * headCount + head) * width + column]
                }
                result[row * width + column] = sum
            }
        }
    }
    return y
}

/// Copies `count` elements of each of many heads; heads start `stride` elements apart.
private func copyHeads(
    _ heads: Int, count: Int, from source: UnsafePointer<Float>, stride sourceStride: Int,
    to result: UnsafeMutablePointer<Float>, stride resultStride: Int
) {
    parallel(heads, grain: max(1, elementGrain / max(1, count))) { range in
        for head in range {
            (result + head * resultStride).update(
                from: source + head * sourceStride, count: count)
        }
    }
}
