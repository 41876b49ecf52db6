/// Puts a prompt together, one segment for each stretch of one kind.
struct SegmentWriter {
    private(set) var segments: [PromptSegment] = []

    /// Adds text of the format itself, in which special tokens are recognised.
    mutating func template(_ text: String) {
        guard !text.isEmpty else { return }
        if case .template(let before) = segments.last {
            segments[segments.count - 1] = .template(before + text)
        } else {
            segments.append(.template(text))
        }
    }

    /// Adds what somebody else wrote.
    mutating func content(_ text: String) {
        guard !text.isEmpty else { return }
        if case .content(let before) = segments.last {
            segments[segments.count - 1] = .content(before + text)
        } else {
            segments.append(.content(text))
        }
    }
}
