import FathomJSON
import FathomText
import Testing

@Suite("Hostile chat templates")
struct TemplateLimitsTests {
    private func failure(
        _ source: String, _ variables: JSONObject = [:], limits: TemplateLimits = .default
    ) -> TemplateError? {
        do throws(TemplateError) {
            let text = try ChatTemplate(source, limits: limits).render(variables)
            Issue.record("'\(source.prefix(80))' gives \(text.utf8.count) bytes")
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "too much work is stopped, and the message names the limit",
        arguments: [
            (
                "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
                "steps"
            ),
            (
                "{% set ns = namespace(t='x') %}{% for a in range(99999) %}{% set ns.t = ns.t * 2 %}"
                    + "{% endfor %}", "valueBytes"
            ),
            ("{% for a in range(99999) %}{{ 'x' * 99999 }}{% endfor %}", "outputBytes"),
            ("{{ 'x' * 10 ** 12 }}", "valueBytes"),
            ("{{ [1] * 10 ** 12 }}", "valueBytes"),
            ("{{ range(10 ** 9)|list }}", "rangeItems"),
            ("{{ range(-9223372036854775807, 9223372036854775807)|length }}", "rangeItems"),
            ("{{ 'x'|center(10 ** 12) }}", "valueBytes"),
            ("{{ 'x'.ljust(10 ** 12) }}", "valueBytes"),
            ("{{ '%1000000000d' % 1 }}", "valueBytes"),
            ("{{ '{:1000000000}'.format(1) }}", "valueBytes"),
            ("{{ '%.*f' % (10 ** 12, 1.5) }}", "valueBytes"),
            ("{{ 'a\\nb'|indent(10 ** 12) }}", "valueBytes"),
            ("{{ [[[1]]]|tojson(indent=10 ** 12) }}", "valueBytes"),
            ("{{ 1|tojson(indent=10 ** 12) }}", "valueBytes"),
            ("{{ [1]|batch(10 ** 12, 'x')|list }}", "valueBytes"),
            ("{{ [1]|slice(10 ** 12)|list }}", "valueBytes"),
            ("{{ ('x' * 60000)|replace('x', 'y' * 60000) }}", "valueBytes"),
            ("{{ ('y' * 60000).join(['x'] * 60000) }}", "valueBytes"),
            ("{{ '\\t'.expandtabs(10 ** 12) }}", "valueBytes"),
            ("{{ '7'.zfill(10 ** 12) }}", "valueBytes"),
            ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "callDepth"),
            (
                "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}",
                "callDepth"
            ),
            (
                "{% set ns = namespace(l=[]) %}{% for a in range(1000) %}{% set ns.l = [ns.l] %}"
                    + "{% endfor %}", "valueDepth"
            ),
            (
                "{% set ns = namespace(j=1) %}{% for a in range(1000) %}{% set ns.j = joiner(ns.j) %}"
                    + "{% endfor %}", "valueDepth"
            ),
            ("{% set ns = namespace() %}{% set ns.ns = ns %}{{ ns }}", "valueDepth"),
            (
                "{% set ns = namespace(l=[1]) %}{% for a in range(100) %}"
                    + "{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}", "valueBytes"
            ),
            (
                "{% set a = ('x' * 99999) %}{% for i in range(99999) %}{{ a in a }}{{ a == a ~ '' }}"
                    + "{{ a|upper|length }}{% endfor %}", "steps"
            ),
            (
                "{% set a = [[1] * 300] * 300 %}{% for i in range(99999) %}{% if a == a[:] %}"
                    + "{% endif %}{% endfor %}", "steps"
            ),
        ] as [(String, String)])
    func work(source: String, knob: String) throws {
        let limits = TemplateLimits(
            steps: 300_000, outputBytes: 1 << 22, valueBytes: 1 << 22)
        let error = try #require(failure(source, limits: limits))
        #expect(error.kind == .limit, "\(error)")
        #expect(error.remedy?.contains("TemplateLimits.\(knob) ") == true, "\(error)")
        #expect(error.line != nil)
    }

    @Test("source nested too deep is refused, and deep chains are not nesting")
    func nesting() throws {
        for (open, close) in [
            ("(", ")"), ("[", "]"), ("-", ""), ("{1:", "}"), ("x if x else ", "x"),
        ] {
            let source =
                "{{ " + String(repeating: open, count: 5000) + "1"
                + String(repeating: close, count: 5000) + " }}"
            #expect(failure(source)?.kind == .limit, "\(open)")
        }
        for (open, close) in [
            ("{% if 1 %}", "{% endif %}"), ("{% for x in [1] %}", "{% endfor %}"),
            ("{% filter upper %}", "{% endfilter %}"), ("{% macro m() %}", "{% endmacro %}"),
        ] {
            let source =
                String(repeating: open, count: 5000) + String(repeating: close, count: 5000)
            #expect(failure(source)?.kind == .limit, "\(open)")
        }
        #expect(failure("{{ 1 " + String(repeating: "if 1 ", count: 5000) + "}}")?.kind == .limit)
        let sum = "{{ 0" + String(repeating: " + 1", count: 20_000) + " }}"
        #expect(try ChatTemplate(sum).render([:]) == "20000")
        let negations = "{{ " + String(repeating: "not ", count: 20_001) + "1 }}"
        #expect(try ChatTemplate(negations).render([:]) == "False")
        let filters = "{{ 'x'" + String(repeating: "|trim", count: 20_000) + " }}"
        #expect(try ChatTemplate(filters).render([:]) == "x")
        let branches =
            "{% if 0 %}" + String(repeating: "{% elif 0 %}", count: 5000) + "{% else %}x{% endif %}"
        #expect(try ChatTemplate(branches).render([:]) == "x")
    }

    @Test("many branches with many names are read in time that grows with their number")
    func manyBranches() throws {
        var source = "{% if 0 %}"
        for number in 0..<3000 { source += "{% elif a\(number) %}{{ b\(number) }}" }
        #expect(try ChatTemplate(source + "{% endif %}").render([:]) == "")
    }

    @Test("variables nested too deep are refused")
    func deepVariables() throws {
        var value: JSONValue = []
        for _ in 0..<1000 { value = [value] }
        #expect(failure("{{ x }}", ["x": value])?.kind == .limit)
        #expect(try ChatTemplate("{{ y }}").render(["x": value, "y": 1]) == "1")
    }

    @Test("the source has a limit of its own")
    func sourceSize() {
        let error = failure(String(repeating: "x", count: 2 << 20))
        #expect(error?.kind == .limit)
        #expect(error?.remedy?.contains("sourceBytes") == true)
    }

    @Test(
        "nothing but the given values can be reached",
        arguments: [
            "{{ ''.__class__ }}", "{{ ''.__class__.__mro__[1].__subclasses__() }}",
            "{{ messages.__init__.__globals__ }}", "{{ messages['__class__'] }}",
            "{{ ''|attr('__class__') }}", "{{ '{0.__class__}'.format(1) }}",
            "{{ '{0[__class__]}'.format(1) }}", "{{ '{x.__class__}'.format_map({'x': 1}) }}",
            "{{ [1]|map(attribute='__class__')|list }}", "{{ [{}]|sort(attribute='__class__') }}",
            "{{ (1).__class__ }}", "{{ range.__self__ }}", "{{ namespace.__init__ }}",
            "{% macro m() %}{% endmacro %}{{ m.__globals__ }}", "{{ joiner().__class__ }}",
            "{% for x in [1] %}{{ loop.__class__ }}{% endfor %}",
        ])
    func privateAttributes(source: String) {
        #expect(failure(source, ["messages": []])?.kind == .security)
    }

    @Test("the given values cannot be changed")
    func immutability() {
        let variables: JSONObject = ["l": [1], "d": ["a": 1]]
        for call in [
            "l.append(2)", "l.clear()", "l.pop()", "l.sort()", "l.extend([1])", "l.insert(0, 1)",
            "l.remove(1)", "l.reverse()", "d.update({})", "d.clear()", "d.pop('a')",
            "d.setdefault('b', 1)", "d.popitem()",
        ] {
            let error = failure("{{ \(call) }}", variables)
            #expect(error?.message.contains("would change") == true, "\(call)")
        }
        #expect(failure("{% set d.a = 2 %}", variables)?.kind == .value)
    }

    @Test(
        "what is left out is refused by name",
        arguments: [
            ("{% include 'x' %}", "include"), ("{% import 'x' as y %}", "import"),
            ("{% from 'x' import y %}", "from"), ("{% extends 'x' %}", "extends"),
            ("{% block x %}{% endblock %}", "block"),
            ("{% for x in y recursive %}{% endfor %}", "recursive"),
            ("{% do x %}", "do"), ("{{ 1|random }}", "random"), ("{{ 1|urlize }}", "urlize"),
            ("{{ '\\N{DASH}' }}", "\\N"), ("{{ 'a'.encode() }}", "encode"),
        ] as [(String, String)])
    func leftOut(source: String, name: String) throws {
        let error = try #require(failure(source))
        #expect(error.kind == .unsupported)
        #expect(error.message.contains(name), "\(error)")
    }
}
