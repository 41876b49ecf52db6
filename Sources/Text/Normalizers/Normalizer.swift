/// Changes text before it is cut into pieces, step by step, as `tokenizer.json` describes.
struct Normalizer: Sendable {
    enum Step: Sendable {
        /// Canonical composition, or decomposition.
        case canonical(composes: Bool)
        case lowercase
        case strip(left: Bool, right: Bool)
        case stripMarks
        /// Drops controls and makes every white space a space, as `BertNormalizer` does.
        case cleanText
        /// Puts spaces around ideographs, as `BertNormalizer` does.
        case separateIdeographs
        /// Drops nonspacing marks, as `BertNormalizer` does.
        case stripNonspacingMarks
        case prepend([UInt8])
        case replace(SplitPattern, with: [UInt8])
        case characterMap(CharacterMap)
    }

    static let maximumSteps = 32
    static let maximumGrowth = 1024

    var steps: [Step] = []

    var isIdentity: Bool { steps.isEmpty }

    /// Normalises one stretch of text, and tells which of the result is template text.
    ///
    /// What came from both template text and content counts as content.
    func normalize(
        _ text: [UInt8], _ templates: TemplateRanges
    ) -> (text: [UInt8], templates: TemplateRanges) {
        var text = text
        var templates = templates
        for step in steps where !text.isEmpty {
            var output = NormalizedText(templates, capacity: text.count)
            let needed = text.withUnsafeBufferPointer { apply(step, to: $0, &output) }
            if needed { (text, templates) = output.finish() }
        }
        return (text, templates)
    }

    /// Applies a step; says whether the output is to be taken, false where nothing changes.
    private func apply(
        _ step: Step, to text: UnsafeBufferPointer<UInt8>, _ output: inout NormalizedText
    ) -> Bool {
        switch step {
        case .canonical(let composes):
            return CanonicalForm.normalize(text, composing: composes, into: &output)
        case .lowercase:
            return replaceCharacters(of: text, in: &output) { value in
                if value < 0x80 {
                    return (0x41...0x5A).contains(value) ? [UInt8(value) | 0x20] : nil
                }
                guard let scalar = Unicode.Scalar(value) else { return nil }
                let lower = scalar.properties.lowercaseMapping
                let isLower = lower.unicodeScalars.elementsEqual(CollectionOfOne(scalar))
                return isLower ? nil : Array(lower.utf8)
            }
        case .cleanText:
            return replaceCharacters(of: text, in: &output) { value in
                if (0x20..<0x7F).contains(value) { return nil }
                if BertCharacters.isDropped(value) { return [] }
                return BertCharacters.isWhitespace(value) ? [0x20] : nil
            }
        case .separateIdeographs:
            return replaceCharacters(of: text, in: &output) { value in
                guard BertCharacters.isIdeograph(value) else { return nil }
                var bytes: [UInt8] = [0x20]
                UTF8Text.append(value, to: &bytes)
                bytes.append(0x20)
                return bytes
            }
        case .stripNonspacingMarks:
            return replaceCharacters(of: text, in: &output) { value in
                BertCharacters.isNonspacingMark(value) ? [] : nil
            }
        case .strip(let left, let right):
            var start = 0
            var end = text.count
            while left, start < end, isWhitespace(text, at: start) {
                start = UTF8Text.decode(text, at: start).end
            }
            while right, end > start {
                let before = UTF8Text.characterStart(text, before: end)
                guard isWhitespace(text, at: before) else { break }
                end = before
            }
            output.append([], sourceEnd: start)
            output.copy(text, to: end)
            output.append([], sourceEnd: text.count)
        case .stripMarks:
            forEachCharacter(of: text) { scalar, range in
                if GeneralCategories.mark.contains(scalar.properties.generalCategory) {
                    output.append([], sourceEnd: range.upperBound)
                } else {
                    output.copy(text, to: range.upperBound)
                }
            }
        case .prepend(let prefix):
            output.append(prefix, sourceEnd: 0)
            output.copy(text, to: text.count)
        case .replace(let pattern, let replacement):
            var memory = PatternProgram.Memory()
            var position = 0
            while position < text.count,
                let match = pattern.firstMatch(
                    in: text, piece: 0..<text.count, from: position, classes: .shared,
                    memory: &memory)
            {
                output.copy(text, to: match.lowerBound)
                output.append(replacement, sourceEnd: match.upperBound)
                position = match.upperBound
                if match.isEmpty {
                    guard position < text.count else { break }
                    position = UTF8Text.decode(text, at: position).end
                    output.copy(text, to: position)
                }
            }
            output.copy(text, to: text.count)
        case .characterMap(let map):
            var position = 0
            while position < text.count {
                if let match = map.longestMatch(in: text, at: position, end: text.count) {
                    output.append(map.replacements[match.replacement], sourceEnd: match.end)
                    position = match.end
                } else {
                    position = UTF8Text.decode(text, at: position).end
                    output.copy(text, to: position)
                }
            }
        }
        return true
    }

    /// Writes text with some of its characters replaced; says whether any was.
    @inline(__always)
    private func replaceCharacters(
        of text: UnsafeBufferPointer<UInt8>, in output: inout NormalizedText,
        _ replacement: (UInt32) -> [UInt8]?
    ) -> Bool {
        var isChanged = false
        var position = 0
        while position < text.count {
            let (value, end) = UTF8Text.decode(text, at: position)
            if let bytes = replacement(value) {
                output.copy(text, to: position)
                output.append(bytes, sourceEnd: end)
                isChanged = true
            }
            position = end
        }
        if isChanged { output.copy(text, to: text.count) }
        return isChanged
    }

    private func forEachCharacter(
        of text: UnsafeBufferPointer<UInt8>, _ body: (Unicode.Scalar, Range<Int>) -> Void
    ) {
        var position = 0
        while position < text.count {
            let (value, end) = UTF8Text.decode(text, at: position)
            if let scalar = Unicode.Scalar(value) { body(scalar, position..<end) }
            position = end
        }
    }

    private func isWhitespace(_ text: UnsafeBufferPointer<UInt8>, at position: Int) -> Bool {
        Unicode.Scalar(UTF8Text.decode(text, at: position).scalar)?.properties.isWhitespace ?? false
    }
}

/// Text while a step writes it, with the borders of template text carried along.
struct NormalizedText {
    private var bytes: [UInt8] = []
    private var sourcePosition = 0
    private let ranges: [Range<Int>]
    /// How many of the borders were passed: two for each range.
    private var borderIndex = 0
    private var openStart: Int?
    private var templates = TemplateRanges()

    init(_ templates: TemplateRanges, capacity: Int) {
        ranges = templates.ranges
        bytes.reserveCapacity(capacity)
    }

    /// Appends what the source up to a position became.
    mutating func append(_ output: some Sequence<UInt8>, sourceEnd: Int) {
        let before = bytes.count
        bytes.append(contentsOf: output)
        advance(to: sourceEnd, before: before)
    }

    /// Appends the source itself up to a position.
    mutating func copy(_ source: UnsafeBufferPointer<UInt8>, to end: Int) {
        guard end > sourcePosition else { return }
        let shift = bytes.count - sourcePosition
        bytes.append(contentsOf: source[sourcePosition..<end])
        while let border, border <= end {
            note(border: border + shift)
        }
        sourcePosition = end
    }

    private var border: Int? {
        guard borderIndex < ranges.count * 2 else { return nil }
        let range = ranges[borderIndex / 2]
        return borderIndex.isMultiple(of: 2) ? range.lowerBound : range.upperBound
    }

    /// Carries the borders inside a replaced part to its outside, so that what is mixed is content.
    private mutating func advance(to sourceEnd: Int, before: Int) {
        while let border, border <= sourceEnd {
            if border == sourcePosition, border < sourceEnd {
                note(border: before)
            } else if border == sourceEnd {
                note(border: bytes.count)
            } else {
                note(border: borderIndex.isMultiple(of: 2) ? bytes.count : before)
            }
        }
        sourcePosition = sourceEnd
    }

    private mutating func note(border: Int) {
        if borderIndex.isMultiple(of: 2) {
            openStart = border
        } else if let start = openStart {
            if border > start { templates.append(start..<border) }
            openStart = nil
        }
        borderIndex += 1
    }

    mutating func finish() -> (text: [UInt8], templates: TemplateRanges) {
        (bytes, templates)
    }
}
