public import FathomCheckpoints
public import FathomTensors

/// One layer's Engram: reads rows for the n-grams that end at each token and adds what the
/// hidden state lets through (Cheng et al., arXiv 2601.07372, section 2).
///
/// With e the rows of all heads, h the M branches of the residual stream, T tokens:
///
///     v = W_V e                                               [T, C], shared by the branches
///     g(m) = rmsNorm(W_K(m) e) · rmsNorm(h(m)) / sqrt(C)      [T, M]
///     u(m) = sigmoid(g(m)) · v                                [T, M · C]
///     Y = silu(conv(rmsNorm(u))) + u
///
/// The layer's input becomes h + Y, before its attention. Everything but the gate follows from
/// the token ids, so the rows can be fetched while earlier layers run.
public struct EngramModule: Sendable {
    /// Where the n-grams stand in the table.
    public let hash: NGramHash

    /// The rows of all heads, `[rows, headWidth]`; read row by row from where it lies.
    public let table: Matrix

    let value: Linear
    let keys: [Linear]
    let keyNorms: [RMSNorm]
    let queryNorms: [Tensor]
    let convolution: ShortConvolution
    private let configuration: EngramConfiguration
    private let padID: Int32

    /// Builds a layer's module from its scope, `layers.L.engram`, under the demo's names.
    ///
    /// - Precondition: the tables have a hash for the layer.
    public init(
        _ parameters: ParameterScope, _ configuration: EngramConfiguration, _ tables: EngramTables,
        layer: Int
    ) {
        guard let hash = tables.hashes[layer] else {
            preconditionFailure("layer \(layer) is not among layer_ids, \(configuration.layers)")
        }
        self.hash = hash
        self.configuration = configuration
        padID = tables.canonicalPadID
        table = parameters["multi_head_embedding"]["embedding"].matrix(
            rows: hash.rowCount, columns: configuration.headWidth)
        func projection(_ scope: ParameterScope) -> Linear {
            Linear(
                scope, from: configuration.memoryWidth, to: configuration.hiddenSize,
                hasBias: configuration.hasProjectionBias)
        }
        let branches = 0..<configuration.branchCount
        value = projection(parameters["value_proj"])
        keys = branches.map { projection(parameters["key_projs"][$0]) }
        keyNorms = branches.map {
            RMSNorm(
                parameters["norm1"][$0], size: configuration.hiddenSize,
                epsilon: configuration.normEpsilon)
        }
        queryNorms = branches.map {
            parameters["norm2"][$0].vector(count: configuration.hiddenSize)
        }
        convolution = ShortConvolution(parameters["short_conv"], configuration)
    }

    /// What is to be added to a hidden state `[T, M · C]`, for whole sequences.
    ///
    /// - Parameters:
    ///   - ids: the canonical id of every token.
    ///   - sequences: where each sequence stands; consecutive, covering the pass. N-grams and
    ///     convolution begin anew with each.
    ///   - observe: is told of `embeddings`, `gates`, `value` and `short_conv`.
    /// - SeeAlso: `Engram.begin`, for sequences that go on.
    public func callAsFunction(
        hidden: Tensor, ids: [Int32], _ sequences: [Range<Int>],
        observe: ((String, Tensor) -> Void)? = nil
    ) -> Tensor {
        let padding = [Int32](repeating: padID, count: configuration.orderCount)
        let rows = sequences.flatMap { hash.rows(padding + ids[$0]) }
        return self(
            hidden: hidden, embeddings: embeddings(rows),
            sequences.map { ConvolutionSegment(range: $0) }, observe: observe
        ).result
    }

    /// The rows of all heads, side by side: `[T, memoryWidth]`.
    func embeddings(_ rows: [Int32]) -> Tensor {
        joined(gather(rows, from: table))
    }

    /// Rows `[T · tables, headWidth]` as `[T, memoryWidth]`.
    func joined(_ rows: Tensor) -> Tensor {
        rows.reshaped([rows.shape.rowCount / hash.tableCount, configuration.memoryWidth])
    }

    /// As above, for rows that were read and sequences that go on; gives the convolution's
    /// inputs as well.
    func callAsFunction(
        hidden: Tensor, embeddings: Tensor, _ segments: [ConvolutionSegment],
        observe: ((String, Tensor) -> Void)? = nil
    ) -> (result: Tensor, inputs: Tensor) {
        precondition(
            hidden.shape.last == configuration.streamWidth
                && hidden.shape.rowCount == embeddings.shape.rowCount,
            "hidden state \(hidden.shape) for \(embeddings.shape.rowCount) tokens of "
                + "\(configuration.branchCount) branches of \(configuration.hiddenSize)")
        observe?("embeddings", embeddings)
        let projected = Linear.apply([value] + keys, to: embeddings)
        let normedKeys = zip(keyNorms, projected.dropFirst()).map { $0($1) }
        let queries = branchNorm(
            hidden, weights: queryNorms, epsilon: configuration.normEpsilon)
        let scale = 1 / Float(configuration.hiddenSize).squareRoot()
        let products = branchDots(queries, normedKeys, scale: scale)
        let gates =
            switch configuration.gate {
            case .plain: sigmoid(products)
            case .signedRoot: sigmoid(signedRoot(products, floor: 1e-6))
            }
        observe?("gates", gates)
        let gated = branchProducts(gates, projected[0])
        observe?("value", gated)
        let (mixed, inputs) = convolution(gated, segments)
        observe?("short_conv", mixed)
        return (gated + mixed, inputs)
    }
}
