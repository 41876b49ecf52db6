import FathomTestSupport
import FathomVectors
import Testing

@Suite("Predicates")
struct PredicateTests {
    static let columns: [ColumnDefinition] = [
        .init("year", .integer), .init("score", .double), .init("lang", .string),
        .init("draft", .boolean),
    ]

    static func parse(_ text: String) throws -> FieldPredicate {
        try FieldPredicate(parsing: text, columns: columns)
    }

    @Test("are read as they are written in code")
    func parsing() throws {
        let year = Column("year"), score = Column("score"), lang = Column("lang")
        let draft = Column("draft") == true
        let pairs: [(String, FieldPredicate)] = [
            ("year >= 2020", year >= 2020),
            ("year>=2020 and lang == \"en\"", year >= 2020 && lang == "en"),
            ("score < -1.5e-3", score < -0.0015),
            ("score > .5", score > 0.5),
            ("lang != 'd\\'e\\\\\\n'", lang != "d'e\\\n"),
            ("year in [1, 2,3]", year.isIn([1, 2, 3])),
            ("lang in ('a', \"b\")", lang.isIn(["a", "b"])),
            ("lang starts_with \"d\"", lang.hasPrefix("d")),
            ("exists year", year.exists),
            ("not exists(year)", !year.exists),
            ("draft", draft),
            ("!draft", !draft),
            ("draft == FALSE", Column("draft") == false),
            ("draft or year == 1 AND score == 2", draft || .all([year == 1, score == 2])),
            ("(draft || year == 1) && score == 2", .all([draft || year == 1, score == 2])),
            ("year == 1 or year == 2 or year == 3", .any([year == 1, year == 2, year == 3])),
            ("year == 9223372036854775807", year == 9_223_372_036_854_775_807),
            ("year < 9223372036854775808", year < 9.223372036854775808e18),
        ]
        for (text, predicate) in pairs {
            #expect(try Self.parse(text) == predicate, "\(text)")
        }
    }

    @Test(
        "point at the character that is wrong",
        arguments: [
            ("", 0), ("year", 0), ("year >=", 7), ("year >= lang", 8), ("yaer == 1", 0),
            ("year == 1 and", 13), ("year == 1 lang == 'a'", 10), ("(year == 1", 10),
            ("year = 1", 5), ("lang == 'abc", 8), ("lang == 'é' and size == 1", 16),
            ("year in 1", 8), ("year in [1 2]", 11), ("year in []", 9), ("score == 1..2", 9),
            ("lang == \"a\\x\"", 10), ("lang < 3", 0), ("year starts_with 'a'", 0),
            ("draft < true", 0), ("year == 1)", 9), ("year == 1 ; x", 10), ("exists 3", 7),
            ("not", 3), ("year in [1, 'a']", 0), ("lang starts_with 3", 17), ("score == 1e999", 9),
        ])
    func errors(_ text: String, _ offset: Int) {
        let error = #expect(throws: PredicateError.self) { try Self.parse(text) }
        #expect(error?.offset == offset, "\(text): \(String(describing: error))")
        #expect(error?.description.contains("character \(offset + 1)") == true)
    }

    @Test("may be nested, but not without end; nor may they be without end")
    func limits() throws {
        let deep = 20
        _ = try Self.parse(
            String(repeating: "(", count: deep) + "draft" + String(repeating: ")", count: deep))
        #expect(throws: PredicateError.self) {
            try Self.parse(String(repeating: "(", count: 100_000))
        }
        #expect(throws: PredicateError.self) {
            try Self.parse(String(repeating: "not ", count: 10_000) + "draft")
        }
        #expect(throws: PredicateError.self) {
            try Self.parse("lang == '" + String(repeating: "a", count: 70_000) + "'")
        }
        var predicate = Column("draft") == true
        for _ in 0..<FieldPredicate.depthLimit { predicate = !predicate }
        let collection = try VectorCollection.create(
            in: SimulatedDisk(), CollectionSettings(dimension: 1, columns: Self.columns),
            CollectionModelTests.manual)
        #expect(throws: PredicateError.self) { try collection.snapshot.ids(where: predicate) }
    }

    @Test("mean the same for rows in memory and in segments as for a row at a time")
    func meaning() throws {
        var random = SeededGenerator(seed: 5)
        let settings = CollectionSettings(dimension: 1, columns: Self.columns)
        let rows = (0..<300).map { _ in CollectionModel.row(&random).fields }
        let collections = try (0..<2).map { part in
            let collection = try VectorCollection.create(
                in: SimulatedDisk(), settings, CollectionModelTests.manual)
            try collection.add(
                VectorRows(Array(repeating: 1, count: rows.count), dimension: 1),
                ids: (0..<300).map { Int64($0) }, fields: rows)
            if part == 1 { try collection.seal() }
            return collection
        }
        for _ in 0..<400 {
            let predicate = Self.random(&random, depth: 3)
            let wanted = (0..<300).filter { Self.holds(predicate, rows[$0]) }.map { Int64($0) }
            for collection in collections {
                #expect(
                    try collection.snapshot.ids(where: predicate) == wanted, "\(predicate)")
                #expect(try collection.snapshot.count(where: predicate) == wanted.count)
            }
        }
    }

    private static func random(_ random: inout SeededGenerator, depth: Int) -> FieldPredicate {
        if depth > 0, Int.random(in: 0..<2, using: &random) == 0 {
            let first = Self.random(&random, depth: depth - 1)
            let second = Self.random(&random, depth: depth - 1)
            return [!first, first && second, first || second, .all([]), .any([])][
                Int.random(in: 0..<(depth == 3 ? 5 : 3), using: &random)]
        }
        let comparison = FieldPredicate.Comparison.allCases.randomElement(using: &random) ?? .equal
        switch Int.random(in: 0..<8, using: &random) {
        case 0:
            return .compare("year", comparison, .integer(.random(in: 1999...2011, using: &random)))
        case 1:
            let value = Double(Int.random(in: 3990...4030, using: &random)) / 2
            return .compare("year", comparison, .double(value))
        case 2:
            let value = [1e300, -1e300, .infinity, 9.3e18].randomElement(using: &random) ?? 0
            return .compare("year", comparison, .double(value))
        case 3:
            return .compare("score", comparison, .integer(.random(in: -1...1, using: &random)))
        case 4:
            let text = ["en", "dé", "", "z"].randomElement(using: &random) ?? ""
            return Bool.random(using: &random)
                ? .compare("lang", comparison, .string(text)) : .hasPrefix("lang", text)
        case 5: return .isIn("year", [2001, 2003.0, 2004.5])
        case 6: return .isIn("lang", ["en", "de"])
        default:
            return Bool.random(using: &random)
                ? .exists("lang") : .compare("draft", .notEqual, true)
        }
    }

    /// A predicate by its definition.
    private static func holds(_ predicate: FieldPredicate, _ row: [String: ColumnValue]) -> Bool {
        switch predicate {
        case .not(let inner): return !holds(inner, row)
        case .all(let inner): return inner.allSatisfy { holds($0, row) }
        case .any(let inner): return inner.contains { holds($0, row) }
        case .exists(let name): return row[name] != nil
        case .hasPrefix(let name, let prefix):
            guard case .string(let text) = row[name] else { return false }
            return text.utf8.starts(with: prefix.utf8)
        case .isIn(let name, let values):
            return values.contains { holds(.compare(name, .equal, $0), row) }
        case .compare(let name, let comparison, let other):
            guard let value = row[name] else { return false }
            func compare<Value: Comparable>(_ a: Value, _ b: Value) -> Bool {
                switch comparison {
                case .equal: a == b
                case .notEqual: a != b
                case .less: a < b
                case .lessOrEqual: a <= b
                case .greater: a > b
                case .greaterOrEqual: a >= b
                }
            }
            switch (value, other) {
            case (.integer(let a), .integer(let b)): return compare(a, b)
            case (.integer(let a), .double(let b)): return compare(Double(a), b)
            case (.double(let a), .integer(let b)): return compare(a, Double(b))
            case (.double(let a), .double(let b)): return compare(a, b)
            case (.boolean(let a), .boolean(let b)): return compare(a ? 1 : 0, b ? 1 : 0)
            case (.string(let a), .string(let b)):
                let (a, b) = (Array(a.utf8), Array(b.utf8))
                return compare(
                    a == b ? 1 : a.lexicographicallyPrecedes(b) ? 0 : 2, 1)
            default: return false
            }
        }
    }
}
