public import FathomTensors

/// The rows of a table that one pass reads, as a variable: the sparse gradient of the table.
///
/// A table of a hundred million rows takes no gradient of its own shape. The rows that a batch
/// touches do; every other row's gradient is zero, and its optimizer state is left alone:
///
/// ```swift
/// let pass = engram.begin(tokens, sequences, recordsRows: true)
/// // … the forward pass and the loss …
/// for rows in pass.tableRows { update(rows.layer, rows.ids, gradients[rows.values]) }
/// ```
public struct TableRows: Sendable {
    /// The layer whose table it is.
    public let layer: Int

    /// The different rows, rising.
    public let ids: [Int32]

    /// Their values, `[ids.count, width]`, F32: a variable.
    public let values: Tensor

    /// Which of them each row read is.
    private let places: [Int32]

    init(_ rows: [Int32], of table: Matrix, layer: Int) {
        let ids = Array(Set(rows)).sorted()
        var place: [Int32: Int32] = [:]
        for (index, id) in ids.enumerated() { place[id] = Int32(index) }
        self.layer = layer
        self.ids = ids
        values = gather(ids, from: table).detached().asVariable()
        places = rows.compactMap { place[$0] }
    }

    /// The rows read, in their order, `[rows, width]`.
    var gathered: Tensor { rows(places, of: values) }
}
