import FathomTensors
import Testing

/// Every operation's backward rule against central differences of its forward rule.
@Suite struct GradientTests {
    @Test("sums, products and scaling")
    func arithmetic() throws {
        let (a, b) = (random([3, 5], seed: 1), random([3, 5], seed: 2))
        try checkGradients([a, b], "+") { $0[0] + $0[1] }
        try checkGradients([a, b], "*") { $0[0] * $0[1] }
        try checkGradients([a], "scale") { $0[0] * 1.5 }
        try checkGradients([a], "used twice") { $0[0] * $0[0] + $0[0] }
    }

    @Test("linear layers, with and without bias, several at once")
    func linearLayers() throws {
        let (x, w) = (random([4, 9], seed: 3), random([7, 9], seed: 4))
        try checkGradients([x, w], "linear") { linear($0[0], Matrix($0[1])) }
        try checkGradients([x, w, random([7], seed: 5)], "linear with bias") {
            linear($0[0], Matrix($0[1]), bias: $0[2])
        }
        try checkGradients([x, w, random([5, 9], seed: 6)], "two linears") {
            let y = linear($0[0], [(Matrix($0[1]), nil), (Matrix($0[2]), nil)])
            return linear(y[0], Matrix(Tensor((0..<7).map(Float.init), shape: [1, 7])))
                + linear(y[1], Matrix(Tensor((0..<5).map(Float.init), shape: [1, 5])))
        }
    }

    @Test("embedding rows, one of them twice")
    func embedding() throws {
        try checkGradients([random([5, 6], seed: 7)], "gather") {
            gather([4, 0, 4], from: Matrix($0[0]))
        }
    }

    @Test("root-mean-square normalisation")
    func normalisation() throws {
        try checkGradients([random([3, 20], seed: 8), random([20], seed: 9)], "rmsNorm") {
            rmsNorm($0[0], weight: $0[1], epsilon: 1e-5)
        }
    }

    @Test("SwiGLU")
    func activation() throws {
        try checkGradients([random([3, 18], seed: 10), random([3, 18], seed: 11)], "swiGLU") {
            swiGLU(gate: $0[0], up: $0[1])
        }
    }

    @Test("rotation in both layouts", arguments: [RotaryLayout.halves, .interleaved])
    func rotation(layout: RotaryLayout) throws {
        let angles = RotaryFrequencies(
            dimension: 8, theta: 10_000, scaling: .none, layout: layout
        ).angles([0, 3, 17])
        try checkGradients([random([3, 16], seed: 12)], "rotate") {
            rotate($0[0], headCount: 2, angles)
        }
    }

    @Test("attention of two sequences, grouped heads, values of another width")
    func attentionOfSequences() throws {
        let shape = AttentionShape(
            headCount: 4, keyValueHeadCount: 2, keyWidth: 4, valueWidth: 3, scale: 0.5)
        let segments = [AttentionSegment(range: 0..<4), AttentionSegment(range: 4..<7)]
        try checkGradients(
            [random([7, 16], seed: 13), random([7, 8], seed: 14), random([7, 6], seed: 15)],
            "attention"
        ) { attention(query: $0[0], key: $0[1], value: $0[2], shape, segments) }
    }

    @Test("cross-entropy with labels that do not count")
    func loss() throws {
        try checkGradients([random([4, 9], seed: 16)], "crossEntropy") {
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

    @Test("columns and heads put together")
    func heads() throws {
        let (x, y) = (random([3, 12], seed: 30), random([3, 6], seed: 31))
        try checkGradients([x], "columns") { columns(1..<3, of: $0[0], headCount: 3) }
        try checkGradients([x, y], "joinHeads") { joinHeads($0[0], $0[1], headCount: 3) }
        try checkGradients([x, random([3, 2], seed: 32)], "joinHeads shared") {
            joinHeads($0[0], $0[1], headCount: 3, sharesSecond: true)
        }
    }

    @Test("routing: scores, choices, weighted rows")
    func routing() throws {
        let x = random([4, 6], seed: 33)
        try checkGradients([x], "softmax") { softmax($0[0]) }
        try checkGradients([x], "sigmoid") { sigmoid($0[0]) }
        try checkGradients([x], "rows") { rows([2, 0, 2, 3], of: $0[0]) }
        try checkGradients([x], "elements") {
            elements([1, 4, 0, 5, 2, 3, 0, 1], perRow: 2, of: $0[0])
        }
        let positive = Tensor(x.floatArray().map { abs($0) + 0.5 }, shape: x.shape)
        try checkGradients([positive], "normalizedRows") { normalizedRows($0[0], epsilon: 0.1) }
        try checkGradients([x], "weightedSum") {
            weightedSum($0[0], (0..<24).map { Float($0) - 9 })
        }
        try checkGradients([random([8, 5], seed: 34), random([4, 2], seed: 35)], "weightedRows") {
            weightedRows($0[0], weights: $0[1], places: [3, 0, 7, 1, 2, 4, 6, 5])
        }
    }

    @Test("experts, one of them without tokens")
    func experts() throws {
        let weights = (0..<4).map { random([3, 5], seed: UInt64(40 + $0)) }
        let others = (0..<4).map { random([2, 5], seed: UInt64(50 + $0)) }
        let x = random([6, 5], seed: 36)
        for bank in 0..<2 {
            // The third expert of each bank gets no token, so no gradient either.
            let used = [0, 1, 3]
            let inputs = [x] + used.map { bank == 0 ? weights[$0] : others[$0] }
            try checkGradients(inputs, "bank \(bank)") { inputs in
                var own = bank == 0 ? weights : others
                for (place, expert) in used.enumerated() { own[expert] = inputs[place + 1] }
                let banks = bank == 0 ? [own, others] : [weights, own]
                return linear(
                    inputs[0], offsets: [0, 2, 3, 3, 6], banks: banks.map { $0.map { Matrix($0) } })[
                        bank]
            }
        }
    }

    @Test("layer normalisation")
    func layerNormalisation() throws {
        try checkGradients(
            [random([3, 7], seed: 37), random([7], seed: 38), random([7], seed: 39)], "layerNorm"
        ) { layerNorm($0[0], weight: $0[1], bias: $0[2], epsilon: 1e-5) }
    }

    @Test("attention over chosen keys, and an indexer's distance from it")
    func chosen() throws {
        let shape = AttentionShape(
            headCount: 2, keyValueHeadCount: 2, keyWidth: 3, valueWidth: 4, scale: 0.7)
        let positions: [[Int32]] = [[0], [0, 1], [0, 2], [0], [1]]
        let ranges = [0..<3, 3..<5]
        let (query, key) = (random([5, 6], seed: 60), random([5, 6], seed: 61))
        try checkGradients([query, key, random([5, 8], seed: 62)], "maskedAttention") {
            maskedAttention(query: $0[0], key: $0[1], value: $0[2], shape, ranges, positions)
        }
        let shares = attentionShares(query: query, key: key, shape, ranges, positions)
        for (row, share) in shares.enumerated() {
            #expect(share.count == positions[row].count)
            #expect(abs(share.reduce(0, +) - 1) < 1e-6)
        }
        let index = AttentionShape(
            headCount: 3, keyValueHeadCount: 1, keyWidth: 4, valueWidth: 4, scale: 0.5,
            valuesAreInKeys: true)
        try checkGradients(
            [random([5, 12], seed: 63), random([5, 4], seed: 64), random([5, 3], seed: 65)],
            "indexDivergence"
        ) {
            indexDivergence(
                query: $0[0], key: $0[1], weights: $0[2], index, ranges, positions, shares: shares)
        }
    }
}
