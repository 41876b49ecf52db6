import FathomKernels

/// The part of a pass that belongs to one sequence, with what the convolution saw before it.
public struct ConvolutionSegment: Sendable {
    /// Where its rows stand in the pass.
    public let range: Range<Int>

    /// The last `(K - 1) · dilation` inputs before the range, `[rows, C]`; zeros where absent.
    public let history: Tensor?

    public init(range: Range<Int>, history: Tensor? = nil) {
        self.range = range
        self.history = history
    }
}

/// How far back the taps of a convolution reach.
public struct ConvolutionShape: Sendable, Hashable {
    /// Taps of a channel.
    public let kernelSize: Int
    /// Rows from one tap to the next.
    public let dilation: Int

    public init(kernelSize: Int, dilation: Int) {
        precondition(kernelSize > 0 && dilation > 0, "\(kernelSize) taps, dilation \(dilation)")
        self.kernelSize = kernelSize
        self.dilation = dilation
    }

    /// Rows before the first that have an effect on it.
    public var historyLength: Int { (kernelSize - 1) * dilation }

    /// How many rows back tap `tap` looks; the last tap looks at the row itself.
    func distance(ofTap tap: Int) -> Int { (kernelSize - 1 - tap) * dilation }
}

/// The causal convolution of every channel with its own taps, sequence by sequence.
///
/// `y[t, c]` is the sum over taps j, rising, of `weight[c, j] · x[t - (K - 1 - j) · dilation, c]`:
/// `torch.nn.Conv1d` with as many groups as channels, padded on the left only. Rows before a
/// sequence come from its history. `x` is `[T, C]`, the weight `[C, K]`, the result `[T, C]`.
///
/// A row has the same bits however a sequence is cut into passes. Gradients do not flow into the
/// history.
///
/// - Precondition: F32; the segments are consecutive and cover the pass.
public func causalConvolution(
    _ x: Tensor, weight: Tensor, _ shape: ConvolutionShape, _ segments: [ConvolutionSegment]
) -> Tensor {
    let width = x.shape.last
    precondition(
        weight.elementCount == width * shape.kernelSize,
        "weight \(weight.shape) for \(shape.kernelSize) taps of \(width) channels")
    var end = 0
    for segment in segments {
        precondition(
            segment.range.lowerBound == end, "segment \(segment.range) begins not at \(end)")
        precondition(
            segment.history.map { $0.shape == [shape.historyLength, width] } ?? true,
            "history \(segment.history?.shape ?? []) for \(shape) of \(width) channels")
        end = segment.range.upperBound
    }
    precondition(end == x.shape.rowCount, "segments up to \(end) for \(x.shape)")
    let y = Tensor(uninitialized: x.shape)
    let taps = transposed(weight, rows: width, columns: shape.kernelSize)
    let (result, factors) = (y.floats, taps.floats)
    for segment in segments {
        let rows = SegmentRows(segment, x)
        let start = segment.range.lowerBound
        parallel(segment.range.count, grain: max(1, elementGrain / max(1, 4 * width))) { range in
            for row in range {
                let sums = result + (start + row) * width
                sums.update(repeating: 0, count: width)
                for tap in 0..<shape.kernelSize {
                    guard let source = rows[row - shape.distance(ofTap: tap)] else { continue }
                    multiplyAdd(sums, factors + tap * width, source, width)
                }
            }
        }
    }
    guard x.isRecorded || weight.isRecorded else { return y }
    let (input, filter) = (x.detached(), weight.detached())
    return y.recorded(from: [x, weight]) { gradient in
        convolutionBackward(gradient, input, filter, shape, segments)
    }
}

private func convolutionBackward(
    _ gradient: Tensor, _ x: Tensor, _ weight: Tensor, _ shape: ConvolutionShape,
    _ segments: [ConvolutionSegment]
) -> [Tensor?] {
    let width = x.shape.last
    let dx = Tensor.zeros(x.shape)
    let taps = transposed(weight, rows: width, columns: shape.kernelSize)
    let slopes = Tensor.zeros([shape.kernelSize, width])
    let (dxs, dys, factors, sums) = (dx.floats, gradient.floats, taps.floats, slopes.floats)
    for segment in segments {
        let rows = SegmentRows(segment, x)
        let (start, count) = (segment.range.lowerBound, segment.range.count)
        parallel(count, grain: max(1, elementGrain / max(1, 4 * width))) { range in
            for row in range {
                for tap in 0..<shape.kernelSize {
                    let later = row + shape.distance(ofTap: tap)
                    guard later < count else { continue }
                    multiplyAdd(
                        dxs + (start + row) * width, factors + tap * width,
                        dys + (start + later) * width, width)
                }
            }
        }
        // By tap, so that every sum runs over the rows in order.
        parallel(shape.kernelSize, grain: 1) { range in
            for tap in range {
                for row in 0..<count {
                    guard let source = rows[row - shape.distance(ofTap: tap)] else { continue }
                    multiplyAdd(sums + tap * width, dys + (start + row) * width, source, width)
                }
            }
        }
    }
    let dWeight = transposed(slopes, rows: shape.kernelSize, columns: width)
    return [dx, dWeight.reshaped(weight.shape)]
}

/// The rows of one sequence, those before the pass included.
private struct SegmentRows: @unchecked Sendable {
    private let rows: UnsafePointer<Float>
    private let history: UnsafePointer<Float>?
    private let historyCount: Int
    private let width: Int

    init(_ segment: ConvolutionSegment, _ x: Tensor) {
        width = x.shape.last
        rows = UnsafePointer(x.floats + segment.range.lowerBound * width)
        history = segment.history.map { UnsafePointer($0.floats) }
        historyCount = segment.history?.shape.rowCount ?? 0
    }

    /// A row by its number in the segment, negative ones before it; nil for a row of zeros.
    subscript(row: Int) -> UnsafePointer<Float>? {
        if row >= 0 { return rows + row * width }
        guard let history, row + historyCount >= 0 else { return nil }
        return history + (row + historyCount) * width
    }
}

/// `sums += a · b`, rounded after each of the two steps.
private func multiplyAdd(
    _ sums: UnsafeMutablePointer<Float>, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    _ count: Int
) {
    for index in 0..<count { sums[index] += a[index] * b[index] }
}

private func transposed(_ x: Tensor, rows: Int, columns: Int) -> Tensor {
    let y = Tensor(uninitialized: [columns, rows])
    let (source, result) = (x.floats, y.floats)
    for row in 0..<rows {
        for column in 0..<columns { result[column * rows + row] = source[row * columns + column] }
    }
    return y
}
