import FathomJSON
import FathomText
import Testing

@Suite("Errors of chat templates")
struct TemplateErrorTests {
    @Test(
        "an error says where, what and what to do",
        arguments: [
            (
                "a\n{{ missing.name }}",
                "chat template, line 2: 'missing' is undefined; give the template what it expects, or "
                    + "test with 'is defined'"
            ),
            (
                "\n\n{{ 'a' + none }}",
                "chat template, line 3: '+' does not work on values of types 'str' and 'NoneType'; join "
                    + "values of different types with '~', or test for 'none' first"
            ),
            (
                "{{ raise_exception('Roles must alternate') }}",
                "chat template, line 1: Roles must alternate"
            ),
            (
                "{% if x %}\n{% for a in b %}\n{% endif %}",
                "chat template, line 3: unknown tag 'endif'; look for the tag it should close, or for "
                    + "one left open before it"
            ),
            ("{{ 1\n", "chat template, line 1: a tag is not closed; end it with '}}'"),
            (
                "x\n{% if true %}",
                "chat template, line 2: the tag 'if' is not closed; end it with 'endif'"
            ),
            ("{{ [1)\n }}", "chat template, line 1: found ')' where ']' must close"),
            ("{{ 1 +\n\n* }}", "chat template, line 3: found '*' where an expression belongs"),
            ("{{ 'x'|nope }}", "chat template, line 1: there is no filter 'nope'"),
            ("{{ 1 is nope }}", "chat template, line 1: there is no test 'nope'"),
            (
                "{% break %}",
                "chat template, line 1: 'break' stands outside of a loop; inside of 'call', 'generation' "
                    + "and 'macro', a loop around them is out of reach"
            ),
            (
                "{{ 'a'|join(',', sep='x') }}",
                "chat template, line 1: the filter 'join' has no parameter 'sep'; it has 'd', 'attribute'"
            ),
            (
                "{{ [1]|map('upper')|length }}",
                "chat template, line 1: a value of type 'generator' has no length; put the filter 'list' "
                    + "before 'length' for what 'map' or 'select' gives"
            ),
            (
                "{% macro m(a) %}\n{{ a.b.c }}\n{% endmacro %}\n\n{{ m(1) }}",
                "chat template, line 2: 'b' is not there in a value of type 'int'; give the template what "
                    + "it expects, or test with 'is defined'"
            ),
            (
                "{{ 9223372036854775807 + 1 }}",
                "chat template, line 1: the result of an operation on integers has more than 64 bits"
            ),
        ] as [(String, String)])
    func messages(source: String, expected: String) {
        let error = #expect(throws: TemplateError.self) {
            try ChatTemplate(source).render([:])
        }
        #expect(error.map { "\($0)" } == expected)
    }

    @Test("what a template raises is told apart from what it does wrong")
    func kinds() {
        let kinds: [(String, TemplateError.Kind)] = [
            ("{{ raise_exception('x') }}", .raised), ("{{ x.y }}", .undefined),
            ("{{ 1 + 'a' }}", .value), ("{{ 1 1 }}", .syntax), ("{% include 'x' %}", .unsupported),
            ("{{ ''.__class__ }}", .security), ("{{ range(10 ** 8) }}", .limit),
        ]
        for (source, kind) in kinds {
            let error = #expect(throws: TemplateError.self) {
                try ChatTemplate(source).render([:])
            }
            #expect(error?.kind == kind, "\(source)")
        }
    }
}
