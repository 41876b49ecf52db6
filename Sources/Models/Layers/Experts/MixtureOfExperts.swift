import FathomCheckpoints
import FathomTensors

/// A feed-forward layer of routed and shared experts (DeepSeekMoE, arXiv 2401.06066, section 3).
struct MixtureOfExperts: Sendable {
    let router: ExpertRouter
    /// The projections of all routed experts.
    private let gates, ups, downs: [Matrix]
    private let shared: SwiGLU?
    private let layer: Int

    init(
        _ parameters: ParameterScope, _ configuration: ExpertConfiguration, hiddenSize: Int,
        layer: Int
    ) {
        let width = configuration.intermediateSize
        router = ExpertRouter(parameters["gate"], configuration, hiddenSize: hiddenSize)
        let experts = (0..<configuration.selection.expertCount).map { parameters["experts"][$0] }
        gates = experts.map { $0["gate_proj"].matrix(rows: width, columns: hiddenSize) }
        ups = experts.map { $0["up_proj"].matrix(rows: width, columns: hiddenSize) }
        downs = experts.map { $0["down_proj"].matrix(rows: hiddenSize, columns: width) }
        shared =
            configuration.sharedCount == 0
            ? nil
            : SwiGLU(
                parameters["shared_experts"], hiddenSize: hiddenSize,
                intermediateSize: width * configuration.sharedCount)
        self.layer = layer
    }

    /// Maps `[T, C]` to the same shape.
    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) -> Tensor {
        let routing = router(x)
        report(routing, pass)
        let order = ExpertOrder(routing.experts, expertCount: gates.count, tokenCount: x.shape[0])
        let sorted = rows(order.tokens, of: x)
        let parts = linear(sorted, offsets: order.offsets, banks: [gates, ups])
        let mixed = swiGLU(gate: parts[0], up: parts[1])
        let outputs = linear(mixed, offsets: order.offsets, banks: [downs])[0]
        let routed = weightedRows(outputs, weights: routing.weights, places: order.places)
        return shared.map { routed + $0(x) } ?? routed
    }

    private func report(_ routing: Routing, _ pass: ForwardPass) {
        guard pass.isObserved else { return }
        pass.report("router.layer.\(layer).logits", routing.logits)
        pass.report("router.layer.\(layer).scores", routing.scores)
        pass.report("router.layer.\(layer).weights", routing.weights)
        pass.report(
            "router.layer.\(layer).indices",
            Tensor(routing.experts.map(Int64.init), shape: routing.weights.shape))
    }
}

/// The tokens of a pass sorted by expert: each expert then is one matrix product over its tokens.
package struct ExpertOrder {
    /// Where each expert's rows begin; the last entry is their number.
    package let offsets: [Int]
    /// The token of every row.
    package let tokens: [Int32]
    /// The row of every choice, in the order of the choices.
    package let places: [Int32]

    /// Sorts choices `[T · K]` by counting; those of one expert stay in the order of tokens.
    package init(_ experts: [Int32], expertCount: Int, tokenCount: Int) {
        let perToken = tokenCount == 0 ? 0 : experts.count / tokenCount
        var offsets = [Int](repeating: 0, count: expertCount + 1)
        for expert in experts { offsets[Int(expert) + 1] += 1 }
        for expert in 0..<expertCount { offsets[expert + 1] += offsets[expert] }
        var next = offsets
        var tokens = [Int32](repeating: 0, count: experts.count)
        var places = tokens
        for (choice, expert) in experts.enumerated() {
            let row = next[Int(expert)]
            next[Int(expert)] += 1
            tokens[row] = Int32(choice / perToken)
            places[choice] = Int32(row)
        }
        (self.offsets, self.tokens, self.places) = (offsets, tokens, places)
    }
}
