import FathomJSON
import FathomTestSupport
import FathomText
import Testing

/// What the tests of chat templates read from `Tests/Fixtures`.
enum TemplateFixtures {
    /// The values of a file that holds one a line.
    static func lines(_ name: String) throws -> [JSONValue] {
        try Fixtures.bytes(name).split(separator: UInt8(ascii: "\n")).map {
            try JSONValue(parsing: $0)
        }
    }

    /// The object of a JSON file.
    static func object(_ name: String) throws -> JSONObject {
        try #require(JSONValue(parsing: Fixtures.bytes(name)).objectValue)
    }

    /// The templates of real models with their special tokens.
    static func models() throws -> [String: JSONObject] {
        var models: [String: JSONObject] = [:]
        for (name, model) in try object("17-chat-templates/templates.json") {
            models[name] = model.objectValue
        }
        return models
    }

    /// The variables every rendering of a real template has.
    static func variables(
        _ model: JSONObject, messages: JSONValue, tools: JSONValue = .null,
        addGenerationPrompt: JSONValue = .bool(true)
    ) -> JSONObject {
        var variables: JSONObject = [
            "messages": messages, "tools": tools, "documents": .null,
            "add_generation_prompt": addGenerationPrompt,
        ]
        for name in ["bos_token", "eos_token"] {
            if let token = model[name], !token.isNull { variables[name] = token }
        }
        return variables
    }

    /// Checks a rendering, as plain text and in segments, against an expected text or error.
    static func check(
        _ template: String, _ variables: JSONObject, against expected: JSONValue?, _ name: String
    ) {
        let result = Result { () throws(TemplateError) in
            var template = try ChatTemplate(template)
            template.now = {
                TemplateDate(year: 2024, month: 7, day: 6, hour: 5, minute: 4, second: 3)
            }
            return (try template.render(variables), try template.renderSegments(variables))
        }
        switch (result, expected?.stringValue) {
        case (.success(let (text, segments)), let expected?):
            #expect(Array(text.utf8) == Array(expected.utf8), "\(name)")
            let joined = segments.map(\.text).joined()
            #expect(Array(joined.utf8) == Array(expected.utf8), "\(name), in segments")
        case (.failure(let error), let expected?):
            Issue.record("\(name) gives \"\(error)\" instead of \"\(expected)\"")
        case (.success(let (text, _)), nil):
            Issue.record("\(name) gives \"\(text)\" where Jinja gives an error")
        case (.failure, nil): break
        }
    }
}
