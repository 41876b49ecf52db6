/// Reads the tokens of a template into statements, by the grammar of Jinja 3.1.
struct TemplateParser {
    private let tokens: [TemplateToken]
    private var position = 0
    private let limits: TemplateLimits
    private var depth = 0

    private init(_ tokens: [TemplateToken], limits: TemplateLimits) {
        self.tokens = tokens
        self.limits = limits
    }

    /// Parses a whole source.
    static func statements(
        of source: String, limits: TemplateLimits
    ) throws(TemplateError) -> [TemplateStatement] {
        guard source.utf8.count <= limits.sourceBytes else {
            throw TemplateError.limit(
                "the source has \(source.utf8.count) bytes; \(limits.sourceBytes) are allowed",
                knob: "sourceBytes")
        }
        var parser = TemplateParser(try TemplateLexer.tokens(of: source), limits: limits)
        return try parser.parseBody(until: [], of: nil)
    }

    // MARK: Tokens

    /// The token that is read next; past the last one it stays at `end`.
    var current: TemplateToken { tokens[min(position, tokens.count - 1)] }

    func lookAhead() -> TemplateToken.Kind { tokens[min(position + 1, tokens.count - 1)].kind }

    mutating func advance() {
        position += 1
    }

    mutating func skip(name: String) -> Bool {
        guard current.kind == .name(name) else { return false }
        advance()
        return true
    }

    mutating func skip(_ symbol: TemplateToken.Symbol) -> Bool {
        guard current.kind == .symbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func expect(_ symbol: TemplateToken.Symbol) throws(TemplateError) {
        guard skip(symbol) else { throw unexpected("'\(symbol.rawValue)'") }
    }

    mutating func expect(name: String) throws(TemplateError) {
        guard skip(name: name) else { throw unexpected("'\(name)'") }
    }

    mutating func expectName() throws(TemplateError) -> String {
        guard case .name(let name) = current.kind else { throw unexpected("a name") }
        advance()
        return name
    }

    mutating func expectBlockEnd() throws(TemplateError) {
        guard current.kind == .blockEnd else { throw unexpected("'%}'") }
        advance()
    }

    func unexpected(_ expected: String) -> TemplateError {
        TemplateError(
            .syntax, "found \(current.description) where \(expected) belongs", line: current.line)
    }

    /// Goes one level deeper; the caller comes back with `leave`.
    mutating func enter(levels: Int = 1) throws(TemplateError) {
        depth += levels
        guard depth <= limits.nesting else {
            throw TemplateError.limit(
                "the source nests more than \(limits.nesting) levels deep", knob: "nesting"
            ).located(at: current.line)
        }
    }

    mutating func leave(levels: Int = 1) {
        depth -= levels
    }

    // MARK: Bodies

    /// Parses up to a tag of the given names, which stays the current token, or to the end.
    mutating func parseBody(
        until ends: [String], of tag: (name: String, line: Int)?
    ) throws(TemplateError) -> [TemplateStatement] {
        try enter()
        defer { leave() }
        var body: [TemplateStatement] = []
        while true {
            let line = current.line
            switch current.kind {
            case .data(let text):
                body.append(TemplateStatement(line: line, kind: .text(text)))
                advance()
            case .variableBegin:
                advance()
                let value = try parseTuple()
                guard current.kind == .variableEnd else { throw unexpected("'}}'") }
                advance()
                body.append(TemplateStatement(line: line, kind: .print(value)))
            case .blockBegin:
                advance()
                guard case .name(let name) = current.kind else { throw unexpected("a tag's name") }
                if ends.contains(name) { return body }
                try parseStatement(name, into: &body)
                try expectBlockEnd()
            default:
                guard let tag else { return body }
                throw TemplateError(
                    .syntax, "the tag '\(tag.name)' is not closed", line: tag.line,
                    remedy: "end it with '\(ends.last ?? "end")'")
            }
        }
    }

    /// Parses the rest of a tag and its body up to one of the given names.
    private mutating func parseTagBody(
        until ends: [String], of name: String, at line: Int
    ) throws(TemplateError) -> [TemplateStatement] {
        _ = skip(.colon)
        try expectBlockEnd()
        return try parseBody(until: ends, of: (name, line))
    }

    // MARK: Statements

    private mutating func parseStatement(
        _ name: String, into body: inout [TemplateStatement]
    ) throws(TemplateError) {
        let line = current.line
        func add(_ kind: TemplateStatement.Kind) {
            body.append(TemplateStatement(line: line, kind: kind))
        }
        advance()
        switch name {
        case "if": add(try parseIf(line))
        case "for": add(try parseFor(line))
        case "set": add(try parseSet(line))
        case "with": add(try parseWith(line))
        case "filter":
            let filters = try parseFilters(startsInline: true)
            let content = try parseTagBody(until: ["endfilter"], of: name, at: line)
            advance()
            add(.filterBlock(filters, body: content))
        case "macro":
            let macroName = try expectName()
            var macro = try parseSignature()
            macro.body = try parseTagBody(until: ["endmacro"], of: name, at: line)
            advance()
            add(.macro(macroName, macro))
        case "call":
            var macro = TemplateMacroSyntax()
            if current.kind == .symbol(.leftParenthesis) { macro = try parseSignature() }
            let call = try parseExpression()
            guard case .postfix(_, let postfixes) = call.kind, case .call? = postfixes.last?.kind
            else { throw TemplateError(.syntax, "'call' needs the call of a macro", line: line) }
            macro.body = try parseTagBody(until: ["endcall"], of: name, at: line)
            advance()
            add(.callBlock(call: call, macro))
        case "generation":
            var macro = TemplateMacroSyntax()
            macro.body = try parseTagBody(until: ["endgeneration"], of: name, at: line)
            advance()
            add(.callBlock(call: nil, macro))
        case "print":
            var isFirst = true
            while current.kind != .blockEnd {
                if !isFirst { try expect(.comma) }
                isFirst = false
                add(.print(try parseExpression()))
            }
        case "break": add(.breakLoop)
        case "continue": add(.continueLoop)
        case "include", "import", "from", "extends", "block":
            throw TemplateError(
                .unsupported, "the tag '\(name)' needs other templates, and there are none",
                line: line, remedy: "write everything into one template")
        case "autoescape", "do", "trans", "debug":
            throw TemplateError.unsupported("the tag '\(name)'", line: line)
        default:
            throw TemplateError(
                .syntax, "unknown tag '\(name)'", line: line,
                remedy: name.hasPrefix("end") || name.hasPrefix("el")
                    ? "look for the tag it should close, or for one left open before it" : nil)
        }
    }

    private mutating func parseIf(_ line: Int) throws(TemplateError) -> TemplateStatement.Kind {
        var branches: [(test: TemplateExpression, body: [TemplateStatement])] = []
        while true {
            let test = try parseTuple(allowsConditional: false)
            let body = try parseTagBody(until: ["elif", "else", "endif"], of: "if", at: line)
            branches.append((test, body))
            if skip(name: "elif") { continue }
            var otherwise: [TemplateStatement] = []
            if skip(name: "else") {
                otherwise = try parseTagBody(until: ["endif"], of: "if", at: line)
            }
            advance()
            return .branch(branches, otherwise: otherwise)
        }
    }

    private mutating func parseFor(_ line: Int) throws(TemplateError) -> TemplateStatement.Kind {
        let target = try parseTarget(endName: "in")
        try expect(name: "in")
        let iterable = try parseTuple(allowsConditional: false, endName: "recursive")
        var test: TemplateExpression?
        if skip(name: "if") { test = try parseExpression() }
        if current.kind == .name("recursive") {
            throw TemplateError(
                .unsupported,
                "a recursive loop is not part of the Jinja that chat templates may use",
                line: line, remedy: "use a macro that calls itself")
        }
        let body = try parseTagBody(until: ["endfor", "else"], of: "for", at: line)
        var otherwise: [TemplateStatement] = []
        if skip(name: "else") {
            otherwise = try parseTagBody(until: ["endfor"], of: "for", at: line)
        }
        advance()
        return .loop(
            TemplateForLoop(
                target: target, iterable: iterable, test: test, body: body, otherwise: otherwise))
    }

    private mutating func parseSet(_ line: Int) throws(TemplateError) -> TemplateStatement.Kind {
        let target = try parseTarget(allowsAttributes: true)
        if skip(.assign) { return .set(target, try parseTuple()) }
        let filters = try parseFilters(startsInline: false)
        let body = try parseTagBody(until: ["endset"], of: "set", at: line)
        advance()
        return .setBlock(target, filters: filters, body: body)
    }

    private mutating func parseWith(_ line: Int) throws(TemplateError) -> TemplateStatement.Kind {
        var values: [(target: TemplateTarget, value: TemplateExpression)] = []
        while current.kind != .blockEnd {
            if !values.isEmpty { try expect(.comma) }
            let target = try parseTarget()
            try expect(.assign)
            values.append((target, try parseExpression()))
        }
        let body = try parseTagBody(until: ["endwith"], of: "with", at: line)
        advance()
        return .with(values, body: body)
    }

    private mutating func parseSignature() throws(TemplateError) -> TemplateMacroSyntax {
        var macro = TemplateMacroSyntax()
        try expect(.leftParenthesis)
        while current.kind != .symbol(.rightParenthesis) {
            if !macro.parameters.isEmpty { try expect(.comma) }
            let line = current.line
            let name = try expectName()
            guard !macro.parameters.contains(name) else {
                throw TemplateError(.syntax, "the parameter '\(name)' is there twice", line: line)
            }
            macro.parameters.append(name)
            if skip(.assign) {
                macro.defaults.append(try parseExpression())
            } else if !macro.defaults.isEmpty {
                throw TemplateError(
                    .syntax, "the parameter '\(name)' without a default follows one with a default",
                    line: line)
            }
        }
        advance()
        return macro
    }

    // MARK: Targets

    /// Parses what is assigned to: a name, `namespace.name`, or several of them.
    private mutating func parseTarget(
        allowsAttributes: Bool = false, endName: String? = nil
    ) throws(TemplateError) -> TemplateTarget {
        var targets: [TemplateTarget] = []
        var isTuple = false
        while true {
            if !targets.isEmpty { try expect(.comma) }
            if isTupleEnd(endName) { break }
            targets.append(try parseSingleTarget(allowsAttributes: allowsAttributes))
            guard current.kind == .symbol(.comma) else { break }
            isTuple = true
        }
        if !isTuple, let only = targets.first { return only }
        guard !targets.isEmpty else { throw unexpected("a name to assign to") }
        return .tuple(targets)
    }

    private mutating func parseSingleTarget(
        allowsAttributes: Bool
    ) throws(TemplateError) -> TemplateTarget {
        if skip(.leftParenthesis) {
            try enter()
            defer { leave() }
            let target = try parseTarget(allowsAttributes: allowsAttributes)
            try expect(.rightParenthesis)
            return target
        }
        let line = current.line
        let name = try expectName()
        guard !["true", "false", "none", "True", "False", "None"].contains(name) else {
            throw TemplateError(.syntax, "'\(name)' cannot be assigned to", line: line)
        }
        if allowsAttributes, skip(.dot) { return .attribute(of: name, try expectName()) }
        return .name(name)
    }

    /// Whether a list of expressions without brackets ends here.
    func isTupleEnd(_ endName: String?) -> Bool {
        switch current.kind {
        case .variableEnd, .blockEnd, .symbol(.rightParenthesis): true
        case .name(let name): name == endName
        default: false
        }
    }
}
