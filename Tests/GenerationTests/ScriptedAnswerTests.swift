import FathomGeneration
import FathomJSON
import FathomTestSupport
import FathomText
import Testing

/// Conversations with a model that answers by a script: it reasons "hm", says "ask" and calls `f`;
/// after a tool's result it says "done".
@Suite("Answers with reasoning and calls of tools")
struct ScriptedAnswerTests {
    private static let tools: [JSONValue] = [
        ["type": "function", "function": ["name": "f", "description": "TELLS"]]
    ]
    private static let call = ToolCall(name: "f", arguments: "{}")

    private static func load(template: String? = nil) throws -> LanguageModel {
        var options = LanguageModel.Options()
        options.chatTemplate = template
        return try LanguageModel.load(
            from: Fixtures.path("19-scripted-answers/model.gguf"), options)
    }

    private static func session(_ model: LanguageModel, thinks: Bool? = nil) -> ChatSession {
        ChatSession(model, tools: tools, thinks: thinks, sampling: .init(temperature: 0))
    }

    /// The events of an answer, neighbours of one kind joined, and how it ended.
    private static func collect(
        _ stream: AsyncThrowingStream<GenerationEvent, any Error>
    ) async throws -> (events: [GenerationEvent], usage: Usage) {
        var events: [GenerationEvent] = []
        var usage = Usage()
        for try await event in stream {
            switch (events.last, event) {
            case (_, .finished(let final)): usage = final
            case (.text(let before), .text(let piece)):
                events[events.count - 1] = .text(before + piece)
            case (.reasoning(let before), .reasoning(let piece)):
                events[events.count - 1] = .reasoning(before + piece)
            default: events.append(event)
            }
        }
        return (events, usage)
    }

    @Test("a call of a tool is an event, and its result leads to the answer")
    func callsTool() async throws {
        let session = Self.session(try Self.load())
        let first = try await Self.collect(session.respond(to: "q"))
        #expect(first.events == [.reasoning("hm"), .text("ask"), .toolCall(Self.call)])
        #expect(first.usage.finishReason == .stop)
        #expect(first.usage.reasoningTokens == 3)
        #expect(session.openToolCalls == [Self.call])
        let second = try await Self.collect(session.respond(toToolResults: ["42"]))
        #expect(second.events == [.text("done")])
        #expect(
            session.messages == [
                .user("q"), .assistant("ask", reasoning: "hm", toolCalls: [Self.call]), .tool("42"),
                .assistant("done"),
            ])
        #expect(session.openToolCalls.isEmpty)
        // All of the first turn but for the token that ended it was computed before.
        #expect(
            second.usage.cachedPromptTokens
                == first.usage.promptTokens + first.usage.completionTokens - 1)
    }

    @Test("results that fit no calls are refused, and the conversation stays as it was")
    func refusesResults() async throws {
        let session = Self.session(try Self.load())
        await #expect(throws: ChatError.resultCount(calls: 0, results: 1)) {
            try await Self.collect(session.respond(toToolResults: ["1"]))
        }
        _ = try await Self.collect(session.respond(to: "q"))
        let before = session.messages
        for results in [[], ["1", "2"]] {
            await #expect(throws: ChatError.resultCount(calls: 1, results: results.count)) {
                try await Self.collect(session.respond(toToolResults: results))
            }
        }
        #expect(session.messages == before)
    }

    @Test("a question may follow a call that got no result")
    func asksOn() async throws {
        let session = Self.session(try Self.load())
        _ = try await Self.collect(session.respond(to: "q"))
        let second = try await Self.collect(session.respond(to: "never mind"))
        #expect(second.events.last == .toolCall(Self.call))
        #expect(session.messages.count == 4)
    }

    @Test("a model is told not to reason where its format can tell it")
    func tellsNotToReason() async throws {
        let session = Self.session(try Self.load(), thinks: false)
        let found = try await Self.collect(session.respond(to: "q"))
        #expect(found.events == [.text("ask"), .toolCall(Self.call)])
        #expect(found.usage.reasoningTokens == 0)
    }

    @Test("tools for a template that never mentions them are refused")
    func toolsUnheard() async throws {
        let template = "{% for m in messages %}{{ m.content }}{% endfor %}<｜Assistant｜>"
        let model = try Self.load(template: template)
        await #expect(throws: ConversationFormatError.takesNoTools) {
            try await Self.collect(Self.session(model).respond(to: "q"))
        }
        // Nor are calls read then: what the model writes is text.
        let session = ChatSession(model, sampling: .init(temperature: 0))
        let found = try await Self.collect(session.respond(to: "q"))
        let text = "ask<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{}"
        #expect(
            found.events == [
                .reasoning("hm"), .text(text + "<｜tool▁call▁end｜><｜tool▁calls▁end｜>"),
            ])
    }

    @Test("texts are continued by a model without a format or with one that cannot be read")
    func continuesWithoutFormat() async throws {
        let plain = try LanguageModel.load(from: Fixtures.path("15-gguf-llama-q8_0/model.gguf"))
        #expect(throws: ChatError.noTemplate) { try plain.format }
        await #expect(throws: ChatError.noTemplate) {
            try await Self.collect(ChatSession(plain).respond(to: "q"))
        }
        let broken = try Self.load(template: "{% if")
        #expect(throws: TemplateError.self) { try broken.format }
        let assistant = try #require(broken.tokenizer.id(of: "<｜Assistant｜>"))
        let found = try await Self.collect(
            broken.generate(GenerationRequest(prompt: [assistant], maximumTokens: 20)))
        #expect(found.events.first == .reasoning("hm"))
    }

    @Test("a stop string ends the text that it stands in, and no other")
    func stopStrings() async throws {
        let model = try Self.load()
        func answer(_ stop: String) async throws -> (events: [GenerationEvent], usage: Usage) {
            var request = try model.request(
                Conversation(messages: [["role": "user", "content": "q"]], tools: Self.tools))
            request.stopStrings = [stop]
            return try await Self.collect(model.generate(request))
        }
        let cut = try await answer("k")
        #expect(cut.events == [.reasoning("hm"), .text("as")])
        #expect(cut.usage.finishReason == .stopString)
        // Its beginning is held back until the text ends, and neither reasoning nor calls have it.
        for stop in ["k<", "hm", "{}"] {
            let whole = try await answer(stop)
            #expect(
                whole.events == [.reasoning("hm"), .text("ask"), .toolCall(Self.call)], "\(stop)")
        }
    }

    @Test("an answer that ends inside of a call shows what was written of it")
    func endsInsideCall() async throws {
        let model = try Self.load()
        let session = ChatSession(
            model, tools: Self.tools, sampling: .init(temperature: 0), maximumTokens: 10)
        let found = try await Self.collect(session.respond(to: "q"))
        #expect(found.usage.finishReason == .length)
        #expect(
            found.events == [
                .reasoning("hm"), .text("ask<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f"),
            ])
    }

    @Test("a gap is filled up to the token that ends it")
    func fillsGap() async throws {
        let model = try Self.load()
        let filling = try FillInMiddle(model.tokenizer)
        var request = GenerationRequest(
            prompt: filling.prompt(prefix: "a", suffix: "b"), maximumTokens: 20)
        request.stopTokens = filling.stopTokens
        let found = try await Self.collect(model.generate(request))
        #expect(found.events == [.text("xyz")])
        #expect(found.usage.finishReason == .stop)
    }
}
