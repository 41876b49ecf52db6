import FathomTensors
import FathomTestSupport
import Testing

/// Every operation's backward rule against central differences of its forward rule.
@Suite struct GradientTests {
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
    private func check(
        _ inputs: [Tensor], _ name: String, _ function: ([Tensor]) -> Tensor
    ) throws {
        let variables = inputs.map { $0.asVariable() }
        let gradients = Gradients(of: weighed(function(variables)))
        let step: Float = 1 / 128
        for (position, input) in inputs.enumerated() {
            let gradient = try #require(gradients[variables[position]], "\(name) \(position)")
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

    private func random(_ shape: Shape, seed: UInt64) -> Tensor {
        var generator = SeededGenerator(seed: seed)
        return Tensor(generator.floats(shape.elementCount), shape: shape)
    }

    @Test("sums, products and scaling")
    func arithmetic() throws {
        let (a, b) = (random([3, 5], seed: 1), random([3, 5], seed: 2))
        try check([a, b], "+") { $0[0] + $0[1] }
        try check([a, b], "*") { $0[0] * $0[1] }
        try check([a], "scale") { $0[0] * 1.5 }
        try check([a], "used twice") { $0[0] * $0[0] + $0[0] }
    }

    @Test("linear layers, with and without bias, several at once")
    func linearLayers() throws {
        let (x, w) = (random([4, 9], seed: 3), random([7, 9], seed: 4))
        try check([x, w], "linear") { linear($0[0], Matrix($0[1])) }
        try check([x, w, random([7], seed: 5)], "linear with bias") {
            linear($0[0], Matrix($0[1]), bias: $0[2])
        }
        try check([x, w, random([5, 9], seed: 6)], "two linears") {
            let y = linear($0[0], [(Matrix($0[1]), nil), (Matrix($0[2]), nil)])
            return linear(y[0], Matrix(Tensor((0..<7).map(Float.init), shape: [1, 7])))
                + linear(y[1], Matrix(Tensor((0..<5).map(Float.init), shape: [1, 5])))
        }
    }

    @Test("embedding rows, one of them twice")
    func embedding() throws {
        try check([random([5, 6], seed: 7)], "gather") { gather([4, 0, 4], from: Matrix($0[0])) }
    }

    @Test("root-mean-square normalisation")
    func normalisation() throws {
        try check([random([3, 20], seed: 8), random([20], seed: 9)], "rmsNorm") {
            rmsNorm($0[0], weight: $0[1], epsilon: 1e-5)
        }
    }

    @Test("SwiGLU")
    func activation() throws {
        try check([random([3, 18], seed: 10), random([3, 18], seed: 11)], "swiGLU") {
            swiGLU(gate: $0[0], up: $0[1])
        }
    }

    @Test("rotation in both layouts", arguments: [RotaryLayout.halves, .interleaved])
    func rotation(layout: RotaryLayout) throws {
        let angles = RotaryFrequencies(
            dimension: 8, theta: 10_000, scaling: .none, layout: layout
        ).angles([0, 3, 17])
        try check([random([3, 16], seed: 12)], "rotate") { rotate($0[0], headCount: 2, angles) }
    }

    @Test("attention of two sequences, grouped heads, values of another width")
    func attentionOfSequences() throws {
        let shape = AttentionShape(
            headCount: 4, keyValueHeadCount: 2, keyWidth: 4, valueWidth: 3, scale: 0.5)
        let segments = [AttentionSegment(range: 0..<4), AttentionSegment(range: 4..<7)]
        try check(
            [random([7, 16], seed: 13), random([7, 8], seed: 14), random([7, 6], seed: 15)],
            "attention"
        ) { attention(query: $0[0], key: $0[1], value: $0[2], shape, segments) }
    }

    @Test("cross-entropy with labels that do not count")
    func loss() throws {
        try check([random([4, 9], seed: 16)], "crossEntropy") {
            crossEntropy($0[0], labels: [3, -100, 0, 8])
        }
        let nothing = crossEntropy(random([2, 5], seed: 17).asVariable(), labels: [-100, -100])
        #expect(nothing.floatArray() == [0])
    }

    @Test("nothing is recorded without a variable")
    func recordsNothing() {
        let x = random([3, 8], seed: 18)
        let matrix = Matrix(random([4, 8], seed: 19))
        #expect(!linear(x, matrix).isRecorded)
        #expect(!(x + x).isRecorded)
        #expect(!rmsNorm(x, weight: random([8], seed: 20), epsilon: 1e-5).isRecorded)
        #expect(linear(x.asVariable(), matrix).isRecorded)
        #expect(!x.asVariable().detached().isRecorded)
    }
}
