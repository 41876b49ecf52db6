import FathomGeneration
import FathomTestSupport
import Testing

@Suite("Stop strings")
struct StopStringTests {
    /// What is shown of pieces, piece by piece, and whether a stop string was met.
    private func run(_ pieces: [String], _ stops: [String]) -> (shown: [String], isStopped: Bool) {
        var stopStrings = StopStrings(stops)
        var shown: [String] = []
        for piece in pieces {
            let (text, isStopped) = stopStrings.append(piece)
            shown.append(text)
            if isStopped { return (shown, true) }
        }
        shown.append(stopStrings.finish())
        return (shown, false)
    }

    /// The answer by the plain rule: everything before the stop string that ends first, of
    /// several the longest.
    private func expected(_ text: String, _ stops: [String]) -> (shown: String, isStopped: Bool) {
        let bytes = Array(text.utf8)
        for end in 0...bytes.count {
            let lengths = stops.map(\.utf8).filter { stop in
                !stop.isEmpty && stop.count <= end
                    && bytes[..<end].suffix(stop.count) == Array(stop)[...]
            }.map(\.count)
            guard let longest = lengths.max() else { continue }
            return (String(decoding: bytes[..<(end - longest)], as: UTF8.self), true)
        }
        return (text, false)
    }

    /// Cuts a text into pieces of whole scalars, some of them empty.
    private func cut(_ text: String, _ generator: inout SeededGenerator) -> [String] {
        var pieces: [String] = []
        var rest = text.unicodeScalars[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 0...4, using: &generator))
            rest = rest.dropFirst(piece.count)
            pieces.append(String(piece))
        }
        return pieces
    }

    @Test(
        "one cut in two at every place is neither leaked nor overlooked",
        arguments: ["END", "<|im_end|>", "\n\n", "é終🎣", "aab", "###"])
    func everySplit(stop: String) {
        for (before, after) in [("", ""), ("Hello ", " there"), ("a", "a"), ("##aa", "\n#")] {
            let text = before + stop + after
            let wanted = expected(text, [stop])
            let scalars = text.unicodeScalars
            for index in scalars.indices + [scalars.endIndex] {
                let pieces = [String(scalars[..<index]), String(scalars[index...])]
                let (shown, isStopped) = run(pieces, [stop])
                #expect(isStopped, "\(pieces)")
                #expect(shown.joined() == wanted.shown, "\(pieces)")
            }
            let single = run(scalars.map { String($0) }, [stop])
            #expect(single.isStopped)
            #expect(single.shown.joined() == wanted.shown)
        }
    }

    @Test("the beginning of one that never ends is shown after all")
    func falseBeginnings() {
        #expect(run(["EN", "D"], ["ENDE"]).shown.joined() == "END")
        #expect(run(["EN", "ENEND", "x"], ["ENDE"]).shown == ["", "ENEN", "ENDx", ""])
        // Its beginning overlaps itself: 'aa' is held, and the first 'a' goes on.
        #expect(run(["aa", "ab"], ["aab"]).shown == ["", "a"])
        #expect(run(["<", "|", "im", "_start"], ["<|im_end|>"]).shown.joined() == "<|im_start")
    }

    @Test("no more is held back than may still become one")
    func holdsLittle() {
        var stops = StopStrings(["STOP"])
        #expect(stops.append("text S").shown == "text ")
        #expect(stops.append("T").shown == "")
        #expect(stops.append("A").shown == "STA")
        #expect(stops.append("STO").shown == "")
        #expect(stops.finish() == "STO")
        #expect(stops.finish() == "")
    }

    @Test("the one that ends first counts, of several the longest, wherever pieces end")
    func earliest() {
        #expect(run(["one two three"], ["three", "two"]).shown == ["one "])
        #expect(run(["abcd"], ["bc", "abcd"]).shown.joined() == "a")
        #expect(run(["ab", "cd"], ["abcd", "bc"]).shown.joined() == "a")
        #expect(run(["abc"], ["bc", "abc", "c"]).shown.joined() == "")
        #expect(run(["x<", "/s>"], ["</s>", "<"]).shown.joined() == "x")
    }

    @Test("empty ones stop nothing")
    func empty() {
        #expect(run(["a", "b"], []) == (["a", "b", ""], false))
        #expect(run(["a", "b"], [""]) == (["a", "b", ""], false))
    }

    @Test("random texts in random pieces give what the whole text gives")
    func random() {
        var generator = SeededGenerator(seed: 25)
        // Few letters, so that stop strings are met, begun and interrupted often.
        let letters = ["a", "b", "é", "🎣"]
        func text(_ length: ClosedRange<Int>) -> String {
            (0..<Int.random(in: length, using: &generator)).map { _ in
                letters.randomElement(using: &generator) ?? ""
            }.joined()
        }
        var stoppedCount = 0
        for _ in 0..<20_000 {
            let stops = (0..<Int.random(in: 1...3, using: &generator)).map { _ in text(1...5) }
            let whole = text(0...20)
            let pieces = cut(whole, &generator)
            let wanted = expected(whole, stops)
            let found = run(pieces, stops)
            #expect(found.isStopped == wanted.isStopped, "\(pieces), \(stops)")
            #expect(found.shown.joined() == wanted.shown, "\(pieces), \(stops)")
            if found.isStopped { stoppedCount += 1 }
        }
        // Both outcomes were tried often.
        #expect(stoppedCount > 4_000 && stoppedCount < 19_000)
    }
}
