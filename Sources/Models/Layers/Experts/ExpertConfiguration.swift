public import FathomTensors

/// A mixture of fine-grained experts with shared ones (DeepSeekMoE, arXiv 2401.06066).
public struct ExpertConfiguration: Sendable, Hashable {
    /// What turns a router's logits into scores.
    public enum Scoring: Sendable, Hashable {
        /// Over all routed experts, before the choice.
        case softmax
        case sigmoid
    }

    /// How experts are chosen from the scores.
    public var selection: ExpertSelection
    /// Experts that every token passes; one network of that many times the width.
    public var sharedCount: Int
    /// The width of one expert.
    public var intermediateSize: Int
    /// Layers before the first with experts.
    public var denseLayerCount: Int
    /// Every how many layers after them experts stand.
    public var layerFrequency: Int
    public var scoring: Scoring
    /// Whether a bias per expert takes part in the choice (DeepSeek-V3's balancing).
    public var hasSelectionBias: Bool
    /// Whether a token's weights are divided by their sum.
    public var normalizesWeights: Bool
    /// What the weights of routed experts are multiplied by.
    public var weightScale: Float
    /// The factor of the balance loss.
    public var balanceFactor: Float

    /// Whether a layer has experts.
    public func hasExperts(layer: Int) -> Bool {
        layer >= denseLayerCount && layer % layerFrequency == 0
    }

    public init(
        selection: ExpertSelection, sharedCount: Int, intermediateSize: Int,
        denseLayerCount: Int, layerFrequency: Int, scoring: Scoring, hasSelectionBias: Bool,
        normalizesWeights: Bool, weightScale: Float, balanceFactor: Float
    ) {
        self.selection = selection
        self.sharedCount = sharedCount
        self.intermediateSize = intermediateSize
        self.denseLayerCount = denseLayerCount
        self.layerFrequency = layerFrequency
        self.scoring = scoring
        self.hasSelectionBias = hasSelectionBias
        self.normalizesWeights = normalizesWeights
        self.weightScale = weightScale
        self.balanceFactor = balanceFactor
    }
}
