/// Which tokens of a vocabulary mean the same to Engram's n-grams: `Apple`, ` apple` and `APPLE`.
///
/// A table from the ids of a tokenizer to fewer, canonical ids (Engram, arXiv 2601.07372, section
/// 2.2). The models use it to address their tables of n-grams; their ordinary embedding keeps the
/// tokenizer's ids.
///
/// ```swift
/// let canonical = CanonicalVocabulary(tokenizer)
/// canonical.count                          // 98,627 of DeepSeek-V3's 128,815
/// canonical.map(tokenizer.encode("Apple")) // ids below that
/// ```
///
/// Canonical ids are numbered in the order in which the tokenizer's ids first need them, so a
/// table is only right for the tokenizer it was made from, down to unused entries at its end.
public struct CanonicalVocabulary: Sendable, Hashable {
    /// The canonical id of every token, by the tokenizer's id.
    public let canonicalIDs: [Int32]

    /// How many canonical ids there are; they are 0 to one less.
    public let count: Int

    /// Compares the texts of all tokens.
    ///
    /// - Complexity: about a microsecond a token.
    public init(_ tokenizer: Tokenizer) {
        var known: [[UInt8]: Int32] = [:]
        var ids: [Int32] = []
        ids.reserveCapacity(tokenizer.vocabularySize)
        for id in 0..<Int32(tokenizer.vocabularySize) {
            let key = Self.key(of: id, in: tokenizer)
            let next = Int32(known.count)
            let canonical = known[key] ?? next
            if canonical == next { known[key] = next }
            ids.append(canonical)
        }
        canonicalIDs = ids
        count = known.count
    }

    /// The canonical id of a token; negative ids and ids beyond the vocabulary stay as they are.
    public subscript(id: Int32) -> Int32 {
        canonicalIDs.indices.contains(Int(id)) ? canonicalIDs[Int(id)] : id
    }

    /// The canonical ids of tokens.
    public func map(_ ids: some Sequence<Int32>) -> [Int32] {
        ids.map { self[$0] }
    }

    /// The share of the vocabulary's ids that are saved: 0.234 for DeepSeek-V3.
    public var reduction: Double {
        canonicalIDs.isEmpty ? 0 : 1 - Double(count) / Double(canonicalIDs.count)
    }
}

/// What makes tokens equal: their text without case, accents and the difference of white space.
extension CanonicalVocabulary {
    /// The key of a token, as bytes, because strings compare canonically.
    ///
    /// The text of the token alone is put in compatibility form, its marks (Unicode category M)
    /// removed, made lower-case, runs of spaces, tabs and line breaks made one space, and white
    /// space removed at both ends, unless one space is all there is. Where nothing is left the
    /// text counts as it is; where the token is part of a character, the token as the vocabulary
    /// writes it (`engram_demo_v1.py` of deepseek-ai/Engram, `CompressedTokenizer`).
    package static func key(of id: Int32, in tokenizer: Tokenizer) -> [UInt8] {
        let text = Array(tokenizer.decode(CollectionOfOne(id)).utf8)
        if contains(text, replacementCharacter) {
            return tokenizer.vocabulary[Int(id)].map(Array.init) ?? text
        }
        let key = simplified(text)
        return key.isEmpty ? text : key
    }

    /// The text without case, accents and the difference of white space; may be empty.
    package static func simplified(_ text: [UInt8]) -> [UInt8] {
        let plain = letters.normalize(CompatibilityForm.decomposed(text), .init()).text
        let spaced = collapsingSpaces(plain)
        if spaced == [space] { return spaced }
        let stripped = ends.normalize(spaced, .init()).text
        // The published recipe keeps a lone space by writing U+E000 in its place while the ends
        // are stripped, so that a U+E000 of the text becomes a space as well.
        return replacing(sentinel, with: [space], in: stripped)
    }

    private static let letters = Normalizer(steps: [.stripMarks, .lowercase])
    private static let ends = Normalizer(steps: [.strip(left: true, right: true)])
    private static let space = UInt8(ascii: " ")
    private static let replacementCharacter: [UInt8] = Array("\u{FFFD}".utf8)
    private static let sentinel: [UInt8] = Array("\u{E000}".utf8)

    private static func collapsingSpaces(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var isInRun = false
        for byte in text {
            let isSpace = byte == space || byte == 0x09 || byte == 0x0A || byte == 0x0D
            if !isSpace {
                result.append(byte)
            } else if !isInRun {
                result.append(space)
            }
            isInRun = isSpace
        }
        return result
    }

    private static func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
        guard text.count >= part.count else { return false }
        return (0...text.count - part.count).contains { text[$0...].starts(with: part) }
    }

    private static func replacing(_ part: [UInt8], with other: [UInt8], in text: [UInt8]) -> [UInt8]
    {
        guard contains(text, part) else { return text }
        var result: [UInt8] = []
        var position = 0
        while position < text.count {
            if text[position...].starts(with: part) {
                result.append(contentsOf: other)
                position += part.count
            } else {
                result.append(text[position])
                position += 1
            }
        }
        return result
    }
}
