import FathomJSON
import FathomTestSupport
import FathomText
import Testing

@Suite("Answers read while they are generated")
struct CompletionStreamTests {
    typealias Opening = CompletionStream.Opening

    /// The events of pieces, neighbours of one kind joined.
    private static func events(
        _ pieces: [String], _ format: ToolCallFormat, _ opening: Opening
    ) -> [CompletionEvent] {
        var stream = CompletionStream(toolCalls: format, opening: opening)
        let events = pieces.flatMap { stream.push($0) } + stream.finish()
        return events.reduce(into: []) { joined, event in
            switch (joined.last, event) {
            case (.content(let before), .content(let text)):
                joined[joined.count - 1] = .content(before + text)
            case (.reasoning(let before), .reasoning(let text)):
                joined[joined.count - 1] = .reasoning(before + text)
            case (.toolCallArguments(let index, let before), .toolCallArguments(_, let text)):
                joined[joined.count - 1] = .toolCallArguments(index: index, text: before + text)
            default: joined.append(event)
            }
        }
    }

    private static func message(_ events: [CompletionEvent]) -> AssistantMessage {
        events.reduce(into: AssistantMessage()) { $0.append($1) }
    }

    /// Checks that a text says the same however it is cut, and gives what it says.
    @discardableResult
    private static func checkCuts(
        _ text: String, _ format: ToolCallFormat, _ opening: Opening,
        _ generator: inout SeededGenerator
    ) -> [CompletionEvent] {
        let whole = events([text], format, opening)
        let scalars = text.unicodeScalars
        for place in scalars.indices {
            let halves = [String(scalars[..<place]), String(scalars[place...])]
            let cut = events(halves, format, opening)
            #expect(
                cut == whole, "\(text.debugDescription) cut behind \(halves[0].debugDescription)")
        }
        let singles = events(scalars.map { String($0) }, format, opening)
        #expect(singles == whole, "\(text.debugDescription) in single characters")
        for _ in 0..<4 {
            let cut = events(RandomAnswer.cut(text, &generator), format, opening)
            #expect(cut == whole, "\(text.debugDescription) in random pieces")
        }
        checkOrder(whole, text)
        return whole
    }

    /// Checks that each call begins, has its arguments and ends once.
    private static func checkOrder(_ events: [CompletionEvent], _ text: String) {
        var open: (index: Int, name: String, arguments: String)?
        var started = 0
        for event in events {
            switch event {
            case .toolCallStarted(let index, let name):
                #expect(open == nil && index == started, "\(text.debugDescription)")
                open = (index, name, "")
                started += 1
            case .toolCallArguments(let index, let piece):
                #expect(open?.index == index, "\(text.debugDescription)")
                open?.arguments += piece
            case .toolCallFinished(let index, let call):
                #expect(open?.index == index && open?.name == call.name)
                #expect(open.map { isSame($0.arguments, call.arguments) } == true)
                #expect((try? JSONValue(parsing: call.arguments))?.objectValue != nil)
                open = nil
            case .toolCallAbandoned(let index):
                #expect(open?.index == index, "\(text.debugDescription)")
                open = nil
            case .content, .reasoning: break
            }
        }
        #expect(open == nil, "\(text.debugDescription)")
    }

    /// An answer in a format, as the templates of the models write it.
    private static func written(
        _ message: AssistantMessage, _ format: ToolCallFormat, isThinking: Bool
    ) throws -> String {
        var text = isThinking ? message.reasoning + "</think>" : ""
        switch format {
        case .none: text += message.content
        case .fenced, .inline:
            text += message.content
            guard !message.toolCalls.isEmpty else { break }
            let calls = message.toolCalls.map { call in
                let body =
                    format == .fenced
                    ? "function<｜tool▁sep｜>\(call.name)\n```json\n\(call.arguments)\n```"
                    : "\(call.name)<｜tool▁sep｜>\(call.arguments)"
                return "<｜tool▁call▁begin｜>\(body)<｜tool▁call▁end｜>"
            }
            text += "<｜tool▁calls▁begin｜>"
            text += calls.joined(separator: format == .fenced ? "\n" : "")
            text += "<｜tool▁calls▁end｜>"
        case .dsml:
            let prompt = try MessageEncoder(mode: .chat, addsBeginOfSequence: false)
                .encode([message.json]).map(\.text).joined()
            return text + prompt
        }
        return text + "<｜end▁of▁sentence｜>"
    }

    @Test("however an answer is cut, it says the same and what was meant")
    func cuts() throws {
        var generator = SeededGenerator(seed: 32)
        for format in ToolCallFormat.allCases {
            for number in 0..<15 {
                let isThinking = number.isMultiple(of: 2)
                let message = RandomAnswer.next(
                    &generator, isThinking: isThinking, callLimit: format == .none ? 0 : 2)
                let text = try Self.written(message, format, isThinking: isThinking)
                let events = Self.checkCuts(
                    text, format, isThinking ? .reasoning : .content, &generator)
                let read = Self.message(events)
                #expect(isSame(read.content, message.content), "\(text.debugDescription)")
                #expect(isSame(read.reasoning, message.reasoning), "\(text.debugDescription)")
                #expect(read.toolCalls.map(\.name) == message.toolCalls.map(\.name))
                for (call, expected) in zip(read.toolCalls, message.toolCalls) {
                    #expect(
                        try JSONValue(parsing: call.arguments)
                            == JSONValue(parsing: expected.arguments), "\(text.debugDescription)")
                }
            }
        }
    }

    @Test("what the strict parser takes is read as it reads it")
    func agreesWithParser() throws {
        for row in try TemplateFixtures.lines("17-v32-encoding/parse.jsonl") {
            let text = try #require(row["completion"]?.stringValue)
            let mode = try #require(
                row["thinking_mode"]?.stringValue.flatMap(MessageEncoder.Mode.init))
            guard let strict = try? CompletionParser(mode: mode).parse(text) else { continue }
            let opening: Opening = mode == .thinking ? .reasoning : .content
            var generator = SeededGenerator(seed: 16)
            #expect(Self.message(Self.checkCuts(text, .dsml, opening, &generator)) == strict)
        }
    }

    @Test("noise says the same however it is cut, and none of its text is lost")
    func noise() {
        let markers = [
            "<think>", "</think>", "<｜end▁of▁sentence｜>", "<｜tool▁calls▁begin｜>",
            "<｜tool▁calls▁end｜>", "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>", "<｜tool▁sep｜>",
            "\n```json\n", "\n```", "{}", "{\"a\": 1}", "function", "f", "\n", "\n\n", " ", "x",
            "<｜DSML｜function_calls>", "</｜DSML｜function_calls>", "<｜DSML｜invoke", "\">\n",
            "</｜DSML｜invoke>", " name=\"", "<｜DSML｜parameter", "\" string=\"true\">",
            "\" string=\"false\">", "</｜DSML｜parameter>", "<｜tool▁", "<｜", "中",
            "\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n",
            "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n",
            "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>",
            "{}<｜tool▁call▁end｜>", "{}\n```<｜tool▁call▁end｜>", "</｜DSML｜invoke>\n",
            "<｜DSML｜parameter name=\"a\" string=\"true\">x</｜DSML｜parameter>\n",
        ]
        var generator = SeededGenerator(seed: 4711)
        for _ in 0..<150 {
            let text = (0..<Int.random(in: 1...14, using: &generator))
                .map { _ in markers.randomElement(using: &generator) ?? "" }.joined()
            for format in ToolCallFormat.allCases {
                for opening: Opening in [.content, .reasoning, .undecided] {
                    let events = Self.events([text], format, opening)
                    Self.checkOrder(events, text)
                    for _ in 0..<3 {
                        let cut = Self.events(
                            RandomAnswer.cut(text, &generator), format, opening)
                        #expect(cut == events, "\(text.debugDescription) in \(format)")
                    }
                    Self.checkNothingIsLost(text, format, events)
                }
            }
        }
    }

    @Test("damaged answers say the same however they are cut, and none of their text is lost")
    func damage() throws {
        var generator = SeededGenerator(seed: 8)
        var calls = 0
        var abandoned = 0
        for number in 0..<600 {
            let format = ToolCallFormat.allCases[number % 4]
            let message = RandomAnswer.next(
                &generator, isThinking: true, callLimit: format == .none ? 0 : 3)
            var pieces = RandomAnswer.cut(
                try Self.written(message, format, isThinking: true), &generator)
            for _ in 0..<Int.random(in: 0...2, using: &generator) {
                let place = Int.random(in: 0..<pieces.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: pieces[place] = "x"
                case 1: pieces.insert(pieces[place], at: 0)
                case 2: pieces[place] += pieces[place]
                default: pieces.removeSubrange((place + 1)...)
                }
            }
            let text = pieces.joined()
            let events = Self.events([text], format, .reasoning)
            Self.checkOrder(events, text)
            Self.checkNothingIsLost(text, format, events)
            for _ in 0..<3 {
                let cut = Self.events(RandomAnswer.cut(text, &generator), format, .reasoning)
                #expect(cut == events, "\(text.debugDescription) in \(format)")
            }
            calls += Self.message(events).toolCalls.count
            abandoned += events.count {
                if case .toolCallAbandoned = $0 { true } else { false }
            }
        }
        #expect(calls > 150)
        #expect(abandoned > 25)
    }

    /// Checks that letters which are in no marker are somewhere in what was read.
    private static func checkNothingIsLost(
        _ text: String, _ format: ToolCallFormat, _ events: [CompletionEvent]
    ) {
        // The kind of a fenced call is left out, whatever it says.
        guard format != .fenced else { return }
        let message = message(events)
        let read =
            message.reasoning + message.content
            + message.toolCalls.map { $0.name + $0.arguments }.joined()
        for letter: Unicode.Scalar in ["x", "中"] {
            #expect(
                read.unicodeScalars.count { $0 == letter }
                    == text.unicodeScalars.count { $0 == letter },
                "\(letter) in \(text.debugDescription) as \(format)")
        }
    }

    @Test("what is no answer in the format stays text")
    func fallbacks() {
        let head = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>"
        let tail = "<｜tool▁call▁end｜><｜tool▁calls▁end｜>"
        let block = "\n\n<｜DSML｜function_calls>\n"
        let invoke = "<｜DSML｜invoke name=\"f\">\n"
        let longName = String(repeating: "n", count: 1100)
        /// Answers of which all is content but for what is named.
        let allContent: [(ToolCallFormat, String)] = [
            (.none, head + "f<｜tool▁sep｜>{}" + tail),
            (.inline, head + "f<｜tool▁sep｜>{"),
            (.inline, head + "f<｜tool▁sep｜>{" + tail),
            (.inline, head + "f<｜tool▁sep｜>[1]" + tail),
            (.inline, head + "f<｜tool▁sep｜>" + tail),
            (.inline, head + "<｜tool▁sep｜>{}" + tail),
            (.inline, head + longName + "<｜tool▁sep｜>{}" + tail),
            (.inline, head + longName),
            (.inline, head + "a" + head + "b<｜tool▁sep｜>{}" + "<｜tool▁sep｜>"),
            (.inline, head + "a<｜tool▁sep｜>{\"x\": " + head + "b<｜tool▁sep｜>{}" + tail),
            (.inline, "a <｜tool▁calls▁begin｜> b"),
            (.inline, "a <｜tool▁calls▁beg"),
            (.inline, "a</think>b"),
            (.fenced, head + "function<｜tool▁sep｜>f{}" + tail),
            (.fenced, head + "function<｜tool▁sep｜>f\n```json\n{}" + tail),
            (.fenced, head + "function<｜tool▁sep｜>f\n```json\n{}\n``"),
            (.fenced, head + "function\n" + tail),
            (.dsml, block + invoke + invoke + "</｜DSML｜invoke>\n</｜DSML｜function_calls>"),
            (.dsml, block + "<｜DSML｜invoke name=\"\">\n</｜DSML｜invoke>"),
            (.dsml, block + "<｜DSML｜invoke f>\n</｜DSML｜invoke>"),
            (.dsml, block + invoke + "<｜DSML｜parameter name=\"a\" string=\"true\">x"),
            (
                .dsml,
                block + invoke
                    + "<｜DSML｜parameter name=\"a\" string=\"false\">x</｜DSML｜parameter>\n"
            ),
            (.dsml, block + invoke + "<｜DSML｜parameter name=\"a\">1</｜DSML｜parameter>\n"),
            (.dsml, block + "text"),
            (.dsml, "a\n\n<｜DSML｜func"),
            (.dsml, block),
        ]
        var generator = SeededGenerator(seed: 5)
        for (format, text) in allContent {
            let events =
                text.utf8.count < 1000
                ? Self.checkCuts(text, format, .content, &generator)
                : Self.events([text], format, .content)
            let expected = AssistantMessage(content: text)
            #expect(Self.message(events) == expected, "\(text.debugDescription) as \(format)")
            #expect(
                Self.message(Self.events([text + "<｜end▁of▁sentence｜>"], format, .content))
                    == expected, "\(text.debugDescription) as \(format), ended")
        }

        func read(_ text: String, _ format: ToolCallFormat, _ opening: Opening) -> AssistantMessage
        { Self.message(Self.checkCuts(text, format, opening, &generator)) }
        // Never closed, or with calls inside.
        #expect(read("a <b", .dsml, .reasoning) == AssistantMessage(reasoning: "a <b"))
        #expect(read("a</thi", .dsml, .reasoning) == AssistantMessage(reasoning: "a</thi"))
        #expect(
            read("a<｜end▁of▁sentence｜>", .dsml, .reasoning) == AssistantMessage(reasoning: "a"))
        #expect(
            read(head + "f<｜tool▁sep｜>{}" + tail, .inline, .reasoning).reasoning
                == head + "f<｜tool▁sep｜>{}" + tail)
        // The end of the turn in the middle.
        #expect(
            read("a<｜end▁of▁sentence｜>b", .none, .content).content == "a<｜end▁of▁sentence｜>b")
        // A whole call before a cut one stands.
        let partly = read(
            head + "f<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁call▁begin｜>g<｜tool▁sep｜>{\"a",
            .inline, .content)
        #expect(partly.toolCalls == [ToolCall(name: "f", arguments: "{}")])
        #expect(partly.content == "<｜tool▁call▁begin｜>g<｜tool▁sep｜>{\"a")
    }

    @Test("reasoning begins where the model says so, or where the prompt did")
    func openings() {
        let cases: [(String, Opening, AssistantMessage)] = [
            ("<think>\na</think>b", .undecided, .init(reasoning: "\na", content: "b")),
            ("<thin", .undecided, .init(content: "<thin")),
            ("a<think>b", .undecided, .init(content: "a<think>b")),
            ("<think>a", .content, .init(content: "<think>a")),
            ("\na\n</think>\n\nb", .reasoning, .init(reasoning: "\na\n", content: "\n\nb")),
            ("", .undecided, .init()),
        ]
        for (text, opening, expected) in cases {
            #expect(CompletionStream.message(of: text, opening: opening) == expected, "\(text)")
        }
    }

    @Test("calls that models write a little differently are calls")
    func leniency() {
        let call = [ToolCall(name: "f", arguments: "{}")]
        let one = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{}<｜tool▁call▁end｜>"
        #expect(CompletionStream.message(of: one, toolCalls: .inline).toolCalls == call)
        #expect(
            CompletionStream.message(of: one + "\n<｜end▁of▁sentence｜>", toolCalls: .inline)
                == AssistantMessage(toolCalls: call))
        let close = one + "\n<｜tool▁calls▁end｜> later"
        #expect(
            CompletionStream.message(of: close, toolCalls: .inline)
                == AssistantMessage(content: " later", toolCalls: call))
        let markup =
            "<｜DSML｜function_calls><｜DSML｜invoke name=\"f\">\n</｜DSML｜invoke></｜DSML｜function_calls>"
        for before in ["", "\n\n"] {
            #expect(
                CompletionStream.message(of: "a" + before + markup, toolCalls: .dsml)
                    == AssistantMessage(content: "a", toolCalls: call))
        }
    }

    @Test("arguments of text are passed on before they are whole")
    func progress() {
        var stream = CompletionStream(toolCalls: .dsml, opening: .content)
        #expect(stream.push("\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">") == [])
        #expect(stream.push("\n<") == [.toolCallStarted(index: 0, name: "f")])
        #expect(
            stream.push("｜DSML｜parameter name=\"a\" string=\"true\">x\"") == [
                .toolCallArguments(index: 0, text: "{\"a\": "),
                .toolCallArguments(index: 0, text: "\""),
                .toolCallArguments(index: 0, text: "x\\\""),
            ])
        #expect(stream.push("\n</") == [.toolCallArguments(index: 0, text: "\\n")])
        #expect(stream.push("b") == [.toolCallArguments(index: 0, text: "</b")])
    }

    @Test("a long argument is passed on as it comes, not held back and searched again")
    func longAnswers() {
        // Held back as a whole, this would be searched again at every piece.
        let list = "[" + Array(repeating: "\"<</｜\"", count: 20_000).joined(separator: ",") + "]"
        let text =
            "\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n"
            + "<｜DSML｜parameter name=\"a\" string=\"false\">\(list)</｜DSML｜parameter>\n"
            + "</｜DSML｜invoke>\n</｜DSML｜function_calls>"
        let pieces = text.unicodeScalars.map { String($0) }
        let message = Self.message(Self.events(pieces, .dsml, .content))
        #expect(message.toolCalls.first?.arguments.utf8.count == list.utf8.count + 7)
    }
}
