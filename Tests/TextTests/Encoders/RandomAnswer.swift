import FathomJSON
import FathomTestSupport
import FathomText

/// Answers of a model, as they never were.
enum RandomAnswer {
    private static let pieces = [
        "a", " b ", "\n", "\n\n", "<", "</", "｜", "\"", "\\", "{", "}", "[1]", "é", "中", "\u{301}",
        "```", "```json\n", "</thin", "<｜tool", "string=\"true\"", "name=", ">", "\u{0}", "😀",
    ]

    static func text(_ generator: inout SeededGenerator, length: Int = 8) -> String {
        (0..<Int.random(in: 0...length, using: &generator))
            .map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
    }

    static func value(_ generator: inout SeededGenerator, depth: Int = 2) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &generator) {
        case 0: .null
        case 1: .bool(.random(using: &generator))
        case 2: .integer(.random(in: -9999...9999, using: &generator))
        case 3: .number(.random(in: -1...1, using: &generator))
        case 4, 5: .string(text(&generator))
        case 6:
            .array(
                (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                    value(&generator, depth: depth - 1)
                })
        default: .object(object(&generator, depth: depth - 1))
        }
    }

    static func object(_ generator: inout SeededGenerator, depth: Int = 2) -> JSONObject {
        var object = JSONObject()
        for index in 0..<Int.random(in: 0...3, using: &generator) {
            object["k\(index) \(text(&generator, length: 2).filter { !"\n\"".contains($0) })"] =
                value(&generator, depth: depth)
        }
        return object
    }

    /// An answer whose calls have objects for arguments.
    static func next(
        _ generator: inout SeededGenerator, isThinking: Bool, callLimit: Int = 3
    ) -> AssistantMessage {
        let calls = (0..<Int.random(in: 0...callLimit, using: &generator)).map { index in
            ToolCall(
                name: "f\(index)",
                arguments: JSONValue.object(object(&generator)).serialized(.python))
        }
        return AssistantMessage(
            reasoning: isThinking ? "r" + text(&generator) : "", content: text(&generator),
            toolCalls: calls)
    }

    /// What follows the first place where a text says something.
    static func utf8(_ text: String, after mark: String) -> String? {
        let bytes = Array(text.utf8)
        for start in bytes.indices where bytes[start...].starts(with: mark.utf8) {
            return String(decoding: bytes[(start + mark.utf8.count)...], as: UTF8.self)
        }
        return nil
    }

    /// What precedes the first place where a text says something.
    static func utf8(_ text: String, before mark: String) -> String? {
        utf8(text, after: mark).map { rest in
            String(decoding: text.utf8.dropLast(rest.utf8.count + mark.utf8.count), as: UTF8.self)
        }
    }

    /// A text cut at random places.
    static func cut(_ text: String, _ generator: inout SeededGenerator) -> [String] {
        var pieces: [String] = []
        var rest = text.unicodeScalars[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...9, using: &generator))
            rest = rest.dropFirst(piece.count)
            pieces.append(String(String.UnicodeScalarView(piece)))
        }
        return pieces
    }
}
