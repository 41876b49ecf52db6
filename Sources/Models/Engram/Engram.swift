public import FathomCheckpoints
import FathomTensors

/// The Engram memory of a model: what all its layers' modules share, and the modules.
///
/// A model holds one and begins a pass of it with every batch:
///
/// ```swift
/// let memory = engram.begin(batch.tokenIDs, sequences)   // fetching of rows begins here
/// for (index, layer) in layers.enumerated() {
///     if let read = memory(layer: index, hidden: x) { x = x + read }
///     x = layer(x, pass)                                 // attention, then feed-forward
/// }
/// let states = sequences.indices.map { memory.state(ofSequence: $0) }
/// ```
///
/// The tokens are the tokenizer's; the memory looks up their canonical ids itself.
public struct Engram: Sendable {
    public let configuration: EngramConfiguration
    public let tables: EngramTables

    /// The modules by layer.
    public let modules: [Int: EngramModule]

    private let prefetch: TablePrefetch?

    /// Builds the modules of all layers.
    ///
    /// - Parameters:
    ///   - parameters: the scope that holds `layers`.
    ///   - prefetches: whether a thread of its own fetches the rows of mapped tables ahead of
    ///     their use. It changes when they are read, never what is computed.
    public init(
        _ parameters: ParameterScope, _ configuration: EngramConfiguration, _ tables: EngramTables,
        prefetches: Bool = true
    ) {
        self.configuration = configuration
        self.tables = tables
        var modules: [Int: EngramModule] = [:]
        for layer in configuration.layers {
            modules[layer] = EngramModule(
                parameters["layers"][layer]["engram"], configuration, tables, layer: layer)
        }
        self.modules = modules
        let hasMappedTable = modules.values.contains { $0.table.tensor.storage.isMapped }
        prefetch = prefetches && hasMappedTable ? TablePrefetch() : nil
    }

    /// What a sequence without tokens has.
    public var initialState: EngramState {
        EngramState(
            ids: Array(repeating: tables.canonicalPadID, count: configuration.orderCount),
            convolutions: [:])
    }

    /// Begins a pass: hashes the n-grams of all layers and starts to fetch their rows.
    ///
    /// - Parameters:
    ///   - tokenIDs: the tokenizer's ids of all tokens of the pass.
    ///   - sequences: where each sequence stands, consecutive and covering the pass, and what was
    ///     kept of it.
    ///   - recordsRows: whether the rows that are read are variables, so that they have a sparse
    ///     gradient; see `TableRows`.
    public func begin(
        _ tokenIDs: [Int32], _ sequences: [EngramSequence], recordsRows: Bool = false
    ) -> EngramPass {
        var end = 0
        let histories = sequences.map { sequence in
            precondition(sequence.range.lowerBound == end, "sequences must follow each other")
            end = sequence.range.upperBound
            precondition(end <= tokenIDs.count, "\(tokenIDs.count) tokens end before \(end)")
            return sequence.state.ids + tables.canonical(tokenIDs[sequence.range])
        }
        precondition(end == tokenIDs.count, "\(tokenIDs.count) tokens, sequences up to \(end)")
        var rows: [Int: [Int32]] = [:]
        // In the order in which they will be needed.
        for (layer, module) in modules.sorted(by: { $0.key < $1.key }) {
            let needed = histories.flatMap(module.hash.rows)
            prefetch?.request(needed, of: module.table)
            rows[layer] = needed
        }
        return EngramPass(
            self, sequences, histories: histories, rows: rows, recordsRows: recordsRows)
    }
}

/// What an Engram memory keeps of a sequence from one pass to the next.
///
/// A value: keep a copy to go back to where a sequence was.
public struct EngramState: Sendable {
    /// The canonical ids of the last N - 1 tokens.
    let ids: [Int32]

    /// The last inputs of each layer's convolution, `[(kernel - 1) · dilation, M · C]`.
    let convolutions: [Int: Tensor]

    /// Bytes that the state takes.
    public var byteCount: Int {
        convolutions.values.reduce(ids.count * MemoryLayout<Int32>.stride) { $0 + $1.byteCount }
    }
}

/// One sequence of a pass.
public struct EngramSequence: Sendable {
    /// Where its tokens stand in the pass.
    public let range: Range<Int>
    /// What was kept of it; `Engram.initialState` at its start.
    public let state: EngramState

    public init(range: Range<Int>, state: EngramState) {
        self.range = range
        self.state = state
    }
}
