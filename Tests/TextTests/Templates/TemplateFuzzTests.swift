import FathomJSON
import FathomTestSupport
import FathomText
import Testing

@Suite("Damaged chat templates")
struct TemplateFuzzTests {
    private static let limits = TemplateLimits(steps: 50_000, outputBytes: 1 << 20)

    private static let variables: JSONObject = [
        "messages": [
            ["role": "system", "content": "s"],
            ["role": "user", "content": "é 日本"],
            [
                "role": "assistant", "content": nil,
                "tool_calls": [
                    ["type": "function", "function": ["name": "f", "arguments": ["a": 1]]]
                ],
            ],
            ["role": "tool", "content": "42"],
        ],
        "tools": [["type": "function", "function": ["name": "f"]]],
        "add_generation_prompt": true, "bos_token": "<s>", "eos_token": "</s>",
        "s": "Hello, World", "l": [3, 1, 2], "d": ["b": 1, "a": "x"], "i": 42, "fl": 2.5,
    ]

    /// Renders what may be nonsense: only a `TemplateError` may come of it.
    private func render(_ source: String) {
        do throws(TemplateError) {
            var template = try ChatTemplate(source, limits: Self.limits)
            // Two renderings of one moment.
            template.now = {
                TemplateDate(year: 2024, month: 2, day: 29, hour: 23, minute: 59, second: 58)
            }
            let text = try template.render(Self.variables)
            let segments = try template.renderSegments(Self.variables)
            #expect(Array(segments.map(\.text).joined().utf8) == Array(text.utf8), "\(source)")
        } catch {
            #expect(!error.message.isEmpty)
        }
    }

    @Test("changed templates give a prompt or an error")
    func mutations() throws {
        var sources: [[UInt8]] = []
        for (_, model) in try TemplateFixtures.models().sorted(by: { $0.key < $1.key }) {
            sources.append(Array(try #require(model["template"]?.stringValue).utf8))
        }
        for reference in try TemplateFixtures.lines("jinja-goldens/cases.jsonl") {
            sources.append(Array(try #require(reference["template"]?.stringValue).utf8))
        }
        let pieces = [
            "{{", "}}", "{%", "%}", "{#", "#}", "-", "+", "|", ".", "(", ")", "[", "]", "{", "}",
            "'",
            "\"", "\\", "if ", "else ", "endif", "for x in ", "endfor", "set ", "= ", "not ", "is ",
            "in ", "~", "**", "//", "99999999999999999999", "9223372036854775807", "-1", "none",
            "loop", "ns.", "|join", "|tojson", "|batch(3)", "[::-1]", "__class__", "\u{0}", "é",
            "\n",
        ].map { Array($0.utf8) }
        var generator = SeededGenerator(seed: 1704)
        func next() -> [UInt8] {
            var bytes = sources.randomElement(using: &generator) ?? []
            for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
                let position = Int.random(in: 0..<bytes.count, using: &generator)
                let end = min(
                    bytes.count, position + Int.random(in: 1...12, using: &generator))
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: bytes.removeSubrange(position..<end)
                case 1: bytes.insert(contentsOf: bytes[position..<end], at: position)
                case 2: bytes.removeSubrange(position...)
                default:
                    bytes.insert(
                        contentsOf: pieces.randomElement(using: &generator) ?? [], at: position)
                }
            }
            return bytes
        }
        Fuzzing.run("chat template", count: 3000, next: next) { bytes in
            render(String(decoding: bytes, as: UTF8.self))
        }
    }

    @Test("a template cut off anywhere gives a prompt or an error")
    func truncation() throws {
        let model = try #require(try TemplateFixtures.models()["llama-3.1"])
        let source = Array(try #require(model["template"]?.stringValue).utf8)
        for length in stride(from: 0, to: source.count, by: 3) {
            render(String(decoding: source.prefix(length), as: UTF8.self))
        }
    }
}
