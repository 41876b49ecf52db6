import FathomCheckpoints
import FathomJSON
import FathomModels
import FathomTensors
import FathomTestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Engram against the published demo, and its own promises.
@Suite struct EngramTests {
    /// The fixture: a configuration, its weights and what the demo computed with them.
    private struct Fixture {
        let configuration: EngramConfiguration
        let weights: SafetensorsFile
        let cases: SafetensorsFile
        let tables: EngramTables

        init(_ change: (inout EngramConfiguration) -> Void = { _ in }) throws {
            let object = try #require(
                JSONValue(parsing: Fixtures.bytes("08-engram/config.json")).objectValue)
            var configuration = try EngramConfiguration(object)
            change(&configuration)
            self.configuration = configuration
            weights = try Fixtures.tensors("08-engram/model.safetensors")
            cases = try Fixtures.tensors("08-engram/cases.safetensors")
            let lookup = try cases.tensor("lookup_table").int64Array().map { Int32($0) }
            tables = try EngramTables(
                weights, configuration, root: "", canonicalIDs: lookup, path: "08-engram")
        }

        func parameters(makesVariables: Bool = false) -> CheckpointParameters {
            CheckpointParameters(
                EngramWeights(weights, configuration, root: ""), path: "08-engram",
                makesVariables: makesVariables)
        }

        func engram(prefetches: Bool = false) throws -> Engram {
            let parameters = parameters()
            let engram = Engram(
                ParameterScope(parameters), configuration, tables, prefetches: prefetches)
            try parameters.finish()
            return engram
        }

        /// The two sequences of 17 tokens as one pass.
        var tokens: [Int32] {
            get throws { try cases.tensor("input_ids").int64Array().map { Int32($0) } }
        }
        let ranges = [0..<17, 17..<34]

        func floats(_ name: String, width: Int) throws -> Tensor {
            let tensor = try cases.tensor(name)
            return tensor.reshaped([tensor.elementCount / width, width])
        }

        var hidden: Tensor { get throws { try floats("hidden_states", width: 96) } }
    }

    /// The largest difference of two elements.
    private func difference(_ a: Tensor, _ b: Tensor) -> Float {
        zip(a.floatArray(), b.floatArray()).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }

    private func bits(_ x: Tensor) -> [UInt32] { x.floatArray().map(\.bitPattern) }

    private func random(_ shape: Shape, seed: UInt64) -> Tensor {
        var generator = SeededGenerator(seed: seed)
        return Tensor(generator.floats(shape.elementCount), shape: shape)
    }

    // MARK: Against the demo

    @Test("canonical ids, multipliers, primes and rows are the demo's", arguments: [1, 4])
    func hashes(layer: Int) throws {
        let fixture = try Fixture()
        let hash = try #require(fixture.tables.hashes[layer])
        func numbers(_ name: String) throws -> [Int64] {
            try fixture.cases.tensor(name).int64Array()
        }
        #expect(try hash.multipliers == numbers("layer.\(layer).multipliers"))
        #expect(try hash.primes.joined().map(Int64.init) == numbers("layer.\(layer).primes"))
        let canonical = fixture.tables.canonical(try fixture.tokens)
        #expect(try canonical.map(Int64.init) == numbers("compressed_ids"))
        #expect(fixture.tables.canonicalPadID == 2)
        let indices = fixture.ranges.flatMap { hash.indices([2, 2] + canonical[$0]) }
        #expect(try indices.map(Int64.init) == numbers("layer.\(layer).hash_ids"))
    }

    @Test("embeddings, gates, values and outputs are the demo's", arguments: [1, 4])
    func values(layer: Int) throws {
        let fixture = try Fixture()
        let engram = try fixture.engram()
        let module = try #require(engram.modules[layer])
        var seen: [String: Tensor] = [:]
        let output = module(
            hidden: try fixture.hidden, ids: fixture.tables.canonical(try fixture.tokens),
            fixture.ranges
        ) { seen[$0] = $1 }
        seen["output"] = output
        for name in ["embeddings", "gates", "value", "short_conv", "output"] {
            let found = try #require(seen[name])
            let expected = try fixture.floats("layer.\(layer).\(name)", width: found.shape.last)
            #expect(found.shape == expected.shape)
            // The fixture's tolerance: float32 sums of 64 and 24 terms of size about 1.
            #expect(difference(found, expected) <= 1e-5, "\(name)")
        }
    }

    @Test("gradients are torch's, of tables by row and whole", arguments: [1, 4])
    func gradients(layer: Int) throws {
        let fixture = try Fixture()
        let canonical = fixture.tables.canonical(try fixture.tokens)
        let parameters = fixture.parameters(makesVariables: true)
        let engram = Engram(ParameterScope(parameters), fixture.configuration, fixture.tables)
        try parameters.finish()
        let module = try #require(engram.modules[layer])
        let hidden = try fixture.hidden.asVariable()
        let weights = Matrix(
            try fixture.floats("layer.\(layer).loss_weights", width: 2 * 17 * 96))
        func gradients(_ output: Tensor) -> Gradients {
            Gradients(of: linear(output.reshaped([1, output.elementCount]), weights))
        }
        func check(_ found: Tensor?, _ name: String) throws {
            let found = try #require(found, "\(name)")
            let expected = try fixture.cases.tensor("layer.\(layer).grad.\(name)")
            let largest = expected.floatArray().map(abs).max() ?? 0
            #expect(found.elementCount == expected.elementCount)
            #expect(difference(found, expected) <= 1e-4 * largest, "\(name)")
        }
        let dense = gradients(module(hidden: hidden, ids: canonical, fixture.ranges))
        try check(dense[hidden], "hidden_states")
        let prefix = "layers.\(layer).engram."
        let own = parameters.loaded.filter { $0.name.hasPrefix(prefix) }
        #expect(own.count == 24)
        for parameter in own {
            try check(dense[parameter.tensor], String(parameter.name.dropFirst(prefix.count)))
        }

        let pass = engram.begin(
            try fixture.tokens,
            fixture.ranges.map { EngramSequence(range: $0, state: engram.initialState) },
            recordsRows: true)
        let sparse = gradients(try #require(pass(layer: layer, hidden: hidden)))
        let rows = try #require(pass.tableRows.first)
        #expect(rows.layer == layer && pass.tableRows.count == 1)
        let parts = try #require(sparse[rows.values]).floatArray()
        let width = fixture.configuration.headWidth
        var whole = [Float](repeating: 0, count: module.hash.rowCount * width)
        for (index, id) in rows.ids.enumerated() {
            for column in 0..<width {
                whole[Int(id) * width + column] = parts[index * width + column]
            }
        }
        try check(
            Tensor(whole, shape: [module.hash.rowCount, width]),
            "multi_head_embedding.embedding.weight")
        // The table itself, as a whole, takes no part.
        #expect(sparse[module.table.tensor] == nil)
        try check(sparse[hidden], "hidden_states")
    }

    // MARK: Works when

    /// The demo's configuration, of which only the numbers of tables are used.
    private func demo(layers: [Int] = [1, 15]) throws -> EngramConfiguration {
        try EngramConfiguration([
            "engram_vocab_size": [646_400, 646_400], "max_ngram_size": 3,
            "n_embed_per_ngram": 512, "n_head_per_ngram": 8,
            "layer_ids": .array(layers.map(JSONValue.integer)), "pad_id": 2, "seed": 0,
            "kernel_size": 4, "hidden_size": 1024, "hc_mult": 4,
        ])
    }

    @Test("works when 1: hashes are those computed with the demo's recipe and V' = 98,627")
    func goldenHashes() throws {
        let hashes = NGramHash.generated(try demo(), canonicalCount: 98_627, seed: 0)
        let (first, second) = (try #require(hashes[1]), try #require(hashes[15]))
        #expect(first.multipliers == [76_993_395_940_407, 4_862_694_818_241, 36_129_212_583_461])
        #expect(
            second.multipliers == [29_055_444_938_695, 56_284_491_166_079, 54_183_298_291_715])
        #expect(
            first.primes == [
                [646403, 646411, 646421, 646423, 646433, 646453, 646519, 646523],
                [646537, 646543, 646549, 646571, 646573, 646577, 646609, 646619],
            ])
        #expect(
            second.primes == [
                [646631, 646637, 646643, 646669, 646687, 646721, 646757, 646771],
                [646781, 646823, 646831, 646837, 646843, 646859, 646873, 646879],
            ])
        // "Only Alexander the Great could tame the horse Bucephalus."
        let ids: [Int32] = [
            1134, 15695, 237, 2049, 1260, 85761, 237, 12071, 36, 9745, 20232, 290, 16,
        ]
        let indices = first.indices([2, 2] + ids)
        func head(_ table: Int) -> [Int] {
            stride(from: table, to: indices.count, by: 16).map { indices[$0] }
        }
        #expect(
            head(0) == [
                456765, 72209, 3253, 124270, 138591, 193605, 359448, 198613, 594065, 102646,
                15030, 640174, 574320,
            ])
        #expect(
            head(15) == [
                507090, 318829, 433003, 567069, 301139, 326802, 350568, 266254, 592526, 503504,
                191297, 115902, 163557,
            ])
    }

    @Test("works when 1: equal n-grams have equal rows anywhere; only the last N tokens count")
    func hashLocality() throws {
        let fixture = try Fixture()
        let hash = try #require(fixture.tables.hashes[1])
        var generator = SeededGenerator(seed: 5)
        var ids = (0..<40).map { _ in Int32.random(in: 0..<905, using: &generator) }
        ids.replaceSubrange(30..<33, with: ids[10..<13])
        func rows(_ ids: [Int32], at position: Int) -> ArraySlice<Int32> {
            hash.rows([2, 2] + ids)[position * 8..<(position + 1) * 8]
        }
        #expect(rows(ids, at: 32).elementsEqual(rows(ids, at: 12)))
        for changed in ids.indices {
            var other = ids
            other[changed] = (other[changed] + 1) % 905
            let isInReach = (18...20).contains(changed)
            #expect(
                rows(other, at: 20).elementsEqual(rows(ids, at: 20)) == !isInReach,
                "token \(changed)")
        }
    }

    @Test("hashes of ids that are none stay within their tables, as in NumPy")
    func strangeIDs() throws {
        let hash = try #require(try Fixture().tables.hashes[4])
        let ids: [Int32] = [-1, .min, .max, 904, -100, 0]
        let indices = hash.indices([2, 2] + ids)
        let primes = Array(hash.primes.joined())
        for (place, index) in indices.enumerated() {
            #expect((0..<primes[place % primes.count]).contains(index))
        }
    }

    @Test("works when 2: primes differ over heads, orders and layers, rows are below them")
    func primes() throws {
        let layers = Array(0..<6)
        let hashes = NGramHash.generated(
            try demo(layers: layers), canonicalCount: 98_627, seed: 3)
        let primes = layers.flatMap { hashes[$0]?.primes.flatMap { $0 } ?? [] }
        #expect(primes.count == 6 * 16)
        #expect(Set(primes).count == primes.count)
        for prime in primes {
            #expect(prime >= 646_400)
            #expect((2...804).allSatisfy { prime % $0 != 0 }, "\(prime)")
        }
        for (layer, hash) in hashes {
            let largest = try #require(hash.multipliers.max())
            let (product, overflow) = largest.multipliedReportingOverflow(by: 98_626)
            #expect(!overflow && product > 0, "layer \(layer)")
        }
    }

    @Test("works when 2: heads collide as often as chance, all heads together never")
    func collisions() throws {
        let hash = try #require(
            NGramHash.generated(try demo(), canonicalCount: 98_627, seed: 0)[1])
        var generator = SeededGenerator(seed: 8)
        // Different pairs of tokens out of ten thousand million.
        let count = 50_000
        var pairs: Set<[Int32]> = []
        while pairs.count < count {
            pairs.insert((0..<2).map { _ in Int32.random(in: 0..<98_627, using: &generator) })
        }
        var heads = [Set<Int>](repeating: [], count: 8)
        var together: Set<[Int]> = []
        for pair in pairs.sorted(by: { ($0[0], $0[1]) < ($1[0], $1[1]) }) {
            let indices = Array(hash.indices([0] + pair).prefix(8))
            for (head, index) in indices.enumerated() { heads[head].insert(index) }
            together.insert(indices)
        }
        #expect(together.count == count)
        for (head, rows) in heads.enumerated() {
            // The expected number of different rows of `count` thrown at random.
            let size = Double(hash.primes[0][head])
            let n = Double(count)
            let expected = size * (1 - pow(1 - 1 / size, n))
            let deviation = (n * n / (2 * size)).squareRoot()
            #expect(abs(Double(rows.count) - expected) < 5 * deviation, "head \(head)")
        }
    }

    /// The module of layer 1 with other taps.
    private func module(
        taps: Tensor, gate: EngramConfiguration.Gate = .signedRoot, makesVariables: Bool = false
    ) throws -> (Fixture, EngramModule) {
        let fixture = try Fixture { $0.gate = gate }
        let name = "layers.1.engram.short_conv.conv.weight"
        let source = ReplacingSource(
            base: EngramWeights(fixture.weights, fixture.configuration, root: ""),
            tensors: [name: taps])
        let parameters = CheckpointParameters(source, path: "test", makesVariables: makesVariables)
        let engram = Engram(ParameterScope(parameters), fixture.configuration, fixture.tables)
        try parameters.finish()
        return (fixture, try #require(engram.modules[1]))
    }

    @Test("works when 4: with taps of zero the output is gate times value, exactly")
    func zeroTaps() throws {
        let (fixture, module) = try module(taps: .zeros([96, 4]))
        var seen: [String: Tensor] = [:]
        let output = module(
            hidden: try fixture.hidden, ids: fixture.tables.canonical(try fixture.tokens),
            fixture.ranges
        ) { seen[$0] = $1 }
        #expect(output.floatArray() == seen["value"]?.floatArray())
        #expect(output.floatArray().contains { abs($0) > 0.01 })
    }

    @Test("works when 4: the convolution is causal and only its taps t - 3i respond")
    func causalTaps() throws {
        let (fixture, module) = try module(taps: random([96, 4], seed: 21))
        let canonical = fixture.tables.canonical(try fixture.tokens)
        let hidden = try fixture.hidden
        let output = module(hidden: hidden, ids: canonical, fixture.ranges).floatArray()
        let changed = 5
        var values = hidden.floatArray()
        for element in 0..<96 { values[changed * 96 + element] *= -0.5 }
        let other = module(
            hidden: Tensor(values, shape: hidden.shape), ids: canonical, fixture.ranges
        ).floatArray()
        for row in 0..<34 {
            let part = row * 96..<(row + 1) * 96
            // 17 begins another sequence.
            let responds = row < 17 && [0, 3, 6, 9].contains(row - changed)
            #expect((output[part] != other[part]) == responds, "row \(row)")
        }
    }

    @Test("works when 4: the gradient of an output to later tokens is zero")
    func causalGradient() throws {
        let (fixture, module) = try module(taps: random([96, 4], seed: 22))
        let canonical = fixture.tables.canonical(try fixture.tokens)
        let hidden = try fixture.hidden.asVariable()
        let output = module(hidden: hidden, ids: canonical, fixture.ranges)
        let row = 11
        let weights = random([1, 96], seed: 23)
        let loss = linear(FathomTensors.rows([Int32(row)], of: output), Matrix(weights))
        let slopes = try #require(Gradients(of: loss)[hidden]).floatArray()
        for other in 0..<34 {
            let isZero = slopes[other * 96..<(other + 1) * 96].allSatisfy { $0 == 0 }
            #expect(isZero != [11, 8, 5, 2].contains(other), "row \(other)")
        }
    }

    @Test("works when 5: streaming equals one pass, bit for bit, however the text is cut")
    func streaming() throws {
        let fixture = try Fixture()
        let engram = try fixture.engram()
        let tokens = try fixture.tokens
        let hidden = try fixture.hidden
        let whole = try #require(
            engram.begin(
                tokens, fixture.ranges.map { EngramSequence(range: $0, state: engram.initialState) }
            )(layer: 4, hidden: hidden))
        let module = try #require(engram.modules[4])
        #expect(
            bits(whole)
                == bits(
                    module(
                        hidden: hidden, ids: fixture.tables.canonical(tokens), fixture.ranges)))
        for sizes in [[1], [2], [3, 1], [16], [5, 7, 4], [1, 15]] {
            var states = [engram.initialState, engram.initialState]
            var parts: [[UInt32]] = [[], []]
            var position = 0
            var index = 0
            while position < 17 {
                let size = min(sizes[index % sizes.count], 17 - position)
                let places = [position..<position + size, 17 + position..<17 + position + size]
                let pass = engram.begin(
                    places.flatMap { tokens[$0] },
                    [0..<size, size..<2 * size].enumerated().map {
                        EngramSequence(range: $1, state: states[$0])
                    })
                let input = Tensor(
                    places.flatMap { hidden[rows: $0].floatArray() }, shape: [2 * size, 96])
                for layer in 0..<6 where layer != 4 { _ = pass(layer: layer, hidden: input) }
                let output = try #require(pass(layer: 4, hidden: input))
                parts[0] += bits(output[rows: 0..<size])
                parts[1] += bits(output[rows: size..<2 * size])
                states = [pass.state(ofSequence: 0), pass.state(ofSequence: 1)]
                position += size
                index += 1
            }
            #expect(parts[0] + parts[1] == bits(whole), "cut into \(sizes)")
            // N - 1 ids and 9 rows of 96 floats in each of two layers.
            #expect(states[0].byteCount == 8 + 2 * 9 * 96 * 4)
        }
    }

    @Test("a sequence goes back to any token of its last pass")
    func refusedTokens() throws {
        let fixture = try Fixture()
        let engram = try fixture.engram()
        let tokens = Array(try fixture.tokens[0..<17])
        let hidden = try fixture.hidden[rows: 0..<17]
        func pass(_ range: Range<Int>, _ state: EngramState) throws -> (EngramPass, Tensor) {
            let pass = engram.begin(
                Array(tokens[range]), [EngramSequence(range: 0..<range.count, state: state)])
            _ = pass(layer: 1, hidden: hidden[rows: range])
            return (pass, try #require(pass(layer: 4, hidden: hidden[rows: range])))
        }
        let whole = try pass(0..<17, engram.initialState).1
        let start = try pass(0..<4, engram.initialState).0.state(ofSequence: 0)
        let draft = try pass(4..<12, start).0
        for kept in 0...8 {
            let rest = 4 + kept..<17
            let state = draft.state(ofSequence: 0, after: kept)
            let output = try pass(rest, state).1
            #expect(bits(output) == bits(whole[rows: rest]), "\(kept) tokens kept")
        }
    }

    @Test("works when 11: prefetching changes no bit, and touches the rows' pages")
    func prefetch() throws {
        let fixture = try Fixture()
        let tokens = try fixture.tokens
        let hidden = try fixture.hidden
        func outputs(prefetches: Bool) throws -> [[UInt32]] {
            let engram = try fixture.engram(prefetches: prefetches)
            let pass = engram.begin(
                tokens, fixture.ranges.map { EngramSequence(range: $0, state: engram.initialState) }
            )
            return try [1, 4].map { bits(try #require(pass(layer: $0, hidden: hidden))) }
        }
        #expect(try outputs(prefetches: true) == outputs(prefetches: false))

        let table = try #require(try fixture.engram().modules[1]).table
        #expect(table.tensor.storage.isMapped)
        let prefetch = TablePrefetch()
        prefetch.request([0, 1, Int32(table.rowCount - 1)], of: table)
        prefetch.waitUntilIdle()
        #expect((1...3).contains(prefetch.pageCount))
        // A table in memory needs none.
        prefetch.request([0], of: Matrix(.zeros([4, 8])))
        prefetch.waitUntilIdle()
        #expect((1...3).contains(prefetch.pageCount))
    }

    @Test("the paper's gate is the plain sigmoid of the product")
    func paperGate() throws {
        func gates(_ gate: EngramConfiguration.Gate) throws -> [Float] {
            let (fixture, module) = try module(taps: .zeros([96, 4]), gate: gate)
            var seen: [Float] = []
            _ = module(
                hidden: try fixture.hidden, ids: fixture.tables.canonical(try fixture.tokens),
                fixture.ranges
            ) { if $0 == "gates" { seen = $1.floatArray() } }
            return seen
        }
        // From a plain gate follows the product, and from this the demo's gate.
        let (plain, rooted) = (try gates(.plain), try gates(.signedRoot))
        #expect(plain.count == 34 * 4)
        for (a, b) in zip(plain, rooted) {
            let product = -log(1 / Double(a) - 1)
            let root = (product < 0 ? -1 : 1) * max(abs(product), 1e-6).squareRoot()
            // The root is steep at 0: an error of 1e-7 in the product is one of 1e-4 there.
            #expect(abs(1 / (1 + exp(-root)) - Double(b)) < 2e-4)
        }
    }

    @Test("one branch is the module of a stream without hyper-connections")
    func singleBranch() throws {
        let (fixture, module) = try module(taps: .zeros([96, 4]))
        var configuration = fixture.configuration
        configuration.branchCount = 1
        let source = ReplacingSource(
            base: EngramWeights(fixture.weights, configuration, root: ""),
            tensors: ["layers.1.engram.short_conv.conv.weight": .zeros([24, 4])])
        let single = EngramModule(
            ParameterScope(CheckpointParameters(source, path: "test"))["layers"][1]["engram"],
            configuration, fixture.tables, layer: 1)
        let canonical = fixture.tables.canonical(try fixture.tokens)
        let hidden = try fixture.hidden
        let whole = module(hidden: hidden, ids: canonical, fixture.ranges)
        let output = single(
            hidden: columns(0..<24, of: hidden), ids: canonical, fixture.ranges)
        #expect(output.floatArray() == columns(0..<24, of: whole).floatArray())
    }
}

/// A checkpoint with some tensors in place of others.
struct ReplacingSource: CheckpointSource {
    let base: any CheckpointSource
    let tensors: [String: Tensor]

    var names: [String] { base.names }

    func info(_ name: String) -> TensorInfo? {
        guard let tensor = tensors[name] else { return base.info(name) }
        return TensorInfo(
            name: name, dtype: tensor.dtype, shape: tensor.shape.sizes,
            byteCount: tensor.byteCount)
    }

    func tensor(_ name: String) throws -> Tensor { try tensors[name] ?? base.tensor(name) }

    func checkIntact() throws { try base.checkIntact() }
}
