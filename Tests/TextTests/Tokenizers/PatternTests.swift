import FathomTestSupport
import FathomText
import Testing

@Suite("The general pattern matcher")
struct PatternTests {
    private func matches(_ pattern: String, _ text: String) throws -> [String] {
        let utf8 = Array(text.utf8)
        return try PatternProgram(pattern).matches(in: text).matches.map {
            String(decoding: utf8[$0], as: UTF8.self)
        }
    }

    @Test(
        "finds the leftmost match its alternatives prefer",
        arguments: [
            ("a|ab", "ab", ["a"]), ("ab|a", "ab", ["ab"]), ("a+?", "aaa", ["a", "a", "a"]),
            ("a{2,3}", "aaaaa", ["aaa", "aa"]), ("a{2,3}?", "aaaaa", ["aa", "aa"]),
            ("(a|b)*c", "ababc", ["ababc"]), ("a++a", "aaaa", []), ("a++b", "aab", ["aab"]),
            (#"\s+(?!\S)"#, "a   b", ["  "]), (#"\s+(?=\S)"#, "a   b", ["   "]),
            ("[a-c&&[^b]]+", "abcac", ["a", "cac"]), ("[^a-c]+", "abcxyz", ["xyz"]),
            (#"[\]\-x]+"#, "a]-xb", ["]-x"]), ("(?i:straße|k)", "STRAßE K", ["STRAßE", "K"]),
            (#"\p{Lu}\P{Lu}*"#, "FooBar", ["Foo", "Bar"]), (#"\x41\u0042\x{43}"#, "ABC", ["ABC"]),
            ("^a", "a\na", ["a", "a"]), ("a$", "a\na", ["a", "a"]),
            (#"\Aa|a\z"#, "aaa", ["a", "a"]),
            (".+", "ab\ncd", ["ab", "cd"]), ("", "", [""]), ("x*", "ab", ["", "", ""]),
            ("(?:)|a", "a", ["", ""]), (#"\d+|\w+"#, "12ab_é", ["12", "ab_é"]),
            ("日本?", "日本日", ["日本", "日"]),
        ] as [(String, String, [String])])
    func semantics(pattern: String, text: String, expected: [String]) throws {
        #expect(try matches(pattern, text) == expected)
    }

    @Test("agrees with Swift's regular expressions on random patterns")
    func againstSwift() throws {
        var generator = SeededGenerator(seed: 21)
        let atoms = [
            "a", "b", "[ab]", "[^a]", "c", "(?:ab|a)", "(?:a|b|)", "(?!a)", "(?=[bc])", ".",
        ]
        let counts = ["", "", "?", "*", "+", "{1,2}", "??", "*?", "+?"]
        var compared = 0
        while compared < 400 {
            var pattern = ""
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let atom = atoms[Int.random(in: 0..<atoms.count, using: &generator)]
                // Repeating what can be empty is where engines differ; the matcher leaves it.
                let mayRepeat =
                    !atom.hasPrefix("(?!") && !atom.hasPrefix("(?=") && !atom.hasSuffix("|)")
                pattern += atom
                if mayRepeat {
                    pattern += counts[Int.random(in: 0..<counts.count, using: &generator)]
                }
                if Int.random(in: 0..<5, using: &generator) == 0 { pattern += "|" }
            }
            let text = String(
                (0..<Int.random(in: 0...12, using: &generator)).compactMap { _ in
                    "abc".randomElement(using: &generator)
                })
            let program = try PatternProgram(pattern)
            let regex = try Regex(pattern).matchingSemantics(.unicodeScalar)
            let ours = program.matches(in: text).matches.first
            let theirs = text.firstMatch(of: regex).map {
                text.utf8.distance(
                    from: text.startIndex, to: $0.range.lowerBound)..<text.utf8.distance(
                        from: text.startIndex, to: $0.range.upperBound)
            }
            #expect(ours == theirs, "\(pattern) in \(text)")
            compared += 1
        }
    }

    @Test(
        "refuses what it does not support, and says where",
        arguments: [
            "(a", "a)", "[a", "a**", "*a", "a{3,2}", "a{1001}", "(?<=a)b", "(?<n>a)", #"a\b"#,
            #"(a)\1"#, #"\p{Han}"#, "[[:alpha:]]", "(?!ab)", "(ab)++", #"\"#, "[z-a]", #"\x4"#,
            #"\u{110000}"#, "((a{1000}){1000}){1000}", "((){1000}){1000}a{1000}{2}",
            String(repeating: "(", count: 100) + String(repeating: ")", count: 100),
        ])
    func refusals(pattern: String) {
        #expect(throws: PatternError.self, "\(pattern)") { try PatternProgram(pattern) }
    }

    @Test(
        "takes time linear in the text, whatever the pattern",
        arguments: [
            ("(a+)+b", "a"), ("(a|a)*b", "a"), ("(a*)*c|a", "a"), ("a*b|a", "a"),
            (#"\s*[\r\n]+|\s"#, " "), (#"[^\s]++z"#, "a"), ("(?:a?){50}a{50}b", "a"),
            ("a++b|a", "a"), ("(x+x+)+y", "x"),
        ])
    func linearTime(pattern: String, letter: String) throws {
        let program = try PatternProgram(pattern)
        let short = program.matches(in: String(repeating: letter, count: 2_000)).stepCount
        let long = program.matches(in: String(repeating: letter, count: 32_000)).stepCount
        #expect(long <= short * 17, "\(short) steps for 2000, \(long) for 32 000")
    }
}
