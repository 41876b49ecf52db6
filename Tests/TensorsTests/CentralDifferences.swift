import FathomTensors
import FathomTestSupport
import Testing

/// Numbers that follow from a seed.
func random(_ shape: Shape, seed: UInt64) -> Tensor {
    var generator = SeededGenerator(seed: seed)
    return Tensor(generator.floats(shape.elementCount), shape: shape)
}

/// A scalar that weighs every element of a result differently.
private func weighed(_ y: Tensor) -> Tensor {
    var generator = SeededGenerator(seed: 99)
    let weights = Matrix(Tensor(generator.floats(y.elementCount), shape: [1, y.elementCount]))
    return linear(y.reshaped([1, y.elementCount]), weights)
}

/// Compares the gradients of `weighed(function(inputs))` with central differences.
///
/// Differences in F32 carry an error of about `epsilon(y) / step`; with values near 1 and
/// steps of 1/128 a bound of 1/256 of the largest gradient leaves room for it and for the
/// curvature, and is far below any wrong rule.
func checkGradients(
    _ inputs: [Tensor], _ name: String, _ function: ([Tensor]) -> Tensor
) throws {
    let variables = inputs.map { $0.asVariable() }
    let gradients = Gradients(of: weighed(function(variables)))
    let step: Float = 1 / 128
    for (position, input) in inputs.enumerated() {
        let gradient = try #require(gradients[variables[position]], "\(name) \(position)")
        #expect(gradient.shape == input.shape)
        let found = gradient.floatArray()
        let values = input.floatArray()
        let largest = found.map(abs).max() ?? 0
        for index in values.indices {
            func value(_ change: Float) -> Float {
                var changed = values
                changed[index] += change
                var all = inputs
                all[position] = Tensor(changed, shape: input.shape)
                return weighed(function(all)).floatArray()[0]
            }
            let expected = (value(step) - value(-step)) / (2 * step)
            #expect(
                abs(found[index] - expected) <= largest / 256 + 1 / 1024,
                "\(name): input \(position), element \(index): \(found[index]), \(expected)")
        }
    }
}
