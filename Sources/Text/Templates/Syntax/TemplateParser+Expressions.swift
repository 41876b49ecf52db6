extension TemplateParser {
    /// Parses expressions separated by commas: a tuple, or the only one itself.
    mutating func parseTuple(
        allowsConditional: Bool = true, endName: String? = nil, inParentheses: Bool = false
    ) throws(TemplateError) -> TemplateExpression {
        var line = current.line
        var items: [TemplateExpression] = []
        var isTuple = false
        while true {
            if !items.isEmpty { try expect(.comma) }
            if isTupleEnd(endName) { break }
            items.append(try parseExpression(allowsConditional: allowsConditional))
            guard current.kind == .symbol(.comma) else { break }
            isTuple = true
            line = current.line
        }
        if !isTuple {
            if let only = items.first { return only }
            guard inParentheses else { throw unexpected("an expression") }
        }
        return TemplateExpression(line: line, kind: .tuple(items))
    }

    /// Parses one expression.
    mutating func parseExpression(
        allowsConditional: Bool = true
    ) throws(TemplateError) -> TemplateExpression {
        try enter()
        defer { leave() }
        let line = current.line
        var value = try parseOperators()
        guard allowsConditional else { return value }
        var levels = 0
        defer { leave(levels: levels) }
        while skip(name: "if") {
            levels += 1
            try enter()
            let test = try parseOperators()
            let otherwise = skip(name: "else") ? try parseExpression() : nil
            value = TemplateExpression(
                line: line, kind: .conditional(test: test, then: value, otherwise: otherwise))
        }
        return value
    }

    // MARK: Operators

    private enum Operator: Equatable {
        case or, and
        case comparison(TemplateComparison)
        case binary(TemplateBinary)
        case concatenation
    }

    /// The operator that stands here, and the number of its tokens.
    private func currentOperator() -> (Operator, tokens: Int)? {
        switch current.kind {
        case .symbol(let symbol):
            if symbol == .tilde { return (.concatenation, 1) }
            if let binary = TemplateBinary(rawValue: symbol.rawValue) {
                return (.binary(binary), 1)
            }
            return TemplateComparison(rawValue: symbol.rawValue).map { (.comparison($0), 1) }
        case .name("or"): return (.or, 1)
        case .name("and"): return (.and, 1)
        case .name("in"): return (.comparison(.contained), 1)
        case .name("not") where lookAhead() == .name("in"): return (.comparison(.notContained), 2)
        default: return nil
        }
    }

    /// Operands and the operators between them, which are joined level by level.
    private struct Terms {
        var operands: [TemplateExpression]
        var operators: [Operator] = []
        /// The `not`s before each operand.
        var negations: [Int]

        /// Joins each longest stretch of operands whose operators belong to a level.
        mutating func join(
            where belongs: (Operator) -> Bool,
            _ combine: ([TemplateExpression], [Operator]) -> TemplateExpression.Kind
        ) {
            guard operators.contains(where: belongs) else { return }
            var joined = Terms(operands: [], negations: [])
            var index = 0
            while index < operands.count {
                var end = index
                while end < operators.count, belongs(operators[end]) { end += 1 }
                if end == index {
                    joined.operands.append(operands[index])
                } else {
                    let kind = combine(
                        Array(operands[index...end]), Array(operators[index..<end]))
                    joined.operands.append(
                        TemplateExpression(line: operands[index].line, kind: kind))
                }
                joined.negations.append(negations[index])
                if end < operators.count { joined.operators.append(operators[end]) }
                index = end + 1
            }
            self = joined
        }

        /// Joins binary operators of one level, from the left.
        mutating func joinBinary(_ level: [TemplateBinary]) {
            join { operation in
                if case .binary(let binary) = operation { level.contains(binary) } else { false }
            } _: { operands, operators in
                var rest: [(operation: TemplateBinary, operand: TemplateExpression)] = []
                for case (.binary(let operation), let operand) in zip(
                    operators, operands.dropFirst())
                {
                    rest.append((operation, operand))
                }
                return .binary(operands[0], rest)
            }
        }

        mutating func joinAll() -> TemplateExpression {
            joinBinary([.power])
            joinBinary([.multiply, .divide, .floorDivide, .modulo])
            join(where: { $0 == .concatenation }) { operands, _ in .concatenation(operands) }
            joinBinary([.add, .subtract])
            join { operation in
                if case .comparison = operation { true } else { false }
            } _: { operands, operators in
                var rest: [(operation: TemplateComparison, operand: TemplateExpression)] = []
                for case (.comparison(let operation), let operand) in zip(
                    operators, operands.dropFirst())
                {
                    rest.append((operation, operand))
                }
                return .comparison(operands[0], rest)
            }
            for index in operands.indices where negations[index] > 0 {
                // An even number of negations still makes a truth value of the operand.
                for _ in 0..<(2 - negations[index] % 2) {
                    operands[index] = TemplateExpression(
                        line: operands[index].line, kind: .unary(.not, operands[index]))
                }
            }
            join(where: { $0 == .and }) { operands, _ in .and(operands) }
            join(where: { $0 == .or }) { operands, _ in .or(operands) }
            return operands[0]
        }
    }

    /// Parses operands and the operators between them.
    private mutating func parseOperators() throws(TemplateError) -> TemplateExpression {
        var terms = Terms(operands: [], negations: [])
        while true {
            var negations = 0
            if terms.operators.last.map({ $0 == .and || $0 == .or }) ?? true {
                while skip(name: "not") { negations += 1 }
            }
            terms.negations.append(negations)
            terms.operands.append(try parseUnary())
            guard let (operation, tokens) = currentOperator() else { break }
            terms.operators.append(operation)
            for _ in 0..<tokens { advance() }
        }
        if terms.operators.isEmpty, terms.negations[0] == 0 { return terms.operands[0] }
        return terms.joinAll()
    }

    /// Parses an operand with its signs, attributes, calls, filters and tests.
    private mutating func parseUnary() throws(TemplateError) -> TemplateExpression {
        var signs: [(sign: TemplateUnary, line: Int)] = []
        while true {
            let line = current.line
            if skip(.subtract) {
                signs.append((.negate, line))
            } else if skip(.add) {
                signs.append((.plus, line))
            } else {
                break
            }
        }
        try enter(levels: signs.count)
        defer { leave(levels: signs.count) }
        let primary = try parsePrimary()
        var postfixes: [TemplatePostfix] = []
        try parsePostfixes(into: &postfixes)
        var value = Self.join(primary, postfixes)
        for (sign, line) in signs.reversed() {
            value = TemplateExpression(line: line, kind: .unary(sign, value))
        }
        postfixes = []
        while true {
            switch current.kind {
            case .symbol(.pipe):
                postfixes += try parseFilters(startsInline: false)
            case .name("is"):
                postfixes.append(try parseTest())
            case .symbol(.leftParenthesis):
                let line = current.line
                postfixes.append(
                    TemplatePostfix(line: line, kind: .call(try parseArguments())))
            default:
                return Self.join(value, postfixes)
            }
        }
    }

    private static func join(
        _ value: TemplateExpression, _ postfixes: [TemplatePostfix]
    ) -> TemplateExpression {
        guard !postfixes.isEmpty else { return value }
        if case .postfix(let base, let earlier) = value.kind {
            return TemplateExpression(line: value.line, kind: .postfix(base, earlier + postfixes))
        }
        return TemplateExpression(line: value.line, kind: .postfix(value, postfixes))
    }

    // MARK: Primaries

    private mutating func parsePrimary() throws(TemplateError) -> TemplateExpression {
        let line = current.line
        func constant(_ value: TemplateConstant) -> TemplateExpression {
            TemplateExpression(line: line, kind: .constant(value))
        }
        switch current.kind {
        case .name(let name):
            advance()
            switch name {
            case "true", "True": return constant(.bool(true))
            case "false", "False": return constant(.bool(false))
            case "none", "None": return constant(.none)
            default: return TemplateExpression(line: line, kind: .name(name))
            }
        case .string(var text):
            advance()
            while case .string(let more) = current.kind {
                text += more
                advance()
            }
            return constant(.string(text))
        case .integer(let value):
            advance()
            return constant(.integer(value))
        case .number(let value):
            advance()
            return constant(.number(value))
        case .symbol(.leftParenthesis):
            advance()
            let value = try parseTuple(inParentheses: true)
            try expect(.rightParenthesis)
            return value
        case .symbol(.leftBracket): return try parseList()
        case .symbol(.leftBrace): return try parseDict()
        default: throw unexpected("an expression")
        }
    }

    private mutating func parseList() throws(TemplateError) -> TemplateExpression {
        let line = current.line
        advance()
        var items: [TemplateExpression] = []
        while current.kind != .symbol(.rightBracket) {
            if !items.isEmpty {
                try expect(.comma)
                if current.kind == .symbol(.rightBracket) { break }
            }
            items.append(try parseExpression())
        }
        advance()
        return TemplateExpression(line: line, kind: .list(items))
    }

    private mutating func parseDict() throws(TemplateError) -> TemplateExpression {
        let line = current.line
        advance()
        var pairs: [(key: TemplateExpression, value: TemplateExpression)] = []
        while current.kind != .symbol(.rightBrace) {
            if !pairs.isEmpty {
                try expect(.comma)
                if current.kind == .symbol(.rightBrace) { break }
            }
            let key = try parseExpression()
            try expect(.colon)
            pairs.append((key, try parseExpression()))
        }
        advance()
        return TemplateExpression(line: line, kind: .dict(pairs))
    }

    // MARK: Postfixes

    private mutating func parsePostfixes(
        into postfixes: inout [TemplatePostfix]
    ) throws(TemplateError) {
        while true {
            let line = current.line
            let kind: TemplatePostfix.Kind
            switch current.kind {
            case .symbol(.dot):
                advance()
                switch current.kind {
                case .name(let name): kind = .attribute(name)
                case .integer(let index):
                    kind = .item(
                        TemplateExpression(line: line, kind: .constant(.integer(index))))
                default: throw unexpected("a name or number")
                }
                advance()
            case .symbol(.leftBracket): kind = try parseSubscript()
            case .symbol(.leftParenthesis): kind = .call(try parseArguments())
            default: return
            }
            postfixes.append(TemplatePostfix(line: line, kind: kind))
        }
    }

    private mutating func parseSubscript() throws(TemplateError) -> TemplatePostfix.Kind {
        let line = current.line
        advance()
        var kinds: [TemplatePostfix.Kind] = []
        while current.kind != .symbol(.rightBracket) {
            if !kinds.isEmpty { try expect(.comma) }
            kinds.append(try parseSubscriptPart())
        }
        advance()
        if kinds.count == 1 { return kinds[0] }
        var items: [TemplateExpression] = []
        for kind in kinds {
            guard case .item(let value) = kind else {
                throw TemplateError(
                    .syntax, "a slice stands beside another index", line: line,
                    remedy: "take one slice after the other")
            }
            items.append(value)
        }
        return .item(TemplateExpression(line: line, kind: .tuple(items)))
    }

    private mutating func parseSubscriptPart() throws(TemplateError) -> TemplatePostfix.Kind {
        var parts: [TemplateExpression?] = [nil, nil, nil]
        if current.kind != .symbol(.colon) {
            let value = try parseExpression()
            guard current.kind == .symbol(.colon) else { return .item(value) }
            parts[0] = value
        }
        for index in 1...2 where skip(.colon) {
            switch current.kind {
            case .symbol(.colon), .symbol(.rightBracket), .symbol(.comma): break
            default: parts[index] = try parseExpression()
            }
        }
        return .slice(parts[0], parts[1], parts[2])
    }

    mutating func parseFilters(startsInline: Bool) throws(TemplateError) -> [TemplatePostfix] {
        var filters: [TemplatePostfix] = []
        while (filters.isEmpty && startsInline) || skip(.pipe) {
            let line = current.line
            let name = try parseDottedName()
            let arguments =
                current.kind == .symbol(.leftParenthesis)
                ? try parseArguments() : TemplateArguments()
            filters.append(TemplatePostfix(line: line, kind: .filter(name, arguments)))
        }
        return filters
    }

    private mutating func parseDottedName() throws(TemplateError) -> String {
        var name = try expectName()
        while skip(.dot) { name += "." + (try expectName()) }
        return name
    }

    private mutating func parseTest() throws(TemplateError) -> TemplatePostfix {
        let line = current.line
        advance()
        let isNegated = skip(name: "not")
        let name = try parseDottedName()
        var arguments = TemplateArguments()
        switch current.kind {
        case .symbol(.leftParenthesis):
            arguments = try parseArguments()
        case .name("else"), .name("or"), .name("and"):
            break
        case .name("is"):
            throw TemplateError(
                .syntax, "tests cannot follow each other", line: current.line,
                remedy: "put the first one in parentheses")
        case .name, .string, .integer, .number, .symbol(.leftBracket), .symbol(.leftBrace):
            let primary = try parsePrimary()
            var postfixes: [TemplatePostfix] = []
            try parsePostfixes(into: &postfixes)
            arguments.positional = [Self.join(primary, postfixes)]
        default: break
        }
        return TemplatePostfix(line: line, kind: .test(name, arguments, isNegated: isNegated))
    }

    private mutating func parseArguments() throws(TemplateError) -> TemplateArguments {
        let line = current.line
        var arguments = TemplateArguments()
        func check(_ isValid: Bool) throws(TemplateError) {
            guard isValid else {
                throw TemplateError(
                    .syntax, "the arguments of a call are in the wrong order", line: line,
                    remedy: "write positional ones first, then 'name=value'")
            }
        }
        try expect(.leftParenthesis)
        var isFirst = true
        while current.kind != .symbol(.rightParenthesis) {
            if !isFirst {
                try expect(.comma)
                if current.kind == .symbol(.rightParenthesis) { break }
            }
            isFirst = false
            if skip(.multiply) {
                try check(arguments.star == nil && arguments.doubleStar == nil)
                arguments.star = try parseExpression()
            } else if skip(.power) {
                try check(arguments.doubleStar == nil)
                arguments.doubleStar = try parseExpression()
            } else if case .name(let name) = current.kind, lookAhead() == .symbol(.assign) {
                try check(arguments.doubleStar == nil)
                guard !arguments.keywords.contains(where: { $0.name == name }) else {
                    throw TemplateError(
                        .syntax, "the argument '\(name)' is given twice", line: current.line)
                }
                advance()
                advance()
                arguments.keywords.append((name, try parseExpression()))
            } else {
                try check(
                    arguments.star == nil && arguments.doubleStar == nil
                        && arguments.keywords.isEmpty)
                arguments.positional.append(try parseExpression())
            }
        }
        advance()
        return arguments
    }
}
