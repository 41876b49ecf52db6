/// Passages that hold a term, with how often, in few bytes: the distance to the passage before and
/// the count, each in groups of seven bits, the lowest first.
package struct PostingList: Sendable {
    package struct Posting: Sendable, Hashable {
        package let passage: Int
        package let count: Int

        package init(passage: Int, count: Int) {
            self.passage = passage
            self.count = count
        }
    }

    /// A list that does not say what it should.
    package struct Damage: Error {}

    package init() {}

    package private(set) var bytes: [UInt8] = []
    private(set) var count = 0
    private var last = -1

    /// Adds a passage behind those that are there.
    package mutating func append(_ posting: Posting) {
        Self.append(posting.passage - last - 1, to: &bytes)
        Self.append(posting.count, to: &bytes)
        last = posting.passage
        count += 1
    }

    private static func append(_ value: Int, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest & 0x7F | 0x80))
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// The postings that bytes stand for.
    ///
    /// - Throws: `Damage` for bytes that end early, a passage beyond `passageCount`, or a count of 0.
    package static func decode(
        _ bytes: ArraySlice<UInt8>, passageCount: Int
    ) throws(Damage) -> [Posting] {
        var postings: [Posting] = []
        var position = bytes.startIndex
        var last = -1
        while position < bytes.endIndex {
            let distance = try number(bytes, &position)
            let count = try number(bytes, &position)
            guard distance < passageCount - last - 1, count > 0 else { throw Damage() }
            last += distance + 1
            postings.append(Posting(passage: last, count: count))
        }
        return postings
    }

    private static func number(
        _ bytes: ArraySlice<UInt8>, _ position: inout Int
    ) throws(Damage) -> Int {
        var value = 0
        for shift in stride(from: 0, to: 35, by: 7) {
            guard position < bytes.endIndex else { throw Damage() }
            let byte = bytes[position]
            position += 1
            value |= Int(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw Damage()
    }
}
