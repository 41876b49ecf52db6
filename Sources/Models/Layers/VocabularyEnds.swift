import FathomCheckpoints
import FathomTensors

/// Where tokens enter a decoder and leave it: embedding, final norm, output projection.
struct VocabularyEnds: Sendable {
    let norm: RMSNorm
    private let embedding: Matrix
    private let head: Linear

    /// - Parameters:
    ///   - parameters: the root, which holds `model.embed_tokens`, `model.norm` and `lm_head`.
    ///   - tiesHead: whether the output projection is the transposed embedding.
    init(
        _ parameters: ParameterScope, vocabularySize: Int, hiddenSize: Int, epsilon: Float,
        tiesHead: Bool
    ) {
        let root = parameters["model"]
        embedding = root["embed_tokens"].matrix(rows: vocabularySize, columns: hiddenSize)
        norm = RMSNorm(root["norm"], size: hiddenSize, epsilon: epsilon)
        head =
            tiesHead
            ? Linear(tiedTo: embedding)
            : Linear(parameters["lm_head"], from: hiddenSize, to: vocabularySize)
    }

    /// The embeddings `[T, C]` of tokens.
    func embed(_ tokenIDs: [Int32]) -> Tensor { gather(tokenIDs, from: embedding) }

    /// The logits `[T, V]` of hidden states behind the norm.
    func logits(_ hiddenStates: Tensor) -> Tensor { head(hiddenStates) }
}
