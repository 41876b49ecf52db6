import FathomCheckpoints
import FathomJSON
import FathomModels
import FathomTensors
import FathomTestSupport
import Testing

/// How an Engram memory is configured and stored, and what is refused.
@Suite struct EngramStorageTests {
    private static func object(_ change: (inout JSONObject) -> Void = { _ in }) throws
        -> JSONObject
    {
        var object = try #require(
            JSONValue(parsing: Fixtures.bytes("08-engram/config.json")).objectValue)
        change(&object)
        return object
    }

    private static func lookup() throws -> [Int32] {
        try Fixtures.tensors("08-engram/cases.safetensors").tensor("lookup_table").int64Array()
            .map { Int32($0) }
    }

    // MARK: Configuration

    @Test("a configuration is read, written and read again as the same")
    func roundTrip() throws {
        var configuration = try EngramConfiguration(try Self.object())
        #expect(configuration.layers == [1, 4] && configuration.tableSizes == [211, 307])
        #expect(configuration.headWidth == 8 && configuration.memoryWidth == 64)
        #expect(configuration.dilation == 3 && configuration.streamWidth == 96)
        #expect(configuration.gate == .signedRoot)
        #expect(try EngramConfiguration(configuration.json) == configuration)
        configuration.gate = .plain
        configuration.seed = nil
        configuration.hasProjectionBias = false
        configuration.branchCount = 1
        #expect(try EngramConfiguration(configuration.json) == configuration)
    }

    @Test("a model's configuration holds it as the object 'engram', or not at all")
    func nested() throws {
        let inner = try Self.object {
            $0["hidden_size"] = nil
            $0["hc_mult"] = nil
        }
        let model: JSONObject = ["hidden_size": 24, "engram": .object(inner)]
        let found = try #require(try EngramConfiguration(ofModel: model))
        #expect(found.hiddenSize == 24 && found.branchCount == 1)
        #expect(try EngramConfiguration(ofModel: ["hidden_size": 24]) == nil)
        let error = #expect(throws: ConfigurationError.self) {
            try EngramConfiguration(ofModel: ["hidden_size": 24, "engram": ["pad_id": 2]])
        }
        #expect(error?.field == "engram.max_ngram_size")
    }

    @Test(
        "impossible fields are refused by name",
        arguments: [
            ("engram_vocab_size", [211]), ("engram_vocab_size", [211, -1]),
            ("engram_vocab_size", "many"), ("engram_vocab_size", [1_073_741_824, 1_073_741_824]),
            ("engram_vocab_size", [1, 307]), ("engram_vocab_size", .array([])),
            ("max_ngram_size", 1), ("max_ngram_size", 4), ("max_ngram_size", .null),
            ("n_embed_per_ngram", 33), ("n_embed_per_ngram", 0), ("n_head_per_ngram", 0),
            ("layer_ids", [1, 1]), ("layer_ids", [-1]), ("layer_ids", [1.5]), ("layer_ids", .null),
            ("pad_id", -1), ("seed", -1), ("seed", .number(1e30)), ("kernel_size", 0),
            ("hidden_size", .null), ("hidden_size", 1_099_511_627_776), ("hc_mult", 0),
            ("hc_mult", 65),
            ("gate", "soft"), ("norm_eps", 0), ("conv_norm_eps", -1.0), ("proj_bias", 1),
        ] as [(String, JSONValue)])
    func impossible(field: String, value: JSONValue) throws {
        let object = try Self.object { $0[field] = value }
        let error = #expect(throws: ConfigurationError.self, "\(field) = \(value)") {
            try EngramConfiguration(object)
        }
        let found = try #require(error?.field)
        // A size that does not go with another may be told of by the other's name.
        let others = ["max_ngram_size": "engram_vocab_size"]
        #expect(found == field || found == others[field])
    }

    // MARK: Storage

    /// The fixture's weights with the tables of `EngramTables` beside them, each replaceable.
    private struct Stored {
        let source: ReplacingSource
        let configuration: EngramConfiguration

        init(
            seed: Int? = nil, replacing: [String: Tensor] = [:], removing: Set<String> = [],
            change: (inout EngramConfiguration) -> Void = { _ in }
        ) throws {
            var original = try EngramConfiguration(try EngramStorageTests.object())
            let tables = try EngramTables(
                generatedFor: original, canonicalIDs: try EngramStorageTests.lookup())
            var tensors = Dictionary(
                uniqueKeysWithValues: tables.tensors(root: "").map { ($0.name, $0.tensor) })
            tensors.merge(replacing) { $1 }
            for name in removing { tensors[name] = nil }
            source = ReplacingSource(
                base: try Fixtures.tensors("08-engram/model.safetensors"), tensors: tensors)
            original.seed = seed
            change(&original)
            configuration = original
        }

        func tables() throws -> EngramTables {
            try EngramTables(source, configuration, root: "", path: "model")
        }
    }

    @Test("tables that are written and read again are the same, with a seed and without")
    func storing() throws {
        let stored = try Stored()
        let folder = try TemporaryFolder()
        let path = folder("model.safetensors")
        let names = stored.source.base.names + stored.source.tensors.keys.sorted()
        try SafetensorsWriter.write(
            try names.map { ($0, try stored.source.tensor($0)) }, to: path)
        let file = try SafetensorsFile(path: path)
        var configuration = try EngramConfiguration(try Self.object())
        let expected = try EngramTables(
            generatedFor: configuration, canonicalIDs: try Self.lookup())
        #expect(throws: EngramError.self) {
            var seedless = configuration
            seedless.seed = nil
            return try EngramTables(generatedFor: seedless, canonicalIDs: expected.canonicalIDs)
        }
        for seed in [nil, 0] {
            configuration.seed = seed
            let tables = try EngramTables(file, configuration, root: "", path: path)
            #expect(tables == expected)
        }
        // The layers' parameters are what is left: nothing is missing and nothing over.
        let parameters = CheckpointParameters(
            EngramWeights(file, configuration, root: ""), path: path)
        _ = Engram(ParameterScope(parameters), configuration, expected)
        try parameters.finish()
    }

    @Test("names have the model's root before them")
    func roots() throws {
        let tables = try EngramTables(
            generatedFor: try EngramConfiguration(try Self.object()),
            canonicalIDs: try Self.lookup())
        #expect(
            tables.tensors(root: "model").map(\.name) == [
                "model.engram.lookup_table",
                "model.layers.1.engram.hash.multipliers", "model.layers.1.engram.hash.primes",
                "model.layers.4.engram.hash.multipliers", "model.layers.4.engram.hash.primes",
            ])
    }

    private func refusal(_ stored: Stored) -> EngramError? {
        #expect(throws: EngramError.self) { try stored.tables() }
    }

    private let multipliers = "layers.1.engram.hash.multipliers"
    private let primes = "layers.4.engram.hash.primes"
    private let lookupTable = "engram.lookup_table"

    @Test("multipliers that are even, not positive or too large are refused by name")
    func badMultipliers() throws {
        let largest = Int64.max / 905
        for number in [0, 2, -1, .min, .max, largest + (largest % 2 == 0 ? 1 : 2)] as [Int64] {
            let error = refusal(
                try Stored(replacing: [multipliers: Tensor([1, number, 3], shape: [3])]))
            #expect(error?.name == multipliers)
            #expect(error?.reason == .multiplier(number, canonicalCount: 905))
        }
        let other = Tensor([1, 3, 5] as [Int64], shape: [3])
        // Without a seed any safe ones are a model's own; with one they must be the seed's.
        let own = try Stored(replacing: [multipliers: other]).tables()
        #expect(own.hashes[1]?.multipliers == [1, 3, 5])
        let error = refusal(try Stored(seed: 0, replacing: [multipliers: other]))
        guard case .multipliers([1, 3, 5], _, seed: 0) = error?.reason else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect("\(error.map { "\($0)" } ?? "")".contains("remove 'seed'"))
    }

    @Test("primes that are none, repeated, too small or not the table's are refused by name")
    func badPrimes() throws {
        let tables = try Stored().tables()
        let right = try #require(tables.hashes[4]).primes.joined().map(Int64.init)
        func reason(_ change: (inout [Int64]) -> Void, seed: Int? = nil) throws
            -> EngramError.Reason?
        {
            var numbers = right
            change(&numbers)
            let error = refusal(
                try Stored(
                    seed: seed, replacing: [primes: Tensor(numbers, shape: [2, 4])]))
            return error?.reason
        }
        #expect(try reason { $0[0] = right[0] + 1 } == .notPrime(right[0] + 1))
        #expect(try reason { $0[7] = .max } == .notPrime(.max))
        #expect(try reason { $0[4] = 251 } == .smallPrime(251, size: 307))
        #expect(try reason { $0[4] = -307 } == .smallPrime(-307, size: 307))
        #expect(try reason { $0[1] = right[0] } == .repeatedPrime(right[0]))
        let first = Int64(try #require(tables.hashes[1]).primes[0][0])
        #expect(try reason { $0[0] = first } == .repeatedPrime(first))
        // 1,009 is a prime of no head, so the matrix has too few rows.
        let rows = Int(right.reduce(1009 - right[0], +))
        #expect(try reason { $0[0] = 1009 } == .rowCount(primes: rows, matrix: 2328))
        let swapped = try reason({ $0.swapAt(0, 1) }, seed: 0)
        guard case .primes = swapped else {
            Issue.record("\(String(describing: swapped))")
            return
        }
        // Of the right sum, but the demo's offsets are others.
        let offsets = refusal(
            try Stored(
                replacing: [
                    primes: Tensor([right[1], right[0]] + right[2...], shape: [2, 4])
                ]))
        #expect(offsets?.name == "layers.4.engram.multi_head_embedding.offsets")
    }

    @Test("tables of another size than the configuration's are refused by name")
    func otherSizes() throws {
        let larger = refusal(try Stored { $0.tableSizes = [1000, 1000] })
        #expect(larger?.name == "layers.1.engram.hash.primes")
        let noHeads = refusal(try Stored { $0.headCount = 2 })
        #expect(
            noHeads?.reason == .form(found: "I64 [2, 4]", expected: "I64 [2, 2]"))
        let seeded = refusal(
            try Stored(
                seed: 0, removing: ["layers.1.engram.hash.primes", primes]
            ) { $0.tableSizes = [401, 307] })
        guard case .rowCount(_, matrix: 2138) = seeded?.reason else {
            Issue.record("\(String(describing: seeded))")
            return
        }
    }

    @Test("what is missing or of another type is named, with what to do")
    func missing() throws {
        for name in [multipliers, primes, lookupTable] {
            let error = refusal(try Stored(removing: [name]))
            #expect(error?.name == name)
            guard case .missing = error?.reason else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
        // A seed stands in for the hashes, as in the demo's own checkpoints.
        let seeded = try Stored(seed: 0, removing: [multipliers, primes]).tables()
        #expect(try seeded == Stored().tables())
        let floats = refusal(try Stored(replacing: [multipliers: .zeros([3])]))
        #expect(floats?.reason == .form(found: "F32 [3]", expected: "I64 [3]"))
        let scalar = refusal(
            try Stored(replacing: [lookupTable: Tensor([0] as [Int64], shape: [])]))
        #expect(scalar?.name == lookupTable)
    }

    @Test("a lookup table that is none is refused by name")
    func badLookup() throws {
        let right = try Self.lookup().map(Int64.init)
        func reason(_ change: (inout [Int64]) -> Void) throws -> EngramError.Reason? {
            var ids = right
            change(&ids)
            let error = refusal(
                try Stored(replacing: [lookupTable: Tensor(ids, shape: [ids.count])]))
            return error?.reason
        }
        #expect(
            try reason { $0[0] = 1 } == .lookup(tokenID: 0, found: 1, expected: "0 to 0"))
        #expect(
            try reason { $0[3] = -1 } == .lookup(tokenID: 3, found: -1, expected: "0 to 3"))
        #expect(
            try reason { $0[3] = .max } == .lookup(tokenID: 3, found: .max, expected: "0 to 3"))
        #expect(try reason { $0.append(905) } == .canonicalCount(found: 906, expected: 905))
        #expect(
            try reason { $0 = [0, 1] } == .canonicalCount(found: 2, expected: 905))
        #expect(
            try reason { $0 = [] }
                == .form(
                    found: "a table of 0 tokens", expected: "1 to 16777216 of them"))
        let pad = refusal(try Stored { $0.padID = 1028 })
        #expect(pad?.reason == .padID(1028, tokenCount: 1028))
    }

    @Test("a table or projection of another shape is a parameter error, not a crash")
    func otherShapes() throws {
        let stored = try Stored()
        let source = ReplacingSource(
            base: EngramWeights(stored.source, stored.configuration, root: ""),
            tensors: [
                "layers.1.engram.multi_head_embedding.embedding.weight": .zeros([2138, 4]),
                "layers.4.engram.short_conv.conv.weight": .zeros([96, 3]),
            ])
        let parameters = CheckpointParameters(source, path: "test")
        _ = Engram(ParameterScope(parameters), stored.configuration, try stored.tables())
        let error = #expect(throws: ParameterError.self) { try parameters.finish() }
        #expect(error?.problems.count == 2)
    }

    // MARK: NumPy

    @Test("random numbers are those of numpy.random.default_rng")
    func numPy() {
        // numpy 2.4.6: default_rng(seed).integers(0, 3 << 61, 6), a bound at which every fourth
        // draw is refused.
        let expected: [(UInt64, [UInt64])] = [
            (
                0,
                [
                    4_406_200_961_541_402_851, 1_866_257_423_733_469_356,
                    114_330_398_526_872_074, 6_314_013_200_959_933_085,
                    4_196_420_588_075_033_327, 5_046_313_636_171_151_833,
                ]
            ),
            (
                42,
                [
                    3_035_954_346_590_650_344, 5_939_376_034_059_241_549,
                    4_824_063_583_966_999_348, 6_748_895_937_462_714_196,
                    5_265_205_982_608_349_610, 3_115_557_799_033_939_721,
                ]
            ),
            (
                4_294_967_313,
                [
                    1_099_236_543_307_728_633, 6_234_680_205_781_363_304,
                    4_413_961_129_264_216_971, 3_571_883_643_246_880_425,
                    4_993_255_950_429_674_576, 4_434_294_605_975_828_055,
                ]
            ),
            (
                .max,
                [
                    4_704_104_291_287_875_701, 5_847_468_627_262_246_209,
                    51_211_031_856_877_275, 6_188_200_981_845_299_490,
                    892_120_753_381_440_682, 1_263_746_680_406_939_387,
                ]
            ),
        ]
        for (seed, numbers) in expected {
            var generator = NumPyGenerator(seed: seed)
            let found = numbers.map { _ in generator.integer(below: 3 << 61) }
            #expect(found == numbers, "seed \(seed)")
        }
    }

    @Test("multipliers of other seeds, layers and vocabularies are the demo's")
    func multipliersOfSeeds() throws {
        func found(_ seed: Int, layer: Int, count: Int) throws -> [Int64]? {
            var configuration = try EngramConfiguration(try Self.object())
            configuration.layers = [layer]
            return NGramHash.generated(configuration, canonicalCount: count, seed: seed)[layer]?
                .multipliers
        }
        #expect(
            try found(3, layer: 0, count: 905)
                == [872_899_594_709_841, 2_413_471_165_272_795, 8_166_245_852_188_337])
        #expect(
            try found((1 << 32) + 17, layer: 2, count: 98_627)
                == [50_735_862_925_867, 83_863_020_966_605, 39_862_947_874_221])
        #expect(
            try found(1 << 53, layer: 7, count: 7)
                == [
                    671_734_939_757_715_261, 690_514_528_457_138_727, 535_761_578_473_051_087,
                ])
    }
}
