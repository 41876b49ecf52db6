/// Collects the terms of passages, one passage after the other.
package struct TermIndexBuilder {
    package init() {}

    private var numbers: [String: Int] = [:]
    private var lists: [PostingList] = []
    private var lengths: [Int64] = []

    /// How often each term is in a passage.
    package static func counts(of text: String) -> [String: Int] {
        var counts: [String: Int] = [:]
        TermScanner.forEachTerm(of: text) { counts[$0, default: 0] += 1 }
        return counts
    }

    /// Adds the next passage.
    package mutating func append(_ counts: some Sequence<(key: String, value: Int)>) {
        var length = 0
        for (term, count) in counts {
            let number = numbers[term] ?? lists.count
            if number == lists.count {
                numbers[term] = number
                lists.append(PostingList())
            }
            lists[number].append(.init(passage: lengths.count, count: count))
            length += count
        }
        lengths.append(Int64(length))
    }

    /// The index of what was added; it does not depend on the order of a passage's terms.
    package func finished() -> TermIndex {
        var terms: [UInt8] = []
        var termEnds: [Int64] = []
        var postings: [UInt8] = []
        var postingEnds: [Int64] = []
        let sorted = numbers.map { (bytes: Array($0.key.utf8), number: $0.value) }
            .sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        for (bytes, number) in sorted {
            terms += bytes
            termEnds.append(Int64(terms.count))
            postings += lists[number].bytes
            postingEnds.append(Int64(postings.count))
        }
        return TermIndex(
            terms: terms, termEnds: termEnds, postings: postings, postingEnds: postingEnds,
            lengths: lengths)
    }
}
