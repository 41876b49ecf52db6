import FathomCheckpoints
import FathomJSON
import FathomModels
import FathomTensors
import FathomTestSupport
import Testing

/// The lines 'Works when' of the fact sheets of DeepSeekMoE, V2, V3 and V3.2 that concern running a
/// model and that no fixture proves, each by its number.
@Suite struct WorksWhenTests {
    private func random(_ shape: Shape, seed: UInt64, scale: Float = 1) -> Tensor {
        var generator = SeededGenerator(seed: seed)
        return Tensor(
            (0..<shape.elementCount).map { _ in Float.random(in: -scale...scale, using: &generator)
            },
            shape: shape)
    }

    private func logits(_ name: String, _ tokens: [Int32], _ options: ModelOptions = .exact) throws
        -> Tensor
    {
        let model = try ModelLoader.load(.open(Fixtures.path(name)), options).model
        return model.logits(model.hiddenStates(Batch(tokens), observe: nil))
    }

    private let tokens: [Int32] = (0..<40).map { Int32($0 * 37 % 300) }

    // MARK: DeepSeekMoE

    @Test("MoE 7: the balance loss is its factor at uniform routing, and more where it is skewed")
    func balanceAtUniformRouting() {
        let configuration = experts(count: 4, perToken: 2, factor: 0.01)
        // Tokens take the pairs (0, 1) and (2, 3) in turn; all scores are equal.
        let uniform = Tensor([Float](repeating: 0.25, count: 8 * 4), shape: [8, 4]).asVariable()
        let even = (0..<8).flatMap { $0 % 2 == 0 ? [0, 1] : [2, 3] as [Int32] }
        let skewed = (0..<8).flatMap { _ in [0, 1] as [Int32] }
        let leaning = Tensor(
            (0..<8).flatMap { _ in [0.4, 0.4, 0.1, 0.1] as [Float] }, shape: [8, 4])
        for loss in [BalanceLoss.sequence, .batch, .device, .communication] {
            let value = loss(scores: uniform, experts: even, sequences: [0..<8], configuration)
            #expect(abs(value.floatArray()[0] - 0.01) < 1e-7, "\(loss)")
            let more = loss(scores: leaning, experts: skewed, sequences: [0..<8], configuration)
            #expect(more.floatArray()[0] > 0.0101, "\(loss)")
            // The loads are constants: the gradient is theirs, whatever the scores.
            let slope = Gradients(of: value)[uniform]
            #expect(slope?.floatArray().allSatisfy { abs($0 - 0.01 / 8) < 1e-7 } == true)
        }
    }

    @Test("MoE 8: grouped experts equal the naive loop, and an expert may get no token")
    func groupedExperts() {
        let (count, width, inner) = (5, 24, 16)
        let x = random([9, width], seed: 1)
        // Expert 3 gets none.
        let chosen: [Int32] = (0..<9).flatMap { $0 % 2 == 0 ? [0, 4] : [1, 2] as [Int32] }
        let weights = random([9, 2], seed: 2)
        let banks = (0..<3).map { bank in
            (0..<count).map { expert in
                Matrix(
                    random(
                        bank == 2 ? [width, inner] : [inner, width],
                        seed: UInt64(10 * bank + expert)))
            }
        }
        let order = ExpertOrder(chosen, expertCount: count, tokenCount: 9)
        let parts = linear(
            rows(order.tokens, of: x), offsets: order.offsets, banks: [banks[0], banks[1]])
        let outputs = linear(
            swiGLU(gate: parts[0], up: parts[1]), offsets: order.offsets, banks: [banks[2]])[0]
        let grouped = weightedRows(outputs, weights: weights, places: order.places).floatArray()
        var naive = [Float](repeating: 0, count: 9 * width)
        for token in 0..<9 {
            for slot in 0..<2 {
                let (row, expert) = (x[rows: token..<(token + 1)], Int(chosen[token * 2 + slot]))
                let y = linear(
                    swiGLU(gate: linear(row, banks[0][expert]), up: linear(row, banks[1][expert])),
                    banks[2][expert]
                ).floatArray()
                for column in 0..<width {
                    naive[token * width + column] +=
                        weights.floatArray()[token * 2 + slot] * y[column]
                }
            }
        }
        #expect(zip(grouped, naive).allSatisfy { abs($0 - $1) <= 1e-5 })
        #expect(order.offsets[3] == order.offsets[4])
    }

    private func experts(count: Int, perToken: Int, factor: Float) -> ExpertConfiguration {
        ExpertConfiguration(
            selection: ExpertSelection(expertCount: count, perToken: perToken), sharedCount: 0,
            intermediateSize: 8, denseLayerCount: 0, layerFrequency: 1, scoring: .softmax,
            hasSelectionBias: false, normalizesWeights: false, weightScale: 1,
            balanceFactor: factor)
    }

    // MARK: DeepSeek-V2

    @Test(
        "V2 1 and V3 4: absorbed and plain attention agree, with and without compressed queries",
        arguments: ["04-v2-group-qlora", "05-v3", "15-gguf-deepseek2-v2lite/model.gguf"])
    func absorbedEqualsPlain(name: String) throws {
        var plain = ModelOptions.exact
        plain.latentForm = .plain
        #expect(try largestDifference(logits(name, tokens), logits(name, tokens, plain)) < 1e-4)
    }

    @Test("V2 6: experts of a token lie in few groups, which are chosen by their largest score")
    func deviceLimitedRouting() {
        let selection = ExpertSelection(
            expertCount: 32, perToken: 6, groupCount: 8, keptGroups: 3, groupScore: .largest)
        let scores = softmax(random([200, 32], seed: 3, scale: 3))
        let chosen = selection.choose(scores)
        let values = scores.floatArray()
        for token in 0..<200 {
            let experts = chosen[(token * 6)..<(token * 6 + 6)].map(Int.init)
            let groups = Set(experts.map { $0 / 4 })
            #expect(groups.count <= 3 && Set(experts).count == 6 && experts == experts.sorted())
            let best = groupsOfFour(values, token).map { $0.max() ?? 0 }
            let kept = best.indices.sorted { best[$0] > best[$1] }.prefix(3)
            #expect(groups.isSubset(of: kept))
        }
    }

    /// The scores of a token's 32 experts by groups.
    private func groupsOfFour(_ values: [Float], _ token: Int) -> [[Float]] {
        (0..<8).map { group in
            let start = token * 32 + group * 4
            return Array(values[start..<(start + 4)])
        }
    }

    @Test("V2 9 and V3 10: the scale of attention with YaRN")
    func yarnScale() {
        func scale(_ mscale: Double) -> Double {
            let factor = yarnFactor(40, mscale)
            return factor * factor / 192.0.squareRoot()
        }
        #expect(abs(scale(0.707) - 0.114721) < 1e-6)
        #expect(abs(scale(1) - 0.135234) < 1e-6)
        #expect(yarnFactor(1, 1) == 1)
    }

    // MARK: DeepSeek-V3

    @Test("V3 1: the bias moves the choice and not the weights; groups are judged by two experts")
    func biasedRouting() {
        let selection = ExpertSelection(
            expertCount: 32, perToken: 8, groupCount: 8, keptGroups: 4, groupScore: .twoLargest)
        let scores = sigmoid(random([100, 32], seed: 4, scale: 3))
        let bias = random([32], seed: 5, scale: 0.5)
        let plain = selection.choose(scores)
        let biased = selection.choose(scores, bias: bias)
        #expect(plain != biased)
        let (values, offsets) = (scores.floatArray(), bias.floatArray())
        for token in 0..<100 {
            let experts = biased[(token * 8)..<(token * 8 + 8)].map(Int.init)
            let groups = Set(experts.map { $0 / 4 })
            #expect(groups.count <= 4)
            let moved = (0..<32).map { values[token * 32 + $0] + offsets[$0] }
            let sums = groupsOfFour(moved, 0).map { $0.sorted().suffix(2).reduce(0, +) }
            let kept = sums.indices.sorted { sums[$0] > sums[$1] }.prefix(4)
            #expect(groups.isSubset(of: kept))
        }
        let weights =
            normalizedRows(elements(biased, perRow: 8, of: scores), epsilon: 1e-20) * 2.5
        for token in 0..<100 {
            let own = weights.floatArray()[(token * 8)..<(token * 8 + 8)]
            #expect(abs(own.reduce(0, +) - 2.5) < 1e-5)
        }
    }

    @Test("V3 1: a group that was not kept is out, however negative the bias of the others")
    func negativeBias() {
        let selection = ExpertSelection(
            expertCount: 4, perToken: 2, groupCount: 2, keptGroups: 1, groupScore: .twoLargest)
        let scores = Tensor([0.1, 0.2, 0.05, 0.1], shape: [1, 4])
        let bias = Tensor([-3, -3, -4, -4] as [Float], shape: [4])
        #expect(selection.choose(scores, bias: bias) == [0, 1])
    }

    @Test("V3 2: without bias and groups it is the plain choice of the largest")
    func plainChoice() {
        let scores = sigmoid(random([50, 16], seed: 6, scale: 3))
        let chosen = ExpertSelection(
            expertCount: 16, perToken: 4, groupScore: .twoLargest
        ).choose(scores, bias: .zeros([16]))
        let values = scores.floatArray()
        for token in 0..<50 {
            let row = Array(values[(token * 16)..<(token * 16 + 16)])
            let best = row.indices.sorted { row[$0] > row[$1] }.prefix(4).sorted()
            #expect(chosen[(token * 4)..<(token * 4 + 4)].map(Int.init) == best)
        }
    }

    @Test("V2 2 and V3 5: the cache holds the latent and the rotary key of a layer, no more")
    func cacheSize() throws {
        let model = try ModelLoader.load(.open(Fixtures.path("05-v3"))).model
        // (32 + 16) elements of two bytes in three layers.
        #expect(model.cacheLayout.bytesPerPosition == 48 * 2 * 3)
    }

    @Test("V3 7: the prediction layer leaves the main logits as they are")
    func withoutPredictionLayer() throws {
        let with = try logits("11-grad-v3-mtp", tokens.map { $0 % 61 })
        let folder = try TemporaryFolder()
        let files = try FolderFiles(path: Fixtures.path("11-grad-v3-mtp"))
        let object = try #require(try files.object(of: "config.json"))
        var pairs = object.map { ($0.key, $0.value) }
        pairs.removeAll { $0.0 == "num_nextn_predict_layers" }
        let configuration = JSONValue.object(JSONObject(pairs)).serialized()
        try folder.write(Array(configuration.utf8), to: "config.json")
        let source = try Fixtures.tensors("11-grad-v3-mtp/model.safetensors")
        try SafetensorsWriter.write(
            source.names.filter { !$0.hasPrefix("model.layers.2.") }
                .map { ($0, try source.tensor($0)) },
            to: folder("model.safetensors"))
        let model = try ModelLoader.load(.open(folder.path), .exact).model
        let without = model.logits(
            model.hiddenStates(Batch(tokens.map { $0 % 61 }), observe: nil))
        #expect(without.floatArray() == with.floatArray())
    }

    @Test("V3 8: F8 with a scale for each 128 by 128 keeps every number to a sixteenth")
    func f8RoundTrip() {
        // 576 rows end in half a block.
        let weights = random([576, 200], seed: 7)
        let values = weights.floatArray()
        let shape = Matrix.scaleShape(of: [576, 200])
        #expect(shape == [5, 2])
        var scales = [Float](repeating: 0, count: 10)
        for (index, value) in values.enumerated() {
            let block = index / 200 / 128 * 2 + index % 200 / 128
            scales[block] = max(scales[block], abs(value) / 448)
        }
        let scaled = values.enumerated().map { index, value in
            value / scales[index / 200 / 128 * 2 + index % 200 / 128]
        }
        let matrix = Matrix(
            Tensor(scaled, shape: [576, 200]).converted(to: .f8e4m3),
            blockScales: Tensor(scales, shape: [5, 2]))
        let restored = matrix.dequantized().floatArray()
        // Normal numbers begin at 2^-6 of the scaled values.
        for (index, (value, back)) in zip(values, restored).enumerated()
        where abs(scaled[index]) >= 0x1p-6 {
            #expect(abs(back - value) <= abs(value) * 0x1p-4)
        }
    }

    // MARK: DeepSeek-V3.2

    @Test("V3.2 1: with no more positions than kept keys, sparse attention is dense, bit for bit")
    func sparseEqualsDense() {
        let shape = AttentionShape(
            headCount: 4, keyValueHeadCount: 1, keyWidth: 48, valueWidth: 32, scale: 0.2,
            valuesAreInKeys: true)
        let query = random([30, 4 * 48], seed: 8)
        let key = random([30, 48], seed: 9)
        let segments = [AttentionSegment(range: 0..<12), AttentionSegment(range: 12..<30)]
        let positions = segments.flatMap { segment in
            (0..<segment.range.count).map { Array(0...Int32($0)) }
        }
        let sparse = sparseAttention(query: query, key: key, shape, segments, positions: positions)
        let dense = attention(query: query, key: key, shape, segments)
        #expect(sparse.floatArray() == dense.floatArray())
    }

    @Test("V3.2 2: masked and gathered attention give the same output for the same keys")
    func maskedEqualsGathered() throws {
        var masked = ModelOptions.exact
        masked.latentForm = .plain
        #expect(
            try largestDifference(logits("07-v32", tokens), logits("07-v32", tokens, masked)) < 1e-4
        )
    }

    @Test("V3.2 3: a Hadamard rotation of queries and keys changes no choice and no score")
    func hadamard() {
        let shape = AttentionShape(
            headCount: 4, keyValueHeadCount: 1, keyWidth: 32, valueWidth: 32, scale: 0.2,
            valuesAreInKeys: true)
        let (query, key) = (random([40, 4 * 32], seed: 10), random([40, 32], seed: 11))
        let weights = random([40, 4], seed: 12)
        func choose(_ query: Tensor, _ key: Tensor) -> [[Int32]] {
            chosenKeys(
                query: query, key: key, weights: weights, shape, keep: 7,
                [AttentionSegment(range: 0..<40)])
        }
        #expect(choose(query, key) == choose(rotated(query, 32), rotated(key, 32)))
        let dots = { (a: Tensor, b: Tensor) in
            zip(a.floatArray().prefix(32), b.floatArray().prefix(32)).reduce(Float(0)) {
                $0 + $1.0 * $1.1
            }
        }
        #expect(abs(dots(query, key) - dots(rotated(query, 32), rotated(key, 32))) < 1e-5)
    }

    /// Every `width` elements times the Hadamard matrix over the root of `width`.
    private func rotated(_ x: Tensor, _ width: Int) -> Tensor {
        let source = x.floatArray()
        let values = source.indices.map { index in
            let (start, row) = (index / width * width, index % width)
            return (0..<width).reduce(Float(0)) { sum, column in
                let sign: Float = (row & column).nonzeroBitCount % 2 == 0 ? 1 : -1
                return sum + sign * source[start + column]
            } / Float(width).squareRoot()
        }
        return Tensor(values, shape: x.shape)
    }

    @Test("V3.2 5: the indexer learns from its own loss only, and nothing else does")
    func indexerGradients() throws {
        var options = ModelOptions.exact
        options.recordsGradients = true
        let loaded = try ModelLoader.load(.open(Fixtures.path("07-v32")), options)
        let sequence = Array(tokens.prefix(20))
        let losses = TokenLosses(
            loaded.model, [sequence], labels: [sequence], trainsIndexer: true)
        let indexer = try #require(losses.indexer)
        let dense = try #require(losses.denseIndexer)
        #expect(indexer.floatArray()[0] > 0 && dense.floatArray()[0] > 0)
        let (main, own) = (Gradients(of: losses.main), Gradients(of: indexer))
        var moved = 0
        // The bias that moves the choice of experts has no gradient at all.
        for parameter in loaded.parameters.loaded
        where !parameter.name.hasSuffix("e_score_correction_bias") {
            let isIndexer = parameter.name.contains(".indexer.")
            #expect((main[parameter.tensor] == nil) == isIndexer, "\(parameter.name)")
            #expect((own[parameter.tensor] == nil) != isIndexer, "\(parameter.name)")
            if isIndexer, own[parameter.tensor]?.floatArray().contains(where: { $0 != 0 }) == true {
                moved += 1
            }
        }
        #expect(moved == 3 * 5)
    }
}
