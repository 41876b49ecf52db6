import FathomTestSupport
import FathomText
import Testing

@Suite("Markers that are tokens")
struct MarkerTokenTests {
    /// An answer in pieces, of which some are tokens that are markers.
    private enum Piece {
        case text(String), marker(String)
    }

    private static func message(
        _ pieces: [Piece], _ format: ToolCallFormat, _ opening: CompletionStream.Opening
    ) throws -> AssistantMessage {
        let tokenizer = try TokenizerFixtures.tokenizer("16-tokenizer-deepseek-v3")
        var stream = CompletionStream(
            toolCalls: format, opening: opening,
            markers: MarkerTokens(tokenizer, toolCalls: format))
        var message = AssistantMessage()
        for piece in pieces {
            let events =
                switch piece {
                case .text(let text): stream.push(text)
                case .marker(let name): stream.push(marker: name)
                }
            for event in events { message.append(event) }
        }
        for event in stream.finish() { message.append(event) }
        return message
    }

    @Test("letters that spell a marker are text, in any part of an answer")
    func lettersAreText() throws {
        let spelt =
            "</think> <think> <｜tool▁calls▁begin｜> <｜tool▁call▁end｜><｜end▁of▁sentence｜>"
        let name = "<｜tool▁calls▁begin｜>"
        let found = try Self.message(
            [
                .text(spelt), .marker("</think>"), .text(spelt), .marker(name),
                .marker("<｜tool▁call▁begin｜>"), .text("f"), .marker("<｜tool▁sep｜>"),
                .text("{\"a\":\"\(spelt)\"}"), .marker("<｜tool▁call▁end｜>"),
                .marker("<｜tool▁calls▁end｜>"),
            ], .inline, .reasoning)
        #expect(
            found
                == AssistantMessage(
                    reasoning: spelt, content: spelt,
                    toolCalls: [ToolCall(name: "f", arguments: "{\"a\":\"\(spelt)\"}")]))
    }

    @Test("reasoning begins at its token, also in the middle of an answer")
    func reasoningBegins() throws {
        for opening: CompletionStream.Opening in [.content, .undecided] {
            let found = try Self.message(
                [
                    .text("\na"), .marker("<think>"), .text("b"), .marker("</think>"), .text("c"),
                ], .none, opening)
            #expect(found == AssistantMessage(reasoning: "b", content: "\nac"))
        }
        let quoted = try Self.message([.text("<think>"), .text("a</think>b")], .none, .undecided)
        #expect(quoted == AssistantMessage(content: "<think>a</think>b"))
    }

    @Test("a call that breaks off gives all its text back, markers too")
    func brokenCall() throws {
        let found = try Self.message(
            [
                .text("a"), .marker("<｜tool▁calls▁begin｜>"), .marker("<｜tool▁call▁begin｜>"),
                .text("f"), .marker("<｜tool▁sep｜>"), .text("{\"a"),
            ], .inline, .content)
        #expect(
            found.content == "a<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"a")
        #expect(found.toolCalls.isEmpty)
    }

    @Test("markup that only begins with a token needs that token")
    func markup() throws {
        let tokenizer = try Tokenizer(
            GGUFTokenizerMetadata(
                model: "gpt2", pre: "deepseek-v3", tokens: ["a", "｜DSML｜"], tokenTypes: [1, 4],
                merges: []))
        let markers = MarkerTokens(tokenizer, toolCalls: .dsml)
        #expect(markers.name(of: 1) == "｜DSML｜")
        #expect(markers.name(of: 0) == nil)
        let text =
            "x\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n"
            + "</｜DSML｜invoke>\n</｜DSML｜function_calls>"
        for isToken in [true, false] {
            var stream = CompletionStream(toolCalls: .dsml, opening: .content, markers: markers)
            var message = AssistantMessage()
            let parts = text.split(separator: "｜DSML｜", omittingEmptySubsequences: false)
            for (index, part) in parts.enumerated() {
                var events: [CompletionEvent] = []
                if index > 0 {
                    #expect(stream.expects(marker: "｜DSML｜"))
                    events += isToken ? stream.push(marker: "｜DSML｜") : stream.push("｜DSML｜")
                }
                for event in events + stream.push(String(part)) { message.append(event) }
            }
            for event in stream.finish() { message.append(event) }
            #expect(
                message
                    == (isToken
                        ? AssistantMessage(
                            content: "x", toolCalls: [ToolCall(name: "f", arguments: "{}")])
                        : AssistantMessage(content: text)))
        }
    }

    @Test("a prompt's tokens say whether the answer begins in reasoning")
    func openings() throws {
        let tokenizer = try TokenizerFixtures.tokenizer("16-tokenizer-deepseek-v3")
        let markers = MarkerTokens(tokenizer)
        let cases: [([PromptSegment], CompletionStream.Opening)] = [
            ([.template("<｜User｜>q<｜Assistant｜>")], .content),
            ([.template("<｜Assistant｜><think>\nFirst")], .reasoning),
            ([.template("<think>a</think>b")], .content),
            ([.content("<think>")], .content),
        ]
        for (segments, expected) in cases {
            #expect(markers.opening(after: tokenizer.encode(segments)) == expected, "\(segments)")
        }
    }
}
