public import FathomTensors

/// A model that predicts the next token.
///
/// A model is immutable and shared; what changes during a conversation lives in the caches of
/// the batch.
public protocol CausalModel: Sendable {
    var vocabularySize: Int { get }

    /// The longest sequence the model was made for.
    var contextLength: Int { get }

    /// What its layers keep of every position.
    var cacheLayout: CacheLayout { get }

    /// The hidden states after the final norm, `[T, C]`, for the `T` tokens of a batch.
    ///
    /// Writes the new positions of the batch's caches. `observe` is told of intermediate results
    /// under the names `hidden.embed`, `hidden.layer.N` and `hidden.norm`.
    func hiddenStates(_ batch: Batch, observe: ((String, Tensor) -> Void)?) -> Tensor

    /// The logits `[T, V]` of hidden states `[T, C]`.
    func logits(_ hiddenStates: Tensor) -> Tensor
}
