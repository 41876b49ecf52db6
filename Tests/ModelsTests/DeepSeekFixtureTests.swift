import FathomCheckpoints
import FathomModels
import FathomTensors
import FathomTestSupport
import Testing

/// DeepSeek's models against Hugging Face transformers and the fixtures' own reference.
@Suite struct DeepSeekFixtureTests {
    /// A case and the largest difference of logits its README allows.
    static let cases: [(name: String, tolerance: Float)] = [
        ("03-deepseek-moe-gqa-norm", 7.2e-4), ("04-v2-group-qlora", 7.4e-4), ("05-v3", 6.9e-4),
        ("06-v3-fp8", 6e-4), ("07-v32", 7.3e-4),
    ]

    /// A case's tokens as a batch of sequences without caches.
    private func batch(_ ids: Tensor) -> Batch {
        let tokens = ids.int64Array().map { Int32($0) }
        let length = ids.shape[1]
        var batch = Batch()
        for row in 0..<ids.shape[0] {
            batch.append(tokens[(row * length)..<((row + 1) * length)], cache: nil)
        }
        return batch
    }

    @Test("logits, hidden states and routing agree with the reference", arguments: cases)
    func agreesWithReference(name: String, tolerance: Float) throws {
        for form in [LatentAttentionForm.absorbed, .plain] {
            var options = ModelOptions.exact
            options.latentForm = form
            let loaded = try ModelLoader.load(.open(Fixtures.path(name)), options)
            let expected = try Fixtures.tensors("\(name)/cases.safetensors")
            var seen: [String: Tensor] = [:]
            let hidden = loaded.model.hiddenStates(batch(try expected.tensor("input_ids"))) {
                seen[$0] = $1
            }
            let logits = loaded.model.logits(hidden)
            #expect(try largestDifference(logits, expected.tensor("logits")) <= tolerance)
            for name in expected.names where name.hasPrefix("hidden.") {
                let reference = try expected.tensor(name)
                let largest = reference.floatArray().map(abs).max() ?? 0
                let found = try #require(seen[name], "\(name) was not observed")
                #expect(
                    try largestDifference(found, reference) <= max(tolerance, 1e-4 * largest),
                    "\(name)")
            }
            for name in expected.names where name.hasPrefix("router.") {
                let found = try #require(seen[name], "\(name) was not observed")
                if name.hasSuffix(".indices") {
                    #expect(try found.int64Array() == expected.tensor(name).int64Array(), "\(name)")
                } else {
                    #expect(
                        try largestDifference(found, expected.tensor(name)) <= tolerance, "\(name)")
                }
            }
            for name in expected.names where name.hasSuffix(".selected") {
                let found = try #require(seen[name], "\(name) was not observed")
                #expect(
                    try found.floatArray() == expected.tensor(name).dequantizedMask(), "\(name)")
            }
        }
    }

    @Test(
        "GGUF files of the architecture deepseek2 give the reference's logits",
        arguments: [("15-gguf-deepseek2-v2lite", Float(4.2e-4)), ("15-gguf-deepseek2-v3", 1.2e-3)])
    func readsGGUF(name: String, tolerance: Float) throws {
        let expected = try Fixtures.tensors("\(name)/cases.safetensors")
        let tokens = try expected.tensor("input_ids").int64Array().map { Int32($0) }
        for form in [LatentAttentionForm.absorbed, .plain] {
            var options = ModelOptions.exact
            options.latentForm = form
            let loaded = try ModelLoader.load(
                .open(Fixtures.path("\(name)/model.gguf")), options)
            let logits = loaded.model.logits(
                loaded.model.hiddenStates(Batch(tokens), observe: nil))
            #expect(try largestDifference(logits, expected.tensor("logits")) <= tolerance)
        }
    }

    @Test("F8 weights times their block scales are the reference's numbers")
    func dequantizesF8() throws {
        let loaded = try ModelLoader.load(.open(Fixtures.path("06-v3-fp8")), .exact)
        let expected = try Fixtures.tensors("06-v3-fp8/cases.safetensors")
        let names = expected.names.filter { $0.hasPrefix("dequant.") }
        #expect(names.count == 4)
        for name in names {
            let parameter = try #require(
                loaded.parameters.loaded.first { "dequant.\($0.name)" == name })
            #expect(try parameter.tensor.floatArray() == expected.tensor(name).floatArray())
        }
    }

    @Test("F8 weights multiplied as they are stored give the reference's logits")
    func multipliesF8() throws {
        let loaded = try ModelLoader.load(.open(Fixtures.path("06-v3-fp8")))
        let expected = try Fixtures.tensors("06-v3-fp8/cases.safetensors")
        #expect(loaded.parameters.matrices.contains { $0.blockScales != nil })
        let logits = loaded.model.logits(
            loaded.model.hiddenStates(batch(try expected.tensor("input_ids")), observe: nil))
        #expect(try largestDifference(logits, expected.tensor("logits")) <= 6e-4)
    }

    @Test("both spellings of a configuration mean the same", arguments: ["05-v3", "07-v32"])
    func readsBothSpellings(name: String) throws {
        let files = try FolderFiles(path: Fixtures.path(name))
        let old = try #require(try files.object(of: "config.json"))
        let new = try #require(try files.object(of: "config.v5.json"))
        #expect(try DeepSeekConfiguration(old) == DeepSeekConfiguration(new))
    }

    @Test(
        "gradients of the loss and of every balance loss agree with PyTorch",
        arguments: ["11-grad-deepseek-moe", "11-grad-v2", "11-grad-v3-mtp"])
    func gradientsAgree(name: String) throws {
        var options = ModelOptions.exact
        options.recordsGradients = true
        let loaded = try ModelLoader.load(.open(Fixtures.path(name)), options)
        let expected = try Fixtures.tensors("\(name)/cases.safetensors")
        func rows(_ name: String) throws -> [[Int32]] {
            let tensor = try expected.tensor(name)
            let (values, length) = (tensor.int64Array().map { Int32($0) }, tensor.shape[1])
            return (0..<tensor.shape[0]).map { Array(values[($0 * length)..<(($0 + 1) * length)]) }
        }
        let balance = BalanceLoss.allCases.filter { expected.contains("balance.\($0.rawValue)") }
        #expect(!balance.isEmpty)
        let hasFurther = expected.contains("loss.mtp")
        let losses = TokenLosses(
            loaded.model, try rows("input_ids"), labels: try rows("labels"),
            predictsFurther: hasFurther, balance: balance)
        var total = losses.main
        if hasFurther { total = total + (try #require(losses.further)) * 0.3 }
        try expectScalar(total, expected.tensor("loss"))
        if hasFurther {
            try expectScalar(losses.main, expected.tensor("loss.main"))
            try expectScalar(#require(losses.further), expected.tensor("loss.mtp"))
            try expectGradients(of: losses.main, "grad_main.", loaded, expected)
        }
        try expectGradients(of: total, "grad.", loaded, expected)
        for loss in balance {
            let value = try #require(losses.balance[loss])
            try expectScalar(value, expected.tensor("balance.\(loss.rawValue)"))
            try expectGradients(of: value, "grad_balance_\(loss.rawValue).", loaded, expected)
        }
    }

    private func expectScalar(_ found: Tensor, _ wanted: Tensor) throws {
        let reference = wanted.floatArray()[0]
        #expect(abs(found.floatArray()[0] - reference) <= 1e-5 * abs(reference))
    }

    private func expectGradients(
        of loss: Tensor, _ prefix: String, _ loaded: LoadedModel, _ expected: SafetensorsFile
    ) throws {
        let gradients = Gradients(of: loss)
        var compared = 0
        for parameter in loaded.parameters.loaded {
            guard expected.contains(prefix + parameter.name) else { continue }
            compared += 1
            let gradient = gradients[parameter.tensor] ?? .zeros(parameter.tensor.shape)
            let wanted = try expected.tensor(prefix + parameter.name)
            let largest = wanted.floatArray().map(abs).max() ?? 0
            #expect(
                try largestDifference(gradient, wanted) <= 1e-4 * largest + 1e-6,
                "\(prefix)\(parameter.name)")
        }
        #expect(compared == expected.names.count { $0.hasPrefix(prefix) })
    }
}

extension Tensor {
    /// A mask of any integer type as floats.
    fileprivate func dequantizedMask() -> [Float] {
        switch dtype {
        case .f32: floatArray()
        case .i64: int64Array().map(Float.init)
        default: withBytes { $0.map(Float.init) }
        }
    }
}
