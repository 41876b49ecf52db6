import FathomCheckpoints
import FathomTensors

/// Scores all earlier positions cheaply and keeps the best (DeepSeek-V3.2, arXiv 2512.02556,
/// equation 1).
struct LightningIndexer: Sendable {
    private let configuration: DeepSeekConfiguration.Indexer
    private let queryUp, key, headWeights: Linear
    private let keyNorm: LayerNorm
    private let cacheRow: Int

    init(
        _ parameters: ParameterScope, _ configuration: DeepSeekConfiguration.Indexer,
        _ attention: LatentAttention.Configuration, cacheRow: Int
    ) {
        let width = configuration.headCount * configuration.headWidth
        self.configuration = configuration
        queryUp = Linear(
            parameters["wq_b"], from: attention.latent.queryRank ?? attention.hiddenSize, to: width)
        key = Linear(parameters["wk"], from: attention.hiddenSize, to: configuration.headWidth)
        // Its norm has a bias and torch's usual epsilon, unlike the others.
        keyNorm = LayerNorm(parameters["k_norm"], size: configuration.headWidth, epsilon: 1e-6)
        headWeights = Linear(
            parameters["weights_proj"], from: attention.hiddenSize, to: configuration.headCount)
        self.cacheRow = cacheRow
    }

    /// How queries meet index keys: many heads over one key, which is kept as an attention's.
    var shape: AttentionShape {
        configuration.shape
    }

    /// What it asks with for the tokens of a pass.
    struct Request {
        let query, key, weights: Tensor
    }

    /// Makes queries, keys and head weights from the layer's input `[T, C]` and the compressed
    /// queries `[T, rank]`, through neither of which a gradient flows back.
    func request(_ x: Tensor, _ compressed: Tensor, _ pass: ForwardPass) -> Request {
        let (x, compressed) = (x.detached(), compressed.detached())
        let heads = configuration.headCount
        return Request(
            query: pass.rotate(queryUp(compressed), headCount: heads, layout: .halves),
            key: pass.rotate(keyNorm(key(x)), headCount: 1, layout: .halves),
            weights: headWeights(x) * (1 / Float(heads).squareRoot()))
    }

    /// How far its scores are from where attention looks, over the positions it chose
    /// (DeepSeek-V3.2, equation 4) or over all (equation 3).
    func divergence(
        _ request: Request, attentionTo query: Tensor, _ key: Tensor, _ attention: AttentionShape,
        _ ranges: [Range<Int>], _ positions: [[Int32]]
    ) -> Tensor {
        indexDivergence(
            query: request.query, key: request.key, weights: request.weights, shape, ranges,
            positions,
            shares: attentionShares(query: query, key: key, attention, ranges, positions))
    }

    /// Chooses keys for the tokens of a pass: for each token their positions, rising.
    ///
    /// The published code also rotates queries and keys by a Hadamard matrix, which changes no
    /// product.
    func callAsFunction(_ request: Request, _ pass: ForwardPass, layer: Int) -> [[Int32]] {
        let choices = pass.chosenKeys(
            row: cacheRow, query: request.query.detached(), key: request.key.detached(),
            weights: request.weights.detached(), shape, keep: configuration.keptKeys)
        report(choices, pass, layer)
        return choices
    }

    /// Reports the choices as a mask `[T, S]` of zeros and ones.
    private func report(_ choices: [[Int32]], _ pass: ForwardPass, _ layer: Int) {
        guard pass.isObserved else { return }
        let width = pass.batch.sequences.map { $0.firstPosition + $0.range.count }.max() ?? 0
        var mask = [Float](repeating: 0, count: choices.count * width)
        for (token, positions) in choices.enumerated() {
            for position in positions { mask[token * width + Int(position)] = 1 }
        }
        pass.report(
            "indexer.layer.\(layer).selected", Tensor(mask, shape: [choices.count, width]))
    }
}

extension DeepSeekConfiguration.Indexer {
    var shape: AttentionShape {
        AttentionShape(
            headCount: headCount, keyValueHeadCount: 1, keyWidth: headWidth,
            valueWidth: headWidth, scale: 1 / Float(headWidth).squareRoot(), valuesAreInKeys: true)
    }
}
