import FathomCheckpoints
import FathomGeneration
import FathomTensors
import FathomTestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Damaged weights")
struct DamagedWeightsTests {
    private static let fixture = "15-gguf-llama-q8_0/model.gguf"

    /// Why generating fails, and how many tokens there were before.
    private func failure(
        _ model: LanguageModel, _ sampling: SamplingParameters
    ) async -> (error: (any Error)?, tokens: Int) {
        var request = GenerationRequest(
            prompt: [5, 6, 7], sampling: sampling, maximumTokens: 100)
        request.stopTokens = []
        request.alternatives = 0
        var count = 0
        do {
            for try await event in model.generate(request) {
                if case .token = event { count += 1 }
            }
            return (nil, count)
        } catch {
            return (error, count)
        }
    }

    @Test(
        "that are no numbers load, are found by a check, and end generation before its first token",
        arguments: [
            SamplingParameters(), SamplingParameters(temperature: 1, seed: 1),
            SamplingParameters(temperature: 0.6, topP: 0.95, seed: 1),
            SamplingParameters(temperature: 1, topK: 5, minP: 0.1, seed: 1),
            SamplingParameters(temperature: 0, repetitionPenalty: 1.1),
        ], [Float.nan, .infinity])
    func notANumber(sampling: SamplingParameters, value: Float) async throws {
        let folder = try TemporaryFolder()
        let source = try GGUFFile(path: Fixtures.path(Self.fixture))
        let writer = try GGUFWriter(
            path: folder("model.gguf"), metadata: source.metadata,
            source.names.compactMap { source.info($0) })
        for name in source.names {
            var tensor = try source.tensor(name)
            if name == "output_norm.weight" {
                var values = tensor.floatArray()
                values[3] = value
                tensor = Tensor(values, shape: tensor.shape)
            }
            try writer.write(tensor, as: name)
        }
        try writer.finish()
        let damaged = try GGUFFile(path: folder("model.gguf"))
        #expect(try damaged.tensor("output_norm.weight").nonFiniteCount == 1)
        #expect(try damaged.tensor("token_embd.weight").nonFiniteCount == 0)
        let model = try LanguageModel.load(from: folder("model.gguf"))
        let (error, tokens) = await failure(model, sampling)
        guard case .notANumber? = error as? GenerationError else {
            Issue.record("\(String(describing: error)) after \(tokens) tokens")
            return
        }
        #expect(tokens == 0)
    }

    @Test(
        "whose file is cut short or written over end generation with an error that names it",
        arguments: [true, false])
    func changedFile(isCut: Bool) async throws {
        let folder = try TemporaryFolder()
        let bytes = try Fixtures.bytes(Self.fixture)
        let path = try folder.write(bytes, to: "model.gguf")
        let model = try LanguageModel.load(from: path)
        if isCut {
            #expect(truncate(path, 5000) == 0)
        } else {
            try folder.write(bytes, to: "model.gguf")
        }
        let (error, tokens) = await failure(model, .init())
        #expect("\(try #require(error))".contains(path))
        #expect(tokens == 0)
        // The process lives, and reads the mended file anew.
        try folder.write(bytes, to: "model.gguf")
        let again = try LanguageModel.load(from: path)
        #expect(await failure(again, .init()).tokens == 100)
    }
}
