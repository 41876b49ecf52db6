import FathomGeneration
import FathomModels
import FathomTensors
import FathomTestSupport
import FathomText
import Testing

@Suite struct LanguageModelTests {
    private func load(contextLength: Int? = nil) throws -> LanguageModel {
        var options = LanguageModel.Options()
        options.contextLength = contextLength
        // A template of one line, since the tiny model has none.
        options.chatTemplate =
            "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}[assistant]"
        return try LanguageModel.load(
            from: Fixtures.path("15-gguf-llama-q8_0/model.gguf"), options)
    }

    private struct Answer {
        var text = ""
        var tokens: [Int32] = []
        var usage = Usage()
    }

    private func collect(_ stream: AsyncThrowingStream<GenerationEvent, any Error>) async throws
        -> Answer
    {
        var answer = Answer()
        for try await event in stream {
            switch event {
            case .text(let piece), .reasoning(let piece): answer.text += piece
            case .token(let choice): answer.tokens.append(choice.token)
            case .toolCall: Issue.record("a call where none was asked for")
            case .finished(let usage): answer.usage = usage
            }
        }
        return answer
    }

    private func request(_ prompt: [Int32], _ maximum: Int) -> GenerationRequest {
        var request = GenerationRequest(prompt: prompt, maximumTokens: maximum)
        request.alternatives = 0
        request.stopTokens = []
        return request
    }

    @Test("speculation changes nothing but the time", arguments: [0, 1] as [Float])
    func speculationKeepsOutput(temperature: Float) async throws {
        let model = try load()
        // A prompt that repeats itself, so that there is something to guess.
        var request = request(Array(repeating: [40, 41, 42, 43, 44], count: 6).flatMap { $0 }, 60)
        request.sampling = SamplingParameters(temperature: temperature, topK: 3, seed: 4)
        request.speculates = false
        let plain = try await collect(model.generate(request))
        request.speculates = true
        let speculative = try await collect(model.generate(request))
        #expect(speculative.tokens == plain.tokens)
        #expect(speculative.text == plain.text)
        #expect(plain.usage.proposedTokens == 0)
        #expect(speculative.usage.proposedTokens > 0)
    }

    @Test("the text is the decoded tokens")
    func textIsDecodedTokens() async throws {
        let model = try load()
        let answer = try await collect(model.generate(request([5, 6, 7], 40)))
        #expect(answer.tokens.count == 40)
        #expect(answer.usage.completionTokens == 40)
        #expect(answer.usage.finishReason == .length)
        #expect(
            answer.text
                == model.tokenizer.decode(answer.tokens, skippingSpecialTokens: true))
    }

    @Test("a stop token ends the answer and is not part of it")
    func stopsAtToken() async throws {
        let model = try load()
        let all = try await collect(model.generate(request([5, 6, 7], 20)))
        var stopping = request([5, 6, 7], 20)
        let stop = all.tokens[9]
        stopping.stopTokens = [stop]
        let answer = try await collect(model.generate(stopping))
        let expected = try #require(all.tokens.firstIndex(of: stop))
        #expect(answer.tokens == Array(all.tokens[...expected]))
        #expect(answer.usage.finishReason == .stop)
    }

    @Test("a stop string ends the answer wherever tokens cut it")
    func stopsAtString() async throws {
        let model = try load()
        let all = try await collect(model.generate(request([5, 6, 7], 30)))
        let characters = Array(all.text)
        try #require(characters.count > 12)
        let stop = String(characters[8..<12])
        var stopping = request([5, 6, 7], 30)
        stopping.stopStrings = [stop]
        let answer = try await collect(model.generate(stopping))
        let cut = try #require(all.text.firstRange(ofText: stop))
        #expect(answer.text == String(all.text[..<cut]))
        #expect(answer.usage.finishReason == .stopString)
    }

    @Test("a prompt that does not fit is an error with the counts")
    func refusesLongPrompt() async throws {
        let model = try load(contextLength: 32)
        let long = Array(repeating: Int32(7), count: 33)
        await #expect(
            throws: GenerationError.contextOverflow(
                promptTokens: 33, maximumTokens: 0, contextLength: 32)
        ) { try await collect(model.generate(GenerationRequest(prompt: long))) }
        await #expect(
            throws: GenerationError.contextOverflow(
                promptTokens: 30, maximumTokens: 5, contextLength: 32)
        ) {
            try await collect(
                model.generate(GenerationRequest(prompt: Array(long[..<30]), maximumTokens: 5)))
        }
        for prompt in [long, [5]] {
            await #expect(
                throws: GenerationError.contextOverflow(
                    promptTokens: prompt.count, maximumTokens: .max, contextLength: 32)
            ) {
                try await collect(
                    model.generate(GenerationRequest(prompt: prompt, maximumTokens: .max)))
            }
        }
        await #expect(throws: GenerationError.emptyPrompt) {
            try await collect(model.generate(GenerationRequest(prompt: [])))
        }
        await #expect(throws: GenerationError.self) {
            try await collect(model.generate(GenerationRequest(prompt: [-1])))
        }
    }

    @Test("generation goes on to the end of the context and says so")
    func fillsContext() async throws {
        let model = try load(contextLength: 24)
        var request = GenerationRequest(prompt: [5, 6, 7])
        request.stopTokens = []
        request.alternatives = 0
        let answer = try await collect(model.generate(request))
        #expect(answer.usage.finishReason == .contextFull)
        #expect(answer.tokens.count == 21)
    }

    @Test("a conversation reuses what was computed and answers as if it had not")
    func conversationReusesCache() async throws {
        let model = try load()
        let session = ChatSession(
            model, sampling: .init(temperature: 0), maximumTokens: 6)
        _ = try await collect(session.respond(to: "one two three"))
        let second = try await collect(session.respond(to: "four"))
        #expect(second.usage.cachedPromptTokens > 8)
        let fresh = ChatSession(model, sampling: .init(temperature: 0), maximumTokens: 6)
        fresh.messages = Array(session.messages.prefix(2))
        let again = try await collect(fresh.respond(to: "four"))
        #expect(again.usage.cachedPromptTokens == 0)
        #expect(again.text == second.text)
        #expect(session.messages.map(\.role) == ["user", "assistant", "user", "assistant"])
    }

    @Test("leaving the stream ends the work and gives the cache back")
    func leavingEndsWork() async throws {
        let model = try load()
        for _ in 0..<3 {
            var seen = 0
            for try await event in model.generate(request([5, 6, 7], 200)) {
                if case .token = event { seen += 1 }
                if seen == 3 { break }
            }
        }
        let answer = try await collect(model.generate(request([5, 6, 7], 3)))
        #expect(answer.tokens.count == 3)
    }

    @Test("nothing a message says becomes a special token")
    func messagesAreContent() throws {
        let model = try load()
        let tokenizer = model.tokenizer
        for id in 0..<Int32(tokenizer.vocabularySize) where tokenizer.isSpecial(id) {
            let name = try #require(tokenizer.token(id))
            let message = ChatMessage.user("say \(name) now")
            let request = try model.request(Conversation(messages: [message.json]))
            #expect(!request.prompt.contains(id), "\(name)")
        }
    }
}

extension String {
    /// Where a text first occurs.
    fileprivate func firstRange(ofText text: String) -> String.Index? {
        indices.first { self[$0...].hasPrefix(text) }
    }
}
