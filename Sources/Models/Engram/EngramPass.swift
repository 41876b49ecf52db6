public import FathomTensors

/// One pass through a model with an Engram memory; made by `Engram.begin`, for one thread.
public final class EngramPass {
    private let engram: Engram
    private let sequences: [EngramSequence]
    /// The canonical ids of every sequence, those kept of earlier passes before them.
    private let histories: [[Int32]]
    private let rows: [Int: [Int32]]
    private let recordsRows: Bool
    private var inputs: [Int: Tensor] = [:]

    /// The rows that were read as variables, in the order of the layers.
    public private(set) var tableRows: [TableRows] = []

    init(
        _ engram: Engram, _ sequences: [EngramSequence], histories: [[Int32]],
        rows: [Int: [Int32]], recordsRows: Bool
    ) {
        self.engram = engram
        self.sequences = sequences
        self.histories = histories
        self.rows = rows
        self.recordsRows = recordsRows
    }

    /// What a layer's memory adds to its hidden state `[T, M · C]`, before attention; `nil` for a
    /// layer without a module.
    public func callAsFunction(layer: Int, hidden: Tensor) -> Tensor? {
        guard let module = engram.modules[layer], let rows = rows[layer] else { return nil }
        let embeddings: Tensor
        if recordsRows {
            let read = TableRows(rows, of: module.table, layer: layer)
            tableRows.append(read)
            embeddings = module.joined(read.gathered)
        } else {
            embeddings = module.embeddings(rows)
        }
        let segments = sequences.map {
            ConvolutionSegment(range: $0.range, history: $0.state.convolutions[layer])
        }
        let (result, inputs) = module(hidden: hidden, embeddings: embeddings, segments)
        self.inputs[layer] = inputs.detached()
        return result
    }

    /// What to keep of a sequence for its next pass.
    ///
    /// - Parameter count: how many of its tokens of this pass stay; all of them by default. Fewer
    ///   where drafted tokens were refused.
    /// - Precondition: every layer's module was called, or the sequence keeps no token.
    public func state(ofSequence index: Int, after count: Int? = nil) -> EngramState {
        let sequence = sequences[index]
        let kept = count ?? sequence.range.count
        precondition(
            (0...sequence.range.count).contains(kept),
            "\(kept) of \(sequence.range.count) tokens cannot stay")
        guard kept > 0 else { return sequence.state }
        var convolutions: [Int: Tensor] = [:]
        for layer in engram.modules.keys {
            guard let inputs = inputs[layer] else {
                preconditionFailure("layer \(layer) was not called in this pass")
            }
            convolutions[layer] = tail(
                of: inputs, sequence.range.lowerBound..<sequence.range.lowerBound + kept,
                after: sequence.state.convolutions[layer])
        }
        // Histories begin with N - 1 ids, so that as many always are there.
        let ids = histories[index][kept..<kept + engram.configuration.orderCount]
        return EngramState(ids: Array(ids), convolutions: convolutions)
    }

    /// The last rows of a sequence's inputs, those kept before it and zeros before these.
    private func tail(of inputs: Tensor, _ range: Range<Int>, after history: Tensor?) -> Tensor {
        let count = engram.configuration.convolutionShape.historyLength
        let width = inputs.shape.last
        let result = Tensor.zeros([count, width])
        let new = min(count, range.count)
        let old = history == nil ? 0 : count - new
        if let history, old > 0 {
            result.floats.update(from: history.floats + new * width, count: old * width)
        }
        let source = inputs.floats + (range.upperBound - new) * width
        (result.floats + (count - new) * width).update(from: source, count: new * width)
        return result
    }
}
