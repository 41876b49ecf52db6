import FathomKernels

/// The mean of `-log softmax(logits)[label]` over the positions that count; a scalar.
///
/// A label of -100 does not count. Without any that does, the loss is 0.
///
/// - Precondition: F32 logits `[T, V]`, `T` labels, each -100 or within `0..<V`.
public func crossEntropy(_ logits: Tensor, labels: [Int32]) -> Tensor {
    let (rows, width) = (logits.shape.rowCount, logits.shape.last)
    precondition(labels.count == rows, "\(labels.count) labels for \(rows) positions")
    let counted = labels.count { $0 != Int32(FK_IGNORED_LABEL) }
    for label in labels where label != Int32(FK_IGNORED_LABEL) {
        precondition(label >= 0 && Int(label) < width, "label \(label) is not in 0..<\(width)")
    }
    let losses = Tensor(uninitialized: [rows])
    let gradient = logits.isRecorded ? Tensor(uninitialized: logits.shape) : nil
    let (sums, source, slopes) = (losses.floats, logits.floats, gradient?.floats)
    let scale = counted == 0 ? 0 : 1 / Float(counted)
    labels.withUnsafeBufferPointer { labels in
        let labels = SharedPointer(labels.baseAddress)
        parallel(rows, grain: max(1, elementGrain / 4 / max(1, width))) { range in
            let start = range.lowerBound
            var invalid = 0
            fk_cross_entropy_f32(
                sums + start, slopes.map { $0 + start * width }, width, &invalid,
                source + start * width, width, labels.pointer.map { $0 + start }, scale,
                range.count, width)
        }
    }
    // In double, so that the order of a long sum does not show.
    var total = 0.0
    for row in 0..<rows { total += Double(sums[row]) }
    let loss = Tensor(counted == 0 ? 0 : Float(total / Double(counted)))
    guard let gradient else { return loss }
    return loss.recorded(from: [logits]) { upstream in [gradient * upstream.floats[0]] }
}
