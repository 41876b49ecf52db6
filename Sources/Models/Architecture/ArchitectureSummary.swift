/// What a model is made of and what it costs, computed from its configuration alone.
///
/// Counts are exact: they are those of the tensors that the model is built from. Copies that some
/// checkpoints carry, such as the embedding beside a prediction layer, do not count.
public struct ArchitectureSummary: Sendable, Hashable {
    /// What mixes the positions of a layer.
    public enum Attention: Sendable, Hashable {
        /// Heads with keys and values that groups of them share; alone if the counts are equal.
        case grouped(headCount: Int, keyValueHeadCount: Int, headDimension: Int)
        /// Heads over one compressed vector a position (DeepSeek-V2, section 2.1), and what
        /// chooses among positions (DeepSeek-V3.2, section 2.1).
        case latent(
            headCount: Int, DeepSeekConfiguration.Latent, DeepSeekConfiguration.Indexer?)
    }

    /// What works on each position of a layer by itself.
    public enum FeedForward: Sendable, Hashable {
        case dense(width: Int)
        /// Networks of which a token passes `perToken` chosen and `shared` fixed ones.
        case experts(count: Int, perToken: Int, shared: Int, width: Int)
    }

    /// The tables of n-grams that a layer reads (Engram, arXiv 2601.07372).
    public struct Memory: Sendable, Hashable {
        /// Rows of all tables of the layer, of which a token reads `rowsPerToken`.
        public let rowCount: Int
        public let rowsPerToken: Int
        public let rowWidth: Int
    }

    /// Layers that follow each other and are built alike.
    public struct LayerGroup: Sendable, Hashable {
        /// Their numbers, from 0.
        public let layers: Range<Int>
        public let attention: Attention
        public let feedForward: FeedForward
        public let memory: Memory?
        /// The parameters of all layers of the group.
        public let parameters: Int
        /// Those of them that one token passes.
        public let activeParameters: Int
    }

    /// The architecture's name, as the configuration gives it: `deepseek_v3`, `deepseek2`.
    public let name: String
    public let hiddenSize: Int
    public let vocabularySize: Int
    public let contextLength: Int
    public let tiesWordEmbeddings: Bool
    /// The layers in their order.
    public let groups: [LayerGroup]
    /// Layers that predict further tokens (DeepSeek-V3, section 2.2); they are no part of `groups`.
    public let predictionLayerCount: Int
    /// The parameters of those layers, without the embedding and head that they share.
    public let predictionParameters: Int
    /// The parameters of the embedding.
    public let embeddingParameters: Int
    /// Parameters without the prediction layers; a tied embedding counts once.
    public let parameters: Int
    /// Parameters that one token passes: layers with the chosen experts, norm and head.
    ///
    /// The embedding, of which one row is looked up, does not count, nor do prediction layers.
    public let activeParameters: Int
    public let cache: CacheSummary

    public var layerCount: Int { groups.last?.layers.upperBound ?? 0 }
}
