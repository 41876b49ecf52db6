import FathomJSON
import FathomText
import Testing

@Suite("Chat templates against Jinja")
struct ChatTemplateReferenceTests {
    @Test("all renderings of real models' templates are those of Transformers")
    func realTemplates() throws {
        let models = try TemplateFixtures.models()
        let cases = try TemplateFixtures.lines("17-chat-templates/cases.jsonl")
        #expect(cases.count == 364)
        for (number, reference) in cases.enumerated() {
            let name = try #require(reference["template"]?.stringValue)
            let model = try #require(models[name])
            var variables = TemplateFixtures.variables(
                model, messages: reference["messages"] ?? .null,
                tools: reference["tools"] ?? .null,
                addGenerationPrompt: reference["add_generation_prompt"] ?? .null)
            for (name, value) in reference["kwargs"]?.objectValue ?? [:] { variables[name] = value }
            TemplateFixtures.check(
                try #require(model["template"]?.stringValue), variables,
                against: reference["expected"],
                "\(name), \(reference["case"]?.stringValue ?? "?"), line \(number + 1)")
        }
    }

    @Test("unusual conversations give what Jinja gives: a prompt or an error")
    func unusualConversations() throws {
        let models = try TemplateFixtures.models()
        let cases = try TemplateFixtures.lines("jinja-goldens/conversations.jsonl")
        #expect(cases.count == 121)
        for reference in cases {
            let name = try #require(reference["template"]?.stringValue)
            let model = try #require(models[name])
            TemplateFixtures.check(
                try #require(model["template"]?.stringValue),
                TemplateFixtures.variables(model, messages: reference["messages"] ?? .null),
                against: reference["expected"],
                "\(name) with \(reference["case"]?.stringValue ?? "?")")
        }
    }

    @Test("the language means what it means in Jinja, piece by piece and put together at random")
    func language() throws {
        let variables = try TemplateFixtures.object("jinja-goldens/variables.json")
        let cases = try TemplateFixtures.lines("jinja-goldens/cases.jsonl")
        #expect(cases.count > 600)
        for reference in cases {
            let template = try #require(reference["template"]?.stringValue)
            TemplateFixtures.check(
                template, variables, against: reference["expected"], "'\(template)'")
        }
    }
}
