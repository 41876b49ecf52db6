import FathomRetrieval
import FathomTestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite struct TermIndexTests {
    private static func terms(_ text: String) -> [String] {
        var terms: [String] = []
        TermScanner.forEachTerm(of: text) { terms.append($0) }
        return terms
    }

    @Test(
        "terms are words without case and accents, ideographs, and parts of identifiers",
        arguments: [
            ("The quick-brown fox, 3.14!", ["the", "quick", "brown", "fox", "3", "14"]),
            ("Ångström naïve ΟΔΥΣΣΕΥΣ", ["angstrom", "naive", "οδυσσευσ"]),
            ("中文 テ", ["中", "文", "テ"]),
            ("हिन्दी", ["हिन्दी"]),
            ("readFileLine", ["readfileline", "read", "file", "line"]),
            ("HTTPServer2Go", ["httpserver2go", "http", "server2", "go"]),
            ("snake_case x86_64", ["snake", "case", "x86", "64"]),
            (String(repeating: "a", count: 65), []), ("", []), ("\u{301}!", []),
        ] as [(String, [String])])
    func terms(text: String, expected: [String]) {
        #expect(Self.terms(text) == expected)
    }

    @Test("a text has the same terms whether or not something else in it is not ASCII")
    func samePaths() {
        let text = "fooBar HTTPServer x86_64 The end"
        #expect(Self.terms(text + " 中").dropLast() == Self.terms(text)[...])
    }

    @Test("postings are read as they were written; damaged ones are refused")
    func postings() throws {
        var numbers = SeededGenerator(seed: 5)
        var list = PostingList()
        var expected: [PostingList.Posting] = []
        var passage = 0
        for _ in 0..<500 {
            passage += Int.random(in: 0...300, using: &numbers)
            expected.append(
                .init(passage: passage, count: Int.random(in: 1...200_000, using: &numbers)))
            passage += 1
        }
        for posting in expected { list.append(posting) }
        #expect(try PostingList.decode(list.bytes[...], passageCount: passage) == expected)
        #expect(throws: PostingList.Damage.self) {
            try PostingList.decode(list.bytes[...], passageCount: passage - 1)
        }
        #expect(throws: PostingList.Damage.self) {
            try PostingList.decode(list.bytes.dropLast(), passageCount: passage)
        }
        var flips = ByteFlips(list.bytes, seed: 6)
        flips.forEach("postings", count: 2000) { bytes in
            guard let found = try? PostingList.decode(bytes[...], passageCount: passage) else {
                return
            }
            #expect(found.allSatisfy { (0..<passage).contains($0.passage) && $0.count > 0 })
        }
    }

    private static func index(_ texts: [String]) -> TermIndex {
        var builder = TermIndexBuilder()
        for text in texts { builder.append(TermIndexBuilder.counts(of: text)) }
        return builder.finished()
    }

    @Test("scores are BM25's, computed by its definition")
    func scores() throws {
        let words = ["a", "b", "c", "d", "e"]
        var numbers = SeededGenerator(seed: 8)
        let texts = (0..<40).map { _ in
            (0..<Int.random(in: 1...30, using: &numbers)).map { _ in
                words[Int.random(in: 0..<5, using: &numbers)]
            }
        }
        let mean = Double(texts.reduce(0) { $0 + $1.count }) / 40
        let question = ["a", "d", "z"]
        let expected = texts.indices.map { index -> (passage: Int, score: Double) in
            let score = question.reduce(0.0) { sum, word in
                let holders = Double(texts.filter { $0.contains(word) }.count)
                let count = Double(texts[index].filter { $0 == word }.count)
                let length = Double(texts[index].count) / mean
                return sum + log(1 + (40 - holders + 0.5) / (holders + 0.5)) * count * 2.2
                    / (count + 1.2 * (0.25 + 0.75 * length))
            }
            return (index, score)
        }.filter { $0.score > 0 }.sorted { ($1.score, $0.passage) < ($0.score, $1.passage) }
        let index = Self.index(texts.map { $0.joined(separator: " ") })
        let found = try index.search("D a, z a", k: 40)
        #expect(found.map(\.passage) == expected.map(\.passage))
        for (a, b) in zip(found, expected) { #expect(abs(a.score - b.score) < 1e-12) }
        #expect(try index.search("a", k: 3).count == 3)
        #expect(try index.search("z", k: 3).isEmpty)
    }

    @Test("an index is read as it was written; a damaged file is refused or harmless")
    func files() throws {
        let folder = try TemporaryFolder()
        let texts = ["one two", "two three three", "", "four"]
        try Self.index(texts).write(to: folder("terms"))
        let read = try TermIndex(contentsOf: folder("terms"), passageCount: 4)
        #expect(try read.search("three two", k: 9).map(\.passage) == [1, 0])
        #expect(throws: RetrievalError.self) {
            try TermIndex(contentsOf: folder("terms"), passageCount: 5)
        }
        try Self.index([]).write(to: folder("empty"))
        #expect(
            try TermIndex(contentsOf: folder("empty"), passageCount: 0).search("x", k: 1).isEmpty)
        var flips = ByteFlips(try readBytes(folder("terms")), seed: 9)
        try flips.forEach("terms", count: 1000) { bytes in
            try folder.write(bytes, to: "damaged")
            guard let index = try? TermIndex(contentsOf: folder("damaged"), passageCount: 4),
                let found = try? index.search("one two three four", k: 9)
            else { return }
            #expect(found.allSatisfy { (0..<4).contains($0.passage) })
        }
    }

    @Test("ranks of several rankings are added reciprocally")
    func fusion() {
        let fused = RankFusion.fuse([[7, 3, 5], [3, 9]])
        #expect(fused.map(\.entry) == [3, 7, 9, 5])
        #expect(fused[0].score == 1 / 62.0 + 1 / 61.0)
        #expect(fused[1].score == 1 / 61.0)
    }
}
