public import FathomTensors

/// The losses of a language model on sequences with labels.
///
/// Labels are aligned with the tokens: position i predicts label i + 1, and -100 does not count.
public struct TokenLosses {
    /// The mean of `-log p` of the next token.
    public let main: Tensor

    /// The same for the token after the next, by the model's prediction layer.
    public let further: Tensor?

    /// The losses of the indexers over the keys they chose, and over all keys, summed over layers;
    /// absent without indexers.
    public let indexer, denseIndexer: Tensor?

    /// Balance losses, summed over the layers with experts.
    public let balance: [BalanceLoss: Tensor]

    /// Runs the sequences in one pass.
    ///
    /// - Parameters:
    ///   - labels: as many as tokens of each sequence.
    ///   - predictsFurther: whether the prediction layer's loss is wanted.
    ///   - trainsIndexer: whether the indexers' losses are wanted.
    /// - Precondition: ids and labels lie in the vocabulary or are -100; a model with experts if
    ///   balance losses are wanted, with a prediction layer if further tokens are.
    public init(
        _ model: any CausalModel, _ sequences: [[Int32]], labels: [[Int32]],
        predictsFurther: Bool = false, balance: [BalanceLoss] = [], trainsIndexer: Bool = false
    ) {
        var batch = Batch()
        for sequence in sequences { batch.append(sequence, cache: nil) }
        let ranges = batch.sequences.map(\.range)
        let experts = (model as? any ExpertModel)?.expertConfiguration
        var scores: Tensor?
        var sums: [BalanceLoss: Tensor] = [:]
        var (chosenKeys, allKeys): (Tensor?, Tensor?)
        let hidden = model.hiddenStates(
            batch,
            observe: balance.isEmpty && !trainsIndexer
                ? nil
                : { name, tensor in
                    if name.hasPrefix("indexer.layer.") {
                        if name.hasSuffix(".loss") {
                            chosenKeys = chosenKeys.map { $0 + tensor } ?? tensor
                        } else if name.hasSuffix(".dense_loss") {
                            allKeys = allKeys.map { $0 + tensor } ?? tensor
                        }
                    }
                    guard let experts, name.hasPrefix("router.layer.") else { return }
                    if name.hasSuffix(".scores") { scores = tensor }
                    guard name.hasSuffix(".indices"), let scores else { return }
                    let chosen = tensor.int64Array().map { Int32($0) }
                    for loss in balance {
                        let value = loss(
                            scores: scores, experts: chosen, sequences: ranges, experts)
                        sums[loss] = sums[loss].map { $0 + value } ?? value
                    }
                })
        main = crossEntropy(
            model.logits(hidden), labels: labels.flatMap { $0.dropFirst() + [-100] })
        self.balance = sums
        (indexer, denseIndexer) = trainsIndexer ? (chosenKeys, allKeys) : (nil, nil)
        guard predictsFurther, let model = model as? any TokenPredictingModel else {
            further = nil
            return
        }
        let logits = model.furtherLogits(hidden, batch) { sequence, offset in
            sequences[sequence].dropFirst(offset + 1).first
        }
        further = crossEntropy(
            logits.logits,
            labels: zip(labels, logits.ranges).flatMap { labels, range in
                (0..<range.count).map { $0 + 2 < labels.count ? labels[$0 + 2] : -100 }
            })
    }
}
