import FathomCheckpoints
import FathomTensors

/// The token sequences of an input file: rows of `input_ids` without their padding.
struct TokenRows {
    /// Whether the file has a batch dimension.
    let isBatch: Bool
    let sequences: [[Int32]]
    /// `labels`, aligned with the sequences, if the file has them.
    let labels: [[Int32]]?

    private let rowLength: Int
    /// The columns that are not padding, row by row.
    private let columns: [[Int]]

    init(path: String) throws {
        let file = try SafetensorsFile(path: path)
        let ids = try Self.integers("input_ids", in: file)
        guard ids.shape.rank == 1 || ids.shape.rank == 2 else {
            throw ToolError("\(path): 'input_ids' has shape \(ids.shape); expected [T] or [B, T]")
        }
        isBatch = ids.shape.rank == 2
        let (rows, length) = isBatch ? (ids.shape[0], ids.shape[1]) : (1, ids.shape[0])
        rowLength = length
        var kept = Array(repeating: Array(0..<length), count: rows)
        if file.contains("attention_mask") {
            let mask = try Self.integers("attention_mask", in: file)
            guard mask.shape == ids.shape else {
                throw ToolError(
                    "\(path): 'attention_mask' has shape \(mask.shape); expected \(ids.shape)")
            }
            let values = mask.int64Array()
            kept = (0..<rows).map { row in
                (0..<length).filter { values[row * length + $0] != 0 }
            }
        }
        columns = kept
        func sequences(_ tensor: Tensor) throws -> [[Int32]] {
            let values = tensor.int64Array()
            return try kept.enumerated().map { row, columns in
                try columns.map { column in
                    guard let value = Int32(exactly: values[row * length + column]) else {
                        throw ToolError("\(path): \(values[row * length + column]) is no token id")
                    }
                    return value
                }
            }
        }
        self.sequences = try sequences(ids)
        if file.contains("labels") {
            let tensor = try Self.integers("labels", in: file)
            guard tensor.shape == ids.shape else {
                throw ToolError(
                    "\(path): 'labels' has shape \(tensor.shape); expected \(ids.shape)")
            }
            labels = try sequences(tensor)
        } else {
            labels = nil
        }
        guard self.sequences.allSatisfy({ !$0.isEmpty }) else {
            throw ToolError("\(path): a row of 'input_ids' has no token that counts")
        }
    }

    private static func integers(_ name: String, in file: SafetensorsFile) throws -> Tensor {
        let tensor = try file.tensor(name)
        guard tensor.dtype == .i64 else {
            throw ToolError("\(file.path): '\(name)' is \(tensor.dtype.name); expected I64")
        }
        return tensor
    }

    func validate(vocabularySize: Int) throws {
        for sequence in sequences {
            for id in sequence where id < 0 || Int(id) >= vocabularySize {
                throw ToolError(
                    "token \(id) is not in the vocabulary, whose ids go from 0 to "
                        + "\(vocabularySize - 1)")
            }
        }
    }

    /// Puts results `[T, W]` of the sequences, one after the other, back in their places; padding
    /// gets zeros.
    ///
    /// - Parameter missing: how many positions at the end of each sequence have no result.
    func padded(_ rows: [Tensor], missing: Int = 0) -> Tensor {
        let width = rows.first?.shape.last ?? 0
        let length = max(0, rowLength - missing)
        var values = [Float](repeating: 0, count: sequences.count * length * width)
        for (row, tensor) in rows.enumerated() {
            let source = tensor.floatArray()
            for (index, column) in columns[row].dropLast(missing).enumerated() {
                let start = (row * length + column) * width
                values.replaceSubrange(
                    start..<(start + width), with: source[(index * width)..<((index + 1) * width)])
            }
        }
        let leading = isBatch ? [sequences.count] : []
        return Tensor(values, shape: Shape(leading + [length, width]))
    }

    /// Results of the sequences' tokens one after the other, without places for padding.
    func flat(_ rows: [Tensor]) -> Tensor {
        let width = rows.first?.shape.last ?? 0
        let count = rows.reduce(0) { $0 + $1.shape.rowCount }
        if rows.first?.dtype == .i64 {
            return Tensor(rows.flatMap { $0.int64Array() }, shape: [count, width])
        }
        return Tensor(rows.flatMap { $0.floatArray() }, shape: [count, width])
    }
}
