import FathomCheckpoints
import FathomTensors
import Synchronization

/// In which form latent attention is computed; see `LatentAttention`.
public enum LatentAttentionForm: Sendable, Hashable {
    /// Over the latents themselves: results depend neither on chunks nor on neighbours.
    case absorbed
    /// Over the keys and values of every head where a pass begins all its sequences, which takes
    /// less work for long prompts; gradients need it. Results differ from the other form's by
    /// rounding.
    case plain
}

/// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1).
///
/// Keys and values of a position are one vector, the latent, and one rotated key that all heads
/// share; that is all the cache holds. Two forms give the same result:
///
/// - plain: the latents are projected up to the keys and values of every head. Needs nothing but
///   the definition, and gradients pass through it.
/// - absorbed: the up-projection of keys is applied to the queries and that of values to the
///   result, so that attention runs over the latents themselves, as one key-value head.
struct LatentAttention: Sendable {
    /// The sizes it is made of.
    struct Configuration: Sendable, Hashable {
        var hiddenSize: Int
        var headCount: Int
        var latent: DeepSeekConfiguration.Latent
        var indexer: DeepSeekConfiguration.Indexer?
        var normEpsilon: Float
        /// What scores are multiplied by.
        var scale: Float
        var hasBias: Bool

        /// Attention of all heads over the latents.
        var absorbed: AttentionShape {
            AttentionShape(
                headCount: headCount, keyValueHeadCount: 1,
                keyWidth: latent.rank + latent.rotaryWidth, valueWidth: latent.rank, scale: scale,
                valuesAreInKeys: true)
        }

        /// Attention of every head over keys and values of its own.
        var plain: AttentionShape {
            AttentionShape(
                headCount: headCount, keyValueHeadCount: headCount,
                keyWidth: latent.plainWidth + latent.rotaryWidth, valueWidth: latent.valueWidth,
                scale: scale)
        }
    }

    private let configuration: Configuration
    private let queryDown: Linear?
    private let queryNorm: RMSNorm?
    private let queryUp: Linear
    private let latentDown: Linear
    private let latentNorm: RMSNorm
    private let up: LatentProjection
    private let output: Linear
    private let indexer: LightningIndexer?
    private let form: LatentAttentionForm
    private let layer: Int
    /// The row of the latents in the model's cache layout; the indexer's follows it.
    private let cacheRow: Int

    init(
        _ parameters: ParameterScope, _ configuration: Configuration, form: LatentAttentionForm,
        layer: Int, cacheRow: Int
    ) {
        let (latent, hiddenSize) = (configuration.latent, configuration.hiddenSize)
        let heads = configuration.headCount
        let queryWidth = heads * (latent.plainWidth + latent.rotaryWidth)
        self.configuration = configuration
        if let rank = latent.queryRank {
            queryDown = Linear(
                parameters["q_a_proj"], from: hiddenSize, to: rank, hasBias: configuration.hasBias)
            queryNorm = RMSNorm(
                parameters["q_a_layernorm"], size: rank, epsilon: configuration.normEpsilon)
            queryUp = Linear(parameters["q_b_proj"], from: rank, to: queryWidth)
        } else {
            (queryDown, queryNorm) = (nil, nil)
            queryUp = Linear(parameters["q_proj"], from: hiddenSize, to: queryWidth)
        }
        latentDown = Linear(
            parameters["kv_a_proj_with_mqa"], from: hiddenSize,
            to: latent.rank + latent.rotaryWidth, hasBias: configuration.hasBias)
        latentNorm = RMSNorm(
            parameters["kv_a_layernorm"], size: latent.rank, epsilon: configuration.normEpsilon)
        up = LatentProjection(parameters, latent, headCount: heads)
        output = Linear(
            parameters["o_proj"], from: heads * latent.valueWidth, to: hiddenSize,
            hasBias: configuration.hasBias)
        indexer = configuration.indexer.map {
            LightningIndexer(parameters["indexer"], $0, configuration, cacheRow: cacheRow + 1)
        }
        self.form = form
        self.layer = layer
        self.cacheRow = cacheRow
    }

    /// Maps `[T, C]` to the same shape.
    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) -> Tensor {
        let (latent, heads) = (configuration.latent, configuration.headCount)
        let compressed = queryDown.map { down in
            let part = down(x)
            return queryNorm.map { $0(part) } ?? part
        }
        let query = queryUp(compressed ?? x)
        let plainQuery = columns(0..<latent.plainWidth, of: query, headCount: heads)
        let rotaryQuery = pass.rotate(
            columns(
                latent.plainWidth..<(latent.plainWidth + latent.rotaryWidth), of: query,
                headCount: heads), headCount: heads)
        let down = latentDown(x)
        let content = latentNorm(columns(0..<latent.rank, of: down))
        let rotaryKey = pass.rotate(
            columns(latent.rank..<(latent.rank + latent.rotaryWidth), of: down), headCount: 1)
        var selection: Selection?
        if let indexer, let compressed {
            let request = indexer.request(x, compressed, pass)
            selection = Selection(
                indexer: indexer, request: request,
                positions: indexer(request, pass, layer: layer))
        }
        let row = joinHeads(content, rotaryKey, headCount: 1)
        if form == .plain && pass.startsAllSequences {
            pass.storeKeys(row: cacheRow, row, configuration.absorbed)
            return output(plain(plainQuery, rotaryQuery, content, rotaryKey, selection, pass))
        }
        let joined = joinHeads(up.absorb(plainQuery), rotaryQuery, headCount: heads)
        let mixed: Tensor
        if let positions = selection?.positions {
            mixed = pass.sparseAttention(
                row: cacheRow, query: joined, key: row, configuration.absorbed,
                positions: positions)
        } else {
            mixed = pass.attention(row: cacheRow, query: joined, key: row, configuration.absorbed)
        }
        return output(up.values(mixed))
    }

    /// What an indexer chose, with what it asked.
    private struct Selection {
        let indexer: LightningIndexer
        let request: LightningIndexer.Request
        let positions: [[Int32]]
    }

    /// Reports the indexer's two losses: over the keys it chose, and over all keys, from which it
    /// learns before attention becomes sparse.
    private func report(_ selection: Selection, _ query: Tensor, _ key: Tensor, _ pass: ForwardPass)
    {
        func divergence(_ positions: [[Int32]]) -> Tensor {
            selection.indexer.divergence(
                selection.request, attentionTo: query, key, configuration.plain,
                pass.batch.sequences.map(\.range), positions)
        }
        pass.report("indexer.layer.\(layer).loss", divergence(selection.positions))
        pass.report(
            "indexer.layer.\(layer).dense_loss",
            divergence(
                pass.batch.sequences.flatMap { sequence in
                    (0..<sequence.range.count).map { Array(0...Int32($0)) }
                }))
    }

    private func plain(
        _ plainQuery: Tensor, _ rotaryQuery: Tensor, _ content: Tensor, _ rotaryKey: Tensor,
        _ selection: Selection?, _ pass: ForwardPass
    ) -> Tensor {
        let (latent, heads) = (configuration.latent, configuration.headCount)
        let expanded = up.expand(content)
        let key = joinHeads(
            columns(0..<latent.plainWidth, of: expanded, headCount: heads), rotaryKey,
            headCount: heads, sharesSecond: true)
        let value = columns(
            latent.plainWidth..<(latent.plainWidth + latent.valueWidth), of: expanded,
            headCount: heads)
        let query = joinHeads(plainQuery, rotaryQuery, headCount: heads)
        if let selection {
            report(selection, query, key, pass)
            return maskedAttention(
                query: query, key: key, value: value, configuration.plain,
                pass.batch.sequences.map(\.range), selection.positions)
        }
        return pass.attentionWithinPass(
            query: query, key: key, value: value, configuration.plain)
    }
}

/// The up-projection of latents to keys and values, `kv_b_proj`, in the forms its two uses need.
///
/// A head's rows are `plainWidth` of keys, then `valueWidth` of values, `[.., rank]`.
final class LatentProjection: Sendable {
    private let latent: DeepSeekConfiguration.Latent
    private let headCount: Int
    /// `kv_b_proj`, or its two parts: keys `[heads · rank, plainWidth]`, values
    /// `[heads · valueWidth, rank]`.
    private enum Weights: Sendable {
        case joined(Matrix)
        case split(keys: Matrix, values: Matrix)
    }
    private let weights: Weights
    /// For each head, `W_UKᵀ` `[rank, plainWidth]` and `W_UV` `[valueWidth, rank]`.
    private let heads = Mutex<(keys: [Matrix], values: [Matrix])?>(nil)
    private let whole = Mutex<Matrix?>(nil)

    init(_ parameters: ParameterScope, _ latent: DeepSeekConfiguration.Latent, headCount: Int) {
        self.latent = latent
        self.headCount = headCount
        if latent.isSplit {
            weights = .split(
                keys: parameters["k_b_proj"].matrix(
                    rows: headCount * latent.rank, columns: latent.plainWidth),
                values: parameters["v_b_proj"].matrix(
                    rows: headCount * latent.valueWidth, columns: latent.rank))
        } else {
            weights = .joined(
                parameters["kv_b_proj"].matrix(
                    rows: headCount * (latent.plainWidth + latent.valueWidth),
                    columns: latent.rank))
        }
    }

    /// Latents `[T, rank]` to the keys and values of every head,
    /// `[T, heads · (plainWidth + valueWidth)]`.
    func expand(_ content: Tensor) -> Tensor {
        switch weights {
        case .joined(let matrix): linear(content, matrix)
        case .split(let keys, let values): linear(content, joined(keys, values))
        }
    }

    /// The two parts put together as `kv_b_proj`, made once.
    private func joined(_ keys: Matrix, _ values: Matrix) -> Matrix {
        whole.withLock { whole in
            if let whole { return whole }
            let rank = latent.rank
            let (keys, values) = (keys.dequantized(), values.dequantized())
            let parts = (0..<headCount).flatMap { head in
                let first = head * latent.valueWidth
                return [
                    transpose(keys[rows: (head * rank)..<((head + 1) * rank)]),
                    values[rows: first..<(first + latent.valueWidth)],
                ]
            }
            let made = Matrix(joinRows(parts))
            whole = made
            return made
        }
    }

    /// Queries `[T, heads · plainWidth]` in the space of latents, `[T, heads · rank]`.
    func absorb(_ query: Tensor) -> Tensor { linear(query, headWeights: perHead.keys) }

    /// Mixed latents `[T, heads · rank]` to values `[T, heads · valueWidth]`.
    func values(_ mixed: Tensor) -> Tensor { linear(mixed, headWeights: perHead.values) }

    private var perHead: (keys: [Matrix], values: [Matrix]) {
        heads.withLock { heads in
            if let heads { return heads }
            let made = makeHeads()
            heads = made
            return made
        }
    }

    private func makeHeads() -> (keys: [Matrix], values: [Matrix]) {
        switch weights {
        case .split(let keys, let values):
            return (
                (0..<headCount).map {
                    Matrix(keys.tensor[rows: ($0 * latent.rank)..<(($0 + 1) * latent.rank)])
                },
                (0..<headCount).map {
                    let first = $0 * latent.valueWidth
                    return Matrix(values.tensor[rows: first..<(first + latent.valueWidth)])
                }
            )
        case .joined(let matrix):
            // Transposed once: small beside the experts, and exact. What is stored as BF16 stays
            // BF16.
            let whole = matrix.dequantized()
            let kept = matrix.tensor.dtype == .bf16 || matrix.tensor.dtype == .f16
            let width = latent.plainWidth + latent.valueWidth
            func form(_ tensor: Tensor) -> Matrix {
                Matrix(kept ? tensor.converted(to: matrix.tensor.dtype) : tensor)
            }
            return (
                (0..<headCount).map {
                    form(transpose(whole[rows: ($0 * width)..<($0 * width + latent.plainWidth)]))
                },
                (0..<headCount).map {
                    form(whole[rows: ($0 * width + latent.plainWidth)..<(($0 + 1) * width)])
                }
            )
        }
    }
}
