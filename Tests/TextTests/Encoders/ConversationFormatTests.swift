import FathomJSON
import FathomTestSupport
import FathomText
import Testing

@Suite("The conversation format of a model")
struct ConversationFormatTests {
    private static let question: JSONValue = ["role": "user", "content": "q <think>"]

    private static func source(_ name: String) throws -> String {
        let models = try TemplateFixtures.models()
        return try #require(models[name]?["template"]?.stringValue, "no template named \(name)")
    }

    @Test("templates tell how their model calls tools")
    func formats() throws {
        let expected: [String: ToolCallFormat] = [
            "deepseek-llm-v2": .none, "deepseek-coder": .none, "deepseek-v2.5": .fenced,
            "deepseek-v3": .fenced, "deepseek-r1": .fenced, "deepseek-r1-distill": .fenced,
            "deepseek-v3.1": .inline, "llama-3": .none, "smollm2": .none,
        ]
        for (name, format) in expected {
            #expect(ToolCallFormat(inTemplate: try Self.source(name)) == format, "\(name)")
        }
    }

    @Test("an answer that a template wrote into the history is read as what it was")
    func historyIsReadable() throws {
        let tokenizer = try TokenizerFixtures.tokenizer("16-tokenizer-deepseek-v3")
        let call = ToolCall(name: "f", arguments: #"{"a": "x ```"}"#)
        for (name, calls) in [
            // V2.5 writes the end of the block after a second call only; its template is so.
            ("deepseek-v2.5", [call, call]), ("deepseek-v2.5", [call]),
            ("deepseek-v3", [call]), ("deepseek-v3", [call, call]), ("deepseek-r1", [call, call]),
            ("deepseek-r1-distill", [call, call]), ("deepseek-v3.1", [call]),
            ("deepseek-v3.1", [call, call]),
        ] {
            let format = try ConversationFormat(template: try Self.source(name))
            let answer = AssistantMessage(toolCalls: calls)
            let prompt = try format.prompt(
                Conversation(messages: [
                    ["role": "user", "content": "q"], answer.json,
                    ["role": "tool", "content": "RESULT"],
                ]), tokenizer
            ).map(\.text).joined()
            var text = try #require(RandomAnswer.utf8(prompt, after: "<｜Assistant｜>"))
            for mark in ["<｜tool▁outputs▁begin｜>", "<｜tool▁output▁begin｜>"] {
                text = RandomAnswer.utf8(text, before: mark) ?? text
            }
            if text.hasPrefix("</think>") { text.removeFirst("</think>".count) }
            #expect(
                CompletionStream.message(of: text, toolCalls: format.toolCalls) == answer,
                "\(name): \(text)")
        }
    }

    @Test("the end of the prompt says where the answer begins")
    func openings() throws {
        let tokenizer = try TokenizerFixtures.tokenizer("16-tokenizer-deepseek-v3")
        let cases: [(String?, Bool?, AssistantMessage)] = [
            ("deepseek-r1", nil, .init(reasoning: "a", content: "b")),
            ("deepseek-v3", nil, .init(content: "a</think>b")),
            ("deepseek-v3.1", true, .init(reasoning: "a", content: "b")),
            ("deepseek-v3.1", false, .init(content: "a</think>b")),
            (nil, true, .init(reasoning: "a", content: "b")),
            (nil, false, .init(content: "a</think>b")),
            (nil, nil, .init(content: "a</think>b")),
        ]
        for (name, thinks, expected) in cases {
            let format = try ConversationFormat(
                template: try name.map(Self.source), modelType: "deepseek_v32")
            let prompt = try format.prompt(
                Conversation(messages: [Self.question], thinks: thinks), tokenizer)
            var stream = format.makeStream(after: prompt)
            let events = stream.push("a</think>b") + stream.finish()
            let message = events.reduce(into: AssistantMessage()) { $0.append($1) }
            #expect(
                message == expected, "\(name ?? "V3.2"), thinking: \(String(describing: thinks))")
        }
        // A message cannot open reasoning.
        let format = try ConversationFormat(template: "{{ messages[0].content }}")
        let prompt = try format.prompt(Conversation(messages: [Self.question]), tokenizer)
        var stream = format.makeStream(after: prompt)
        #expect(stream.push("a</think>") + stream.finish() == [.content("a</think>")])
    }

    @Test("V3.2 has its own encoding, with the tools in the first system message")
    func messageEncoder() throws {
        let tokenizer = try TokenizerFixtures.tokenizer("16-tokenizer-deepseek-v3")
        let format = try ConversationFormat(template: nil, modelType: "deepseek_v32")
        #expect(format.toolCalls == .dsml && format.takesTools)
        let tool: JSONValue = ["type": "function", "function": ["name": "f"]]
        for system: [JSONValue] in [[], [["role": "system", "content": ""]]] {
            let prompt = try format.prompt(
                Conversation(messages: system + [Self.question], tools: [tool]), tokenizer)
            let direct = try MessageEncoder().encode([
                ["role": "system", "content": "", "tools": [tool]], Self.question,
            ])
            #expect(prompt == direct)
        }
        let ids = tokenizer.encode(
            try format.prompt(Conversation(messages: [Self.question], thinks: true), tokenizer))
        #expect(ids.first == tokenizer.beginOfSequence)
        #expect(ids.last == tokenizer.id(of: "<think>"))
        #expect(ids.count { $0 == tokenizer.id(of: "<think>") } == 1)
    }

    @Test("a token for DSML says that a model without template is V3.2")
    func tokenForDSML() throws {
        for (token, isKnown) in [("｜DSML｜", true), ("DSML", false)] {
            let tokenizer = try Tokenizer(
                GGUFTokenizerMetadata(
                    model: "gpt2", pre: "deepseek-v3", tokens: ["a", token], tokenTypes: [1, 4],
                    merges: []))
            let format = try? ConversationFormat(template: nil, tokenizer: tokenizer)
            #expect(format?.toolCalls == (isKnown ? .dsml : nil))
        }
    }

    @Test("tools for a template that never mentions them are refused")
    func toolsUnheard() throws {
        let tokenizer = try TokenizerFixtures.tokenizer("16-tokenizer-deepseek-v3")
        let conversation = Conversation(
            messages: [["role": "user", "content": "q"]],
            tools: [["type": "function", "function": ["name": "f", "description": "TELLS"]]])
        for name in ["deepseek-v3", "deepseek-v3.1", "deepseek-llm-v2"] {
            let format = try ConversationFormat(template: try Self.source(name))
            #expect(throws: ConversationFormatError.takesNoTools, "\(name)") {
                try format.prompt(conversation, tokenizer)
            }
        }
        let qwen = try ConversationFormat(template: try Self.source("qwen2.5"))
        let prompt = try qwen.prompt(conversation, tokenizer)
        #expect(prompt.contains { $0.text.contains("TELLS") })
    }

    @Test("a model without template or known encoding is refused by name")
    func noFormat() {
        #expect(throws: ConversationFormatError.noFormat(modelType: "llama")) {
            try ConversationFormat(template: nil, modelType: "llama")
        }
        #expect(throws: TemplateError.self) { try ConversationFormat(template: "{% if") }
    }
}
