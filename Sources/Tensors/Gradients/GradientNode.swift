import Synchronization

/// One recorded result: which results it was made from and how a gradient flows back to them.
///
/// Recording is a property of the data. A tensor is recorded if one of its inputs is, and the
/// first ones are made by `Tensor.variable`. Where no variable takes part, an operation checks
/// its inputs' nodes for `nil` and does nothing else.
package final class GradientNode: @unchecked Sendable {
    /// Given the gradient of this result, the gradients of its inputs, in their order; `nil` for
    /// an input that gets none.
    package typealias Backward = (Tensor) -> [Tensor?]

    /// Increases with every node, so that inputs always have lower numbers than results.
    let number: Int
    let inputs: [GradientNode?]
    let backward: Backward?

    private static let lastNumber = Atomic<Int>(0)

    init(inputs: [GradientNode?], backward: Backward?) {
        number = Self.lastNumber.wrappingAdd(1, ordering: .relaxed).newValue
        self.inputs = inputs
        self.backward = backward
    }
}

extension Tensor {
    /// Whether gradients flow back through this tensor.
    public var isRecorded: Bool { node != nil }

    /// The same values as a variable: operations on it are recorded, and `gradients(of:)` gives
    /// the gradient with respect to it.
    public func asVariable() -> Tensor {
        var copy = self
        copy.node = GradientNode(inputs: [], backward: nil)
        return copy
    }

    /// The same values, cut off from where they came from.
    public func detached() -> Tensor {
        var copy = self
        copy.node = nil
        return copy
    }

    /// This result with its backward rule attached, if any input is recorded.
    package func recorded(
        from inputs: [Tensor], backward: @escaping GradientNode.Backward
    ) -> Tensor {
        guard inputs.contains(where: { $0.node != nil }) else { return self }
        var copy = self
        copy.node = GradientNode(inputs: inputs.map(\.node), backward: backward)
        return copy
    }
}

/// The gradients of a scalar with respect to the variables it was computed from.
public struct Gradients: Sendable {
    private let byNumber: [Int: Tensor]

    /// Walks back from `loss` and adds up the gradients of everything it depends on.
    ///
    /// - Precondition: `loss` is a recorded F32 tensor of one element.
    public init(of loss: Tensor) {
        precondition(loss.elementCount == 1, "a loss has one element, not shape \(loss.shape)")
        guard let root = loss.node else {
            preconditionFailure("the loss depends on no variable")
        }
        var order: [GradientNode] = []
        var seen: Set<Int> = [root.number]
        var stack = [root]
        while let node = stack.popLast() {
            order.append(node)
            for case let input? in node.inputs where seen.insert(input.number).inserted {
                stack.append(input)
            }
        }
        order.sort { $0.number > $1.number }
        var pending = [root.number: Tensor([Float(1)], shape: loss.shape)]
        var variables: [Int: Tensor] = [:]
        for node in order {
            guard let gradient = pending.removeValue(forKey: node.number) else { continue }
            guard let backward = node.backward else {
                variables[node.number] = gradient
                continue
            }
            for (input, part) in zip(node.inputs, backward(gradient)) {
                guard let input, let part else { continue }
                if let sum = pending[input.number] {
                    pending[input.number] = sum + part
                } else {
                    pending[input.number] = part
                }
            }
        }
        byNumber = variables
    }

    /// The gradient with respect to a variable; `nil` if the loss does not depend on it.
    public subscript(variable: Tensor) -> Tensor? {
        variable.node.flatMap { byNumber[$0.number] }
    }
}
