extension FieldPredicate {
    /// Reads a predicate's text.
    ///
    /// Comparisons are `==`, `!=`, `<`, `<=`, `>`, `>=`, `in [1, 2]` and `starts_with "de"`;
    /// `exists year` asks for a value; a column alone is true or false. They are joined by `and`
    /// (`&&`), `or` (`||`), `not` (`!`) and parentheses; `and` binds closer than `or`. Strings
    /// stand in `"` or `'`, with `\` before either, before itself, `n` and `t`.
    /// - Parameter columns: those there are, to have names and types checked with their place; nil
    ///   to leave that to the search.
    /// - Throws: `PredicateError`, which says at which character.
    public init(
        parsing text: String, columns: [ColumnDefinition]? = nil
    ) throws(PredicateError) {
        var parser = PredicateParser(try PredicateScanner(text), columns)
        self = try parser.whole()
    }
}

/// Reads predicates by recursive descent, as deep as predicates may be.
private struct PredicateParser {
    private var scanner: PredicateScanner
    private let columns: [ColumnDefinition]?
    private var depth = 0

    init(_ scanner: PredicateScanner, _ columns: [ColumnDefinition]?) {
        self.scanner = scanner
        self.columns = columns
    }

    mutating func whole() throws(PredicateError) -> FieldPredicate {
        let predicate = try alternatives()
        guard scanner.token == .end else { throw unexpected("'and', 'or' or the end") }
        return predicate
    }

    private func unexpected(_ expected: String) -> PredicateError {
        scanner.failure(.unexpected(scanner.token.text, expected: expected))
    }

    private mutating func alternatives() throws(PredicateError) -> FieldPredicate {
        var parts = [try conjunction()]
        while try scanner.take("or") { parts.append(try conjunction()) }
        return parts.count == 1 ? parts[0] : .any(parts)
    }

    private mutating func conjunction() throws(PredicateError) -> FieldPredicate {
        var parts = [try factor()]
        while try scanner.take("and") { parts.append(try factor()) }
        return parts.count == 1 ? parts[0] : .all(parts)
    }

    private mutating func factor() throws(PredicateError) -> FieldPredicate {
        // Each level of the text is at most three of the predicate: not, any, all.
        guard depth < FieldPredicate.depthLimit / 3 else {
            throw scanner.failure(.nestedTooDeeply(limit: FieldPredicate.depthLimit / 3))
        }
        depth += 1
        defer { depth -= 1 }
        if try scanner.take("not") { return .not(try factor()) }
        if try scanner.take("(") {
            let inner = try alternatives()
            guard try scanner.take(")") else { throw unexpected("')'") }
            return inner
        }
        if try scanner.take("exists") {
            let hasParenthesis = try scanner.take("(")
            let (name, place) = try column()
            if hasParenthesis {
                guard try scanner.take(")") else { throw unexpected("')'") }
            }
            return try checked(.exists(name), at: place)
        }
        return try condition()
    }

    private mutating func column() throws(PredicateError) -> (name: String, place: Int) {
        guard case .name(let name) = scanner.token else { throw unexpected("a column") }
        let place = scanner.start
        try scanner.advance()
        return (name, place)
    }

    private mutating func condition() throws(PredicateError) -> FieldPredicate {
        guard case .name = scanner.token else {
            throw unexpected("a column, 'not', 'exists' or '('")
        }
        let (name, place) = try column()
        if case .symbol(let symbol) = scanner.token,
            let comparison = FieldPredicate.Comparison(rawValue: symbol)
        {
            try scanner.advance()
            return try checked(.compare(name, comparison, try value()), at: place)
        }
        if try scanner.take("starts_with") {
            guard case .value(.string(let prefix)) = scanner.token else {
                throw unexpected("a string")
            }
            try scanner.advance()
            return try checked(.hasPrefix(name, prefix), at: place)
        }
        if try scanner.take("in") { return try checked(.isIn(name, try list()), at: place) }
        return try checked(.compare(name, .equal, true), at: place)
    }

    private mutating func value() throws(PredicateError) -> ColumnValue {
        guard case .value(let value) = scanner.token else {
            throw unexpected("a number, a string, true or false")
        }
        try scanner.advance()
        return value
    }

    private mutating func list() throws(PredicateError) -> [ColumnValue] {
        let isBracket = try scanner.take("[")
        if !isBracket {
            guard try scanner.take("(") else { throw unexpected("'[' or '('") }
        }
        var values = [try value()]
        while try scanner.take(",") { values.append(try value()) }
        guard try isBracket ? scanner.take("]") : scanner.take(")") else {
            throw unexpected(isBracket ? "',' or ']'" : "',' or ')'")
        }
        return values
    }

    /// Gives errors about a column the place of its name.
    private func checked(
        _ predicate: FieldPredicate, at place: Int
    ) throws(PredicateError) -> FieldPredicate {
        guard let columns else { return predicate }
        do {
            _ = try BoundPredicate(predicate, columns)
        } catch {
            throw scanner.failure(error.reason, at: place)
        }
        return predicate
    }
}
