import FathomJSON
import FathomTestSupport
import FathomText
import Testing

@Suite("Completions of DeepSeek-V3.2, read strictly")
struct CompletionParserTests {
    @Test("all completions are read as by the published program, or refused as there")
    func reference() throws {
        let rows = try TemplateFixtures.lines("17-v32-encoding/parse.jsonl")
        #expect(rows.count == 16)
        let errors: [String: CompletionError] = [
            "Invalid thinking format": .reasoningNotClosed,
            "Invalid summary format": .missingEnd,
            "Unexpected content at end": .textAfterEnd("extra"),
        ]
        for (number, row) in rows.enumerated() {
            let completion = try #require(row["completion"]?.stringValue)
            let mode = try #require(
                row["thinking_mode"]?.stringValue.flatMap(MessageEncoder.Mode.init))
            let result = Result { () throws(CompletionError) in
                try CompletionParser(mode: mode).parse(completion)
            }
            switch (result, row["parsed"]) {
            case (.success(let message), let parsed?):
                let calls = message.toolCalls.map { $0.json() }
                let json: JSONValue = [
                    "role": "assistant", "content": .string(message.content),
                    "reasoning_content": .string(message.reasoning), "tool_calls": .array(calls),
                ]
                #expect(json == parsed, "line \(number + 1)")
            case (.failure(let error), nil):
                let reason = try #require(row["error"]?.stringValue?.split(separator: ": ").last)
                if let expected = errors[String(reason)] {
                    #expect(error == expected, "line \(number + 1)")
                } else if case .markerInText = error {
                    #expect(reason == "Unexpected special token in content")
                } else {
                    Issue.record("line \(number + 1) gives \(error)")
                }
            case (.success(let message), nil):
                Issue.record("line \(number + 1) gives \(message) where there is an error")
            case (.failure(let error), _?): Issue.record("line \(number + 1) gives \(error)")
            }
        }
    }

    @Test("what was encoded is read as what it was, arguments included")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 1202)
        for _ in 0..<300 {
            let message = RandomAnswer.next(&generator, isThinking: true)
            let prompt = try MessageEncoder(mode: .thinking).encode([
                ["role": "user", "content": "q"], message.json,
            ])
            let text = prompt.map(\.text).joined()
            let start = try #require(RandomAnswer.utf8(text, after: "<｜Assistant｜><think>"))
            let parsed = try CompletionParser(mode: .thinking).parse(start)
            #expect(isSame(parsed.reasoning, message.reasoning))
            #expect(isSame(parsed.content, message.content))
            #expect(parsed.toolCalls.map(\.name) == message.toolCalls.map(\.name))
            for (call, expected) in zip(parsed.toolCalls, message.toolCalls) {
                #expect(
                    try JSONValue(parsing: call.arguments)
                        == JSONValue(parsing: expected.arguments))
            }
        }
    }

    @Test("damage to calls is refused by name")
    func damage() throws {
        func completion(_ body: String) -> String {
            "\n\n<｜DSML｜function_calls>\n\(body)</｜DSML｜function_calls><｜end▁of▁sentence｜>"
        }
        func invoke(_ body: String) -> String {
            "<｜DSML｜invoke name=\"f\">\n\(body)</｜DSML｜invoke>\n"
        }
        func parameter(_ head: String, _ value: String) -> String {
            "<｜DSML｜parameter\(head)>\(value)</｜DSML｜parameter>\n"
        }
        let good = parameter(" name=\"a\" string=\"true\"", "x")
        let parser = CompletionParser(mode: .chat)
        #expect(try parser.parse(completion(invoke(good))).toolCalls.count == 1)
        #expect(try parser.parse(completion("")).toolCalls.isEmpty)
        let cases: [(String, CompletionError)] = [
            (completion(invoke(good + good)), .duplicateParameter(call: 0, name: "a")),
            (
                completion(invoke(parameter(" name=\"a\" string=\"false\"", "x"))),
                .valueIsNotJSON(call: 0, parameter: "a", found: "x")
            ),
            (
                completion(invoke(parameter(" name=\"a\"", "x"))),
                .malformedToolCall(call: 0, found: " name=\"a\">x")
            ),
            (
                completion(invoke(good) + "<｜DSML｜invoke name=\"\">\n</｜DSML｜invoke>\n"),
                .malformedToolCall(call: 1, found: " name=\"\">\n")
            ),
            (
                completion("x" + invoke(good)),
                .malformedToolCall(call: 0, found: ">\nx")
            ),
            (
                completion(invoke("<｜DSML｜invoke name=\"g\">\n" + good)),
                .malformedToolCall(call: 0, found: " name=\"f\">\n<｜DSML｜invoke name=\"g\">\n")
            ),
            (completion(invoke(good)).replacing("<｜end", with: "x<｜end"), .textAfterToolCalls("x")),
            (
                "\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n",
                .unfinishedToolCalls(call: 0)
            ),
            ("a<｜DSML｜function_calls><｜end▁of▁sentence｜>", .markerInText("｜DSML｜")),
        ]
        for (text, expected) in cases {
            #expect(throws: expected, "\(text)") { try parser.parse(text) }
        }
    }

    @Test("a completion that ends anywhere is refused, never trapped on")
    func truncation() {
        let whole =
            "r</think>t\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n"
            + "<｜DSML｜parameter name=\"a\" string=\"false\">[1]</｜DSML｜parameter>\n"
            + "</｜DSML｜invoke>\n</｜DSML｜function_calls>"
        let scalars = Array(whole.unicodeScalars)
        for count in scalars.indices {
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars[..<count])
            #expect(throws: CompletionError.self, "\(count) scalars") {
                try CompletionParser(mode: .thinking).parse(String(text))
            }
        }
    }
}
