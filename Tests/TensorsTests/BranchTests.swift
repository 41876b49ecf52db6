import FathomTensors
import Testing

/// The causal convolution and the operations on streams of several branches.
@Suite struct BranchTests {
    @Test(
        "a convolution is its formula, tap by tap",
        arguments: [(1, 1), (2, 1), (4, 3), (3, 5)], [0, 1, 2, 7, 33])
    func convolutionFormula(form: (kernelSize: Int, dilation: Int), rows: Int) {
        let width = 5
        let shape = ConvolutionShape(kernelSize: form.kernelSize, dilation: form.dilation)
        let x = random([rows, width], seed: 1)
        let weight = random([width, form.kernelSize], seed: 2)
        let y = causalConvolution(x, weight: weight, shape, [ConvolutionSegment(range: 0..<rows)])
        let (xs, ws, ys) = (x.floatArray(), weight.floatArray(), y.floatArray())
        for row in 0..<rows {
            for channel in 0..<width {
                var sum: Float = 0
                for tap in 0..<form.kernelSize {
                    let source = row - (form.kernelSize - 1 - tap) * form.dilation
                    guard source >= 0 else { continue }
                    sum += ws[channel * form.kernelSize + tap] * xs[source * width + channel]
                }
                #expect(ys[row * width + channel] == sum, "row \(row), channel \(channel)")
            }
        }
    }

    @Test("a convolution cut anywhere gives the same bits, with its history carried on")
    func convolutionInParts() {
        let (rows, width) = (17, 6)
        let shape = ConvolutionShape(kernelSize: 4, dilation: 3)
        let x = random([rows, width], seed: 3)
        let weight = random([width, 4], seed: 4)
        let whole = causalConvolution(
            x, weight: weight, shape, [ConvolutionSegment(range: 0..<rows)])
        let zeros = Tensor.zeros([shape.historyLength, width])
        for cut in 0...rows {
            let padded = zeros.floatArray() + x[rows: 0..<cut].floatArray()
            let history = Tensor(
                Array(padded.suffix(shape.historyLength * width)),
                shape: [shape.historyLength, width])
            let first = causalConvolution(
                x[rows: 0..<cut], weight: weight, shape,
                [ConvolutionSegment(range: 0..<cut, history: zeros)])
            let second = causalConvolution(
                x[rows: cut..<rows], weight: weight, shape,
                [ConvolutionSegment(range: 0..<rows - cut, history: history)])
            let parts = (first.floatArray() + second.floatArray()).map(\.bitPattern)
            #expect(parts == whole.floatArray().map(\.bitPattern), "cut at \(cut)")
        }
    }

    @Test("a convolution's gradients, of two sequences, one of them with a history")
    func convolutionGradient() throws {
        let shape = ConvolutionShape(kernelSize: 3, dilation: 2)
        let segments = [
            ConvolutionSegment(range: 0..<6),
            ConvolutionSegment(range: 6..<11, history: random([4, 3], seed: 5)),
        ]
        try checkGradients([random([11, 3], seed: 6), random([3, 3], seed: 7)], "convolution") {
            causalConvolution($0[0], weight: $0[1], shape, segments)
        }
    }

    @Test("a branch's norm is the norm of the branch alone")
    func branchNormIsNorm() {
        let x = random([5, 21], seed: 8)
        let weights = (0..<3).map { random([7], seed: 9 + UInt64($0)) }
        let y = branchNorm(x, weights: weights, epsilon: 1e-5)
        for branch in 0..<3 {
            let part = columns(branch * 7..<branch * 7 + 7, of: x)
            let expected = rmsNorm(part, weight: weights[branch], epsilon: 1e-5)
            let found = columns(branch * 7..<branch * 7 + 7, of: y)
            #expect(found.floatArray() == expected.floatArray(), "branch \(branch)")
        }
    }

    @Test("norms, products and gates of branches have their gradients")
    func branchGradients() throws {
        let x = random([3, 12], seed: 12)
        let vectors = [random([3, 6], seed: 13), random([3, 6], seed: 14)]
        try checkGradients([x, random([6], seed: 15), random([6], seed: 16)], "branchNorm") {
            branchNorm($0[0], weights: [$0[1], $0[2]], epsilon: 1e-5)
        }
        try checkGradients([x] + vectors, "branchDots") {
            branchDots($0[0], [$0[1], $0[2]], scale: 0.75)
        }
        try checkGradients([random([3, 2], seed: 17), vectors[0]], "branchProducts") {
            branchProducts($0[0], $0[1])
        }
    }

    @Test("SiLU and the signed root have their gradients")
    func elementGradients() throws {
        try checkGradients([random([4, 9], seed: 18)], "silu") { silu($0[0]) }
        // Away from 0, where the root is too steep for differences.
        let values: [Float] = [-2, -0.5, 0.25, 1, 3, -0.75]
        try checkGradients([Tensor(values, shape: [2, 3])], "signedRoot") {
            signedRoot($0[0], floor: 1e-6)
        }
    }

    @Test("the signed root keeps the sign, and below its floor has no slope")
    func signedRootValues() throws {
        let values: [Float] = [4, -9, 0, -0.0, 0.25, -0.25, 1e-8, -1e-8]
        let x = Tensor(values, shape: [8]).asVariable()
        let y = signedRoot(x, floor: 0.25)
        #expect(y.floatArray() == [2, -3, 0, 0, 0.5, -0.5, 0.5, -0.5])
        #expect(signedRoot(Tensor(.nan), floor: 0.25).floatArray()[0].isNaN)
        let ones = Matrix(Tensor([Float](repeating: 1, count: 8), shape: [1, 8]))
        let gradients = Gradients(of: linear(y.reshaped([1, 8]), ones))
        let slopes = try #require(gradients[x]).floatArray()
        #expect(slopes == [0.25, 1 / 6, 0, 0, 1, 1, 0, 0])
    }
}
