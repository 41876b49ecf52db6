import FathomCheckpoints
import FathomTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// An inverted index of terms, ranked by BM25 (Robertson and Zaragoza, 2009).
///
/// With f occurrences of a term in a passage of l terms, n of N passages holding it and a mean
/// length of m, a term of the question adds
///
///     ln(1 + (N - n + 1/2) / (n + 1/2)) · f (k1 + 1) / (f + k1 (1 - b + b l / m)).
///
/// Terms are kept sorted, one after the other, each with its postings.
package struct TermIndex: Sendable {
    static let k1 = 1.2
    static let b = 0.75

    let terms: [UInt8]
    let termEnds: [Int64]
    let postings: [UInt8]
    let postingEnds: [Int64]
    /// Terms of each passage, counted each time they occur.
    let lengths: [Int64]

    var passageCount: Int { lengths.count }
    var termCount: Int { termEnds.count }

    /// The term of a number, in the order of their bytes.
    func term(_ number: Int) -> ArraySlice<UInt8> { terms[Self.range(number, termEnds)] }

    func postings(of number: Int) throws(PostingList.Damage) -> [PostingList.Posting] {
        try PostingList.decode(
            postings[Self.range(number, postingEnds)], passageCount: passageCount)
    }

    private static func range(_ number: Int, _ ends: [Int64]) -> Range<Int> {
        (number == 0 ? 0 : Int(ends[number - 1]))..<Int(ends[number])
    }

    private func number(of term: String) -> Int? {
        let wanted = Array(term.utf8)
        var (low, high) = (0, termCount)
        while low < high {
            let middle = (low + high) / 2
            if self.term(middle).lexicographicallyPrecedes(wanted) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low < termCount && self.term(low).elementsEqual(wanted) ? low : nil
    }

    /// The passages that score best for a question, best first, equal scores in order.
    package func search(_ question: String, k: Int) throws(PostingList.Damage) -> [(
        passage: Int, score: Double
    )] {
        let mean = max(1, Double(lengths.reduce(0, +)) / Double(max(1, passageCount)))
        var scores: [Int: Double] = [:]
        // A term that is asked for twice counts once. Sorted, so that sums have one order.
        for term in TermIndexBuilder.counts(of: question).keys.sorted() {
            guard let number = number(of: term) else { continue }
            let found = try postings(of: number)
            let (total, holders) = (Double(passageCount), Double(found.count))
            let weight = log(1 + (total - holders + 0.5) / (holders + 0.5))
            for posting in found {
                let count = Double(posting.count)
                let length = Double(lengths[posting.passage]) / mean
                scores[posting.passage, default: 0] +=
                    weight * count * (Self.k1 + 1)
                    / (count + Self.k1 * (1 - Self.b + Self.b * length))
            }
        }
        return scores.map { (passage: $0.key, score: $0.value) }
            .sorted { ($1.score, $0.passage) < ($0.score, $1.passage) }
            .prefix(k).map { $0 }
    }

    /// The terms of every passage, for building another index from some of them.
    func countsByPassage() throws(PostingList.Damage) -> [[(term: Int32, count: Int32)]] {
        var counts = [[(term: Int32, count: Int32)]](repeating: [], count: passageCount)
        for number in 0..<termCount {
            for posting in try postings(of: number) {
                counts[posting.passage].append(
                    (Int32(truncatingIfNeeded: number), Int32(truncatingIfNeeded: posting.count)))
            }
        }
        return counts
    }
}

extension TermIndex {
    /// Writes the index as safetensors.
    package func write(to path: String) throws {
        try SafetensorsWriter.write(
            [
                ("terms.bytes", .bytes(terms)),
                ("terms.ends", Tensor(termEnds, shape: [termEnds.count])),
                ("postings.bytes", .bytes(postings)),
                ("postings.ends", Tensor(postingEnds, shape: [postingEnds.count])),
                ("passages.lengths", Tensor(lengths, shape: [lengths.count])),
            ], to: path)
    }

    /// Reads an index, checking that its parts fit together.
    ///
    /// - Throws: `RetrievalError.damaged`, `SafetensorsError`, `FileError`.
    package init(contentsOf path: String, passageCount: Int) throws {
        let file = try IndexTensors(path: path)
        terms = try file.bytes("terms.bytes")
        termEnds = try file.numbers("terms.ends")
        postings = try file.bytes("postings.bytes")
        postingEnds = try file.numbers("postings.ends", count: termEnds.count)
        lengths = try file.numbers("passages.lengths", count: passageCount)
        try file.checkIntact()
        try file.require(
            Self.rises(termEnds, to: terms.count) && Self.rises(postingEnds, to: postings.count)
                && lengths.allSatisfy { $0 >= 0 && $0 <= Int32.max },
            "the ends of its terms do not fit")
    }

    private static func rises(_ ends: [Int64], to last: Int) -> Bool {
        var previous: Int64 = 0
        for end in ends {
            guard end > previous else { return false }
            previous = end
        }
        return previous == Int64(last)
    }
}
