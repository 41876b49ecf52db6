import FathomCheckpoints
import FathomGeneration
import FathomJSON
import FathomTensors
import FathomTestSupport
import Testing

@Suite struct SamplingTests {
    @Test("filters give what Hugging Face's logits processors give")
    func agreesWithReference() throws {
        let expected = try Fixtures.tensors("14-samplers/cases.safetensors")
        let text = String(decoding: try Fixtures.bytes("14-samplers/cases.json"), as: UTF8.self)
        let cases = try #require(try JSONValue(parsing: text).arrayValue)
        let logits = try expected.tensor("logits")
        let history = try expected.tensor("input_ids").int64Array().map { Int32($0) }
        let (rows, width) = (logits.shape[0], logits.shape[1])
        let columns = history.count / rows
        #expect(cases.count == 12)
        for (index, item) in cases.enumerated() {
            let fields = try #require(item.objectValue)
            var parameters = SamplingParameters(temperature: 1)
            for (name, value) in fields {
                let number = Float(try #require(value.doubleValue))
                switch name {
                case "temperature": parameters.temperature = number
                case "top_k": parameters.topK = Int(number)
                case "top_p": parameters.topP = number
                case "min_p": parameters.minP = number
                case "typical_p": parameters.typicalP = number
                case "repetition_penalty": parameters.repetitionPenalty = number
                case "no_repeat_ngram_size": parameters.noRepeatNGramSize = Int(number)
                default: Issue.record("unknown processor \(name)")
                }
            }
            let scores = try expected.tensor("case\(index).scores")
            let probabilities = try expected.tensor("case\(index).probs")
            for row in 0..<rows {
                // Row 2 has tied maxima, among which a cumulative filter may choose either way.
                if row == 2, parameters.topP < 1 || parameters.typicalP < 1 { continue }
                var found = logits[rows: row..<(row + 1)].floatArray()
                LogitsFilters.apply(
                    parameters, to: &found,
                    history: Array(history[(row * columns)..<((row + 1) * columns)]),
                    generated: [])
                let wanted = scores[rows: row..<(row + 1)].floatArray()
                let chances = probabilities[rows: row..<(row + 1)].floatArray()
                for column in 0..<width {
                    let same =
                        wanted[column] == found[column]
                        || abs(wanted[column] - found[column]) <= 1e-5
                    #expect(same, "case \(index), row \(row), token \(column)")
                }
                for (a, b) in zip(LogitsFilters.softmax(found), chances) {
                    #expect(abs(a - b) <= 1e-5, "case \(index), row \(row)")
                }
            }
        }
    }

    @Test("a seed repeats the choices, another one changes them")
    func seedsRepeat() throws {
        var generator = SeededGenerator(seed: 5)
        let logits = generator.floats(200)
        func draw(_ seed: UInt64) throws -> [Int32] {
            var sampler = Sampler(SamplingParameters(temperature: 1, seed: seed))
            return try (0..<50).map { _ in
                try sampler.choose(from: logits, history: [0], promptCount: 1).token
            }
        }
        #expect(try draw(1) == draw(1))
        #expect(try draw(1) != draw(2))
    }

    @Test("tokens are drawn as often as they are likely")
    func drawsByProbability() throws {
        let logits: [Float] = [0, 1, 2, -1]
        let probabilities = LogitsFilters.softmax(logits)
        var sampler = Sampler(SamplingParameters(temperature: 1, seed: 11))
        var counts = [0, 0, 0, 0]
        let draws = 20_000
        for _ in 0..<draws {
            counts[Int(try sampler.choose(from: logits, history: [], promptCount: 0).token)] += 1
        }
        for (count, p) in zip(counts, probabilities) {
            // Five standard deviations of a binomial share.
            let deviation = 5 * (p * (1 - p) / Float(draws)).squareRoot()
            #expect(abs(Float(count) / Float(draws) - p) <= deviation)
        }
    }

    @Test("penalties count what was generated, not the prompt")
    func penaltiesCountGenerated() {
        var logits: [Float] = [1, 1, 1]
        LogitsFilters.occurrencePenalties(
            presence: 0.5, frequency: 0.25, to: &logits, generated: [1, 1, 2])
        #expect(logits == [1, 0, 0.25])
    }

    @Test("greedy takes the first of equals and refuses what is no number")
    func greedyChoice() throws {
        var sampler = Sampler(.init())
        #expect(
            try sampler.choose(from: [1, 3, 3, 2], history: [], promptCount: 0).token == 1)
        for logits in [[1, .nan, 2], [.nan], [-.infinity], [.infinity, 0], []] as [[Float]] {
            #expect(throws: GenerationError.self) {
                try sampler.choose(from: logits, history: [], promptCount: 0)
            }
        }
    }

    @Test(
        "no filter lets what is no number through, or leaves it out as unlikely",
        arguments: [
            SamplingParameters(temperature: 0.6, topP: 0.95, seed: 1),
            SamplingParameters(temperature: 1, topK: 2, seed: 1),
            SamplingParameters(temperature: 1, minP: 0.5, seed: 1),
            parameters { ($0.temperature, $0.typicalP) = (1, 0.5) },
            parameters { ($0.repetitionPenalty, $0.logitBias) = (1.1, [1: -1000]) },
        ])
    func filtersKeepNaN(parameters: SamplingParameters) {
        var generator = SeededGenerator(seed: 12)
        for position in 0..<40 {
            for value in [Float.nan, .infinity] {
                var logits = generator.floats(40)
                logits[position] = value
                var sampler = Sampler(parameters)
                #expect(throws: GenerationError.self) {
                    try sampler.choose(from: logits, history: [1, 2], promptCount: 0)
                }
            }
        }
    }

    @Test("log-probabilities are of the unfiltered model")
    func logProbabilities() throws {
        var sampler = Sampler(SamplingParameters(temperature: 0.5, topK: 1, seed: 1))
        let choice = try sampler.choose(
            from: [1, 2, 0], history: [], promptCount: 0, alternatives: 2)
        #expect(choice.token == 1)
        // log(e² / (e + e² + 1))
        #expect(abs(try #require(choice.logProbability) - -0.407_605_96) < 1e-6)
        #expect(choice.alternatives.map(\.token) == [1, 0])
    }

    private static func parameters(_ change: (inout SamplingParameters) -> Void)
        -> SamplingParameters
    {
        var parameters = SamplingParameters()
        change(&parameters)
        return parameters
    }

    @Test(
        "refuses parameters that mean nothing, by name",
        arguments: [
            ("temperature", parameters { $0.temperature = .nan }),
            ("temperature", parameters { $0.temperature = -1 }),
            ("top_p", parameters { $0.topP = 0 }), ("top_k", parameters { $0.topK = -1 }),
            ("min_p", parameters { $0.minP = 1.5 }),
            ("repetition_penalty", parameters { $0.repetitionPenalty = 0 }),
            ("logit_bias", parameters { $0.logitBias = [100: 1] }),
            ("logit_bias", parameters { $0.logitBias = [1: .infinity] }),
        ])
    func refuses(name: String, parameters: SamplingParameters) throws {
        let error = try #require(throws: SamplingError.self) {
            try parameters.validate(vocabularySize: 100)
        }
        #expect(error.parameter == name)
    }
}
