import FathomKernels

/// The rows of a matrix named by `ids`, as F32 `[ids.count, columns]`: an embedding.
///
/// - Precondition: every id is a row.
public func gather(_ ids: [Int32], from matrix: Matrix) -> Tensor {
    let width = matrix.columnCount
    let y = Tensor(uninitialized: [ids.count, width])
    let result = y.floats
    for id in ids {
        precondition(id >= 0 && Int(id) < matrix.rowCount, "row \(id) of \(matrix.rowCount)")
    }
    parallel(ids.count, grain: max(1, elementGrain / max(1, width))) { range in
        for index in range { matrix.decodeRow(Int(ids[index]), into: result + index * width) }
    }
    guard matrix.tensor.isRecorded else { return y }
    let shape = matrix.tensor.shape
    return y.recorded(from: [matrix.tensor]) { gradient in
        let table = Tensor.zeros(shape)
        let (sums, rows) = (table.floats, gradient.floats)
        ids.withUnsafeBufferPointer { ids in
            let ids = SharedPointer(ids.baseAddress)
            parallel(width, grain: 64) { columns in
                fk_scatter_add_rows_f32(
                    sums, width, rows, width, ids.pointer,
                    ids.pointer == nil ? 0 : gradient.shape[0],
                    columns.lowerBound, columns.upperBound)
            }
        }
        return [table]
    }
}

/// A pointer that tasks read together.
struct SharedPointer<Pointee>: @unchecked Sendable {
    let pointer: UnsafePointer<Pointee>?

    init(_ pointer: UnsafePointer<Pointee>?) {
        self.pointer = pointer
    }
}
