import FathomRetrieval
import FathomTestSupport
import Testing

@Suite struct ChunkerTests {
    /// Counts words, as tokens of a plain kind.
    private static func chunker(_ limit: Int, overlap: Int = 0) -> Chunker {
        Chunker(
            tokenLimit: limit, overlapTokens: overlap,
            countTokens: { $0.split(whereSeparator: \.isWhitespace).count })
    }

    private static func passages(
        _ text: String, _ kind: DocumentKind, limit: Int, overlap: Int = 0
    ) -> [(lines: ClosedRange<Int>, text: String)] {
        let bytes = Array(text.utf8)
        return chunker(limit, overlap: overlap).passages(of: bytes, kind: kind).map {
            ($0.lines, String(decoding: bytes[$0.bytes], as: UTF8.self))
        }
    }

    @Test("prose is cut between paragraphs, blank lines left out")
    func paragraphs() {
        let found = Self.passages(
            "one two\nthree\n\nfour five\n\n\nsix\nseven eight\n", .prose, limit: 6)
        #expect(found.map(\.lines) == [1...4, 7...8])
        #expect(found.map(\.text) == ["one two\nthree\n\nfour five", "six\nseven eight"])
    }

    @Test("headings of Markdown begin a passage, but not alone, and not in fenced code")
    func headings() {
        let text = """
            # Title

            ## First
            a b
            ```sh
            # no heading
            ```

            Second
            ------
            c

            Third
            =====
            """
        let found = Self.passages(text, .markdown, limit: 100)
        #expect(found.map(\.lines) == [1...7, 9...11, 13...14])
    }

    @Test("source code is cut before definitions, not inside of them where they fit")
    func definitions() {
        let text = """
            func a() {
                x
            }

            func b() {
                y

                z
            }
            """
        #expect(Self.passages(text, .code, limit: 10).map(\.lines) == [1...3, 5...9])
        #expect(Self.passages(text, .prose, limit: 10).map(\.lines) == [1...6, 8...9])
    }

    @Test("a cut within a section repeats its last lines")
    func overlap() {
        let text = (1...12).map { "w\($0) x" }.joined(separator: "\n")
        let found = Self.passages(text, .prose, limit: 8, overlap: 4)
        #expect(found.map(\.lines) == [1...4, 3...6, 5...8, 7...10, 9...12])
    }

    @Test("a line too long is cut between words, and every part says its line")
    func longLine() {
        let words = (0..<50).map { "word\($0)" }
        let found = Self.passages(
            "short\n" + words.joined(separator: " ") + "\nend", .prose, limit: 8)
        #expect(found.first?.lines == 1...1 && found.last?.lines == 3...3)
        let parts = found.dropFirst().dropLast()
        #expect(parts.allSatisfy { $0.lines == 2...2 })
        #expect(parts.map(\.text).joined() == words.joined(separator: " "))
        for part in parts {
            #expect(part.text.split(separator: " ").count <= 8)
            #expect(part.text.split(separator: " ").allSatisfy { words.contains(String($0)) })
        }
    }

    @Test("whatever the text, passages fit, rise, hold every line and are UTF-8")
    func anyText() {
        var numbers = SeededGenerator(seed: 31)
        let pieces = [
            "word ", "é", "中", "\n", "\n\n", "# ", "```", "---", "===", "    ", "\t", "}", "\r\n",
            "x", "\u{0C}", " ",
        ]
        for _ in 0..<300 {
            let text = (0..<Int.random(in: 0...120, using: &numbers)).map { _ in
                pieces[Int.random(in: 0..<pieces.count, using: &numbers)]
            }.joined()
            let bytes = Array(text.utf8)
            for kind in DocumentKind.allCases {
                let limit = Int.random(in: 2...20, using: &numbers)
                let chunker = Self.chunker(limit, overlap: limit / 3)
                let found = chunker.passages(of: bytes, kind: kind)
                var covered = Set<Int>()
                for passage in found {
                    let slice = bytes[passage.bytes]
                    #expect(String(validating: slice, as: UTF8.self) != nil)
                    #expect(chunker.countTokens(String(decoding: slice, as: UTF8.self)) <= limit)
                    covered.formUnion(passage.bytes)
                }
                for (a, b) in zip(found, found.dropFirst()) {
                    #expect(a.bytes.upperBound < b.bytes.upperBound || a.lines == b.lines)
                    #expect(a.bytes.lowerBound < b.bytes.lowerBound)
                }
                let blank = Set("\n\r\t \u{0C}".utf8)
                for position in bytes.indices where !blank.contains(bytes[position]) {
                    #expect(covered.contains(position), "\(kind) \(text.debugDescription)")
                }
            }
        }
    }
}
