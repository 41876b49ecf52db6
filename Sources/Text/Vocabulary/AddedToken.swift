/// A token that is matched in the text before the model sees it.
struct AddedToken: Sendable, Hashable {
    var id: Int
    var content: [UInt8]
    /// Whether decoding leaves it out on request.
    var isSpecial = false
    /// Whether it counts only where no word character stands beside it.
    var isSingleWord = false
    /// Whether it takes the white space before it along.
    var stripsLeft = false
    /// Whether it takes the white space after it along.
    var stripsRight = false
    /// Whether it is matched in normalised text.
    var isNormalized = false

    /// Longer than any marker in use; bounds the work at each position of a text.
    static let maximumBytes = 512

    /// Whether the token is ordinary text, which content may contain: white space, or a single
    /// character. Everything else steers the model (`<|user|>`, `<think>`), whatever its flag
    /// says: DeepSeek-V3 does not flag `<｜User｜>` as special.
    var isPlainText: Bool {
        guard !isSpecial else { return false }
        let scalars = String(decoding: content, as: UTF8.self).unicodeScalars
        return scalars.count == 1 || scalars.allSatisfy(\.properties.isWhitespace)
    }
}
