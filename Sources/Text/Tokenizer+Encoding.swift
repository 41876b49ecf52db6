/// What becomes of special tokens that are written out in a text.
public enum SpecialTokenHandling: Sendable, Hashable {
    /// They are text like any other.
    case asText
    /// They become the tokens they name. For text one wrote oneself, such as a template's.
    case recognised
}

extension Tokenizer {
    /// The tokens of a text, without those that begin or end a sequence.
    ///
    /// With `.recognised` the text may name special tokens, except for the control pieces of a
    /// SentencePiece model (`<s>`), which SentencePiece does not read from text.
    ///
    /// - Complexity: O(n log n) in the length of the text, whatever it says.
    public func encode(
        _ text: String, specialTokens: SpecialTokenHandling = .asText
    ) -> [Int32] {
        var text = text
        return text.withUTF8 { bytes in
            encode(
                bytes,
                templates: specialTokens == .recognised
                    ? TemplateRanges(0..<bytes.count) : TemplateRanges(),
                recognisesControl: sentencePiece?.recognisesControlInText ?? true)
        }
    }

    /// The tokens of a prompt, without those that begin or end a sequence.
    ///
    /// The pieces are encoded as one text, so that words reach across their borders, but special
    /// tokens are recognised only where they lie in template text as a whole. Content that names no
    /// special token has the tokens it would have in the joined text.
    public func encode(_ segments: [PromptSegment]) -> [Int32] {
        var joined: [UInt8] = []
        var templates = TemplateRanges()
        for segment in segments {
            let start = joined.count
            joined.append(contentsOf: segment.text.utf8)
            if case .template = segment { templates.append(start..<joined.count) }
        }
        return joined.withUnsafeBufferPointer {
            encode($0, templates: templates, recognisesControl: true)
        }
    }

    /// The tokens of a text with those that the model expects around it.
    public func encodeSequence(
        _ text: String, specialTokens: SpecialTokenHandling = .asText
    ) -> [Int32] {
        sequencePrefix + encode(text, specialTokens: specialTokens) + sequenceSuffix
    }

    /// How many look-ups and heap operations merging a text takes, for tests of the bound.
    package func mergeStepCount(of text: String) -> Int {
        withScratch { scratch in
            let before = scratch.merging.stepCount
            _ = encode(text, with: scratch)
            return scratch.merging.stepCount - before
        }
    }

    private func encode(_ text: String, with scratch: EncodingScratch) -> [Int32] {
        var text = text
        return text.withUTF8 { bytes in
            var tokens: [Int32] = []
            encodeGap(bytes, 0..<bytes.count, TemplateRanges(), scratch, &tokens)
            return tokens
        }
    }

    /// - Precondition: the text is well-formed UTF-8.
    func encode(
        _ text: UnsafeBufferPointer<UInt8>, templates: TemplateRanges, recognisesControl: Bool
    ) -> [Int32] {
        withScratch { scratch in
            var tokens: [Int32] = []
            tokens.reserveCapacity(text.count / 4 + 8)
            rawMatcher.split(
                text, in: 0..<text.count,
                templates: recognisesControl ? templates : TemplateRanges(),
                gap: { encodeGap(text, $0, templates, scratch, &tokens) },
                token: { tokens.append(Int32($0.id)) })
            return tokens
        }
    }

    /// Encodes text between tokens that were found before normalising.
    private func encodeGap(
        _ text: UnsafeBufferPointer<UInt8>, _ gap: Range<Int>, _ templates: TemplateRanges,
        _ scratch: EncodingScratch, _ tokens: inout [Int32]
    ) {
        let before = tokens.count
        if let sentencePiece {
            encode(text, gap, templates, sentencePiece, scratch, &tokens)
        } else if normalizer.isIdentity, normalizedMatcher.isEmpty {
            encodePlain(text, gap, isFirst: gap.lowerBound == 0, scratch, &tokens)
        } else if normalizer.isIdentity {
            encodeNormalized(text, gap, templates, isFirst: gap.lowerBound == 0, scratch, &tokens)
        } else {
            let normalized = normalizer.normalize(Array(text[gap]), templates.clamped(to: gap))
            normalized.text.withUnsafeBufferPointer {
                encodeNormalized(
                    $0, 0..<$0.count, normalized.templates, isFirst: gap.lowerBound == 0, scratch,
                    &tokens)
            }
        }
        joinUnknown(in: &tokens, from: before)
    }

    private func encodeNormalized(
        _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ templates: TemplateRanges,
        isFirst: Bool, _ scratch: EncodingScratch, _ tokens: inout [Int32]
    ) {
        normalizedMatcher.split(
            text, in: range, templates: templates,
            gap: {
                encodePlain(
                    text, $0, isFirst: isFirst && $0.lowerBound == range.lowerBound, scratch,
                    &tokens)
            },
            token: { tokens.append(Int32($0.id)) })
    }

    /// Encodes text without added tokens.
    private func encodePlain(
        _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, isFirst: Bool,
        _ scratch: EncodingScratch, _ tokens: inout [Int32]
    ) {
        if let wordMarks {
            var marked: [UInt8] = []
            let hasPrefix = wordMarks.prefix == .always || (wordMarks.prefix == .first && isFirst)
            if hasPrefix, text[range.lowerBound] != 0x20,
                !text[range].starts(with: wordMarks.mark)
            {
                marked.append(contentsOf: wordMarks.mark)
            }
            for byte in text[range] {
                if byte == 0x20 {
                    marked.append(contentsOf: wordMarks.mark)
                } else {
                    marked.append(byte)
                }
            }
            marked.withUnsafeBufferPointer { encodePieces($0, 0..<$0.count, scratch, &tokens) }
        } else if addsSpaceInFront, text[range.lowerBound] != 0x20 {
            let spaced = [0x20] + text[range]
            spaced.withUnsafeBufferPointer { encodePieces($0, 0..<$0.count, scratch, &tokens) }
        } else {
            encodePieces(text, range, scratch, &tokens)
        }
    }

    private func encodePieces(
        _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ scratch: EncodingScratch,
        _ tokens: inout [Int32]
    ) {
        switch model {
        case .bytePair(let model):
            var consumer = BytePairConsumer(
                model: model, text: text, scratch: scratch, tokens: tokens)
            // The list moves into the consumer and back, so that it is never copied.
            tokens = []
            pretokenizer.split(text, in: range, into: &consumer)
            tokens = consumer.tokens
        case .unigram(let model):
            var consumer = UnigramConsumer(
                model: model, text: text, scratch: scratch, tokens: tokens)
            tokens = []
            pretokenizer.split(text, in: range, into: &consumer)
            tokens = consumer.tokens
        case .wordPiece(let model):
            var consumer = WordPieceConsumer(model: model, text: text, tokens: tokens)
            tokens = []
            pretokenizer.split(text, in: range, into: &consumer)
            tokens = consumer.tokens
        }
    }

    private func encodePiece(
        _ text: UnsafeBufferPointer<UInt8>, _ piece: Range<Int>, _ scratch: EncodingScratch,
        _ tokens: inout [Int32]
    ) {
        switch model {
        case .bytePair(let model): model.encode(text, piece, scratch, into: &tokens)
        case .unigram(let model): model.encode(text, piece, scratch, into: &tokens)
        case .wordPiece(let model): model.encode(text, piece, into: &tokens)
        }
    }

    /// Encodes text as SentencePiece does: normalises it with its user-defined symbols kept, then
    /// encodes what lies between those.
    private func encode(
        _ text: UnsafeBufferPointer<UInt8>, _ gap: Range<Int>, _ templates: TemplateRanges,
        _ front: SentencePieceFront, _ scratch: EncodingScratch, _ tokens: inout [Int32]
    ) {
        var normalized: [UInt8] = []
        normalized.reserveCapacity(gap.count + gap.count / 4 + 3)
        var symbols: [(token: Int32, range: Range<Int>)] = []
        var templateIndex = templates.index(around: gap.lowerBound)
        front.normalizer.normalize(
            text, in: gap, into: &normalized,
            symbolEnd: { position in
                guard !front.userDefined.isEmpty else { return nil }
                let templateEnd = templates.end(around: position, index: &templateIndex)
                guard
                    let found = front.userDefined.match(
                        in: text, at: position, end: gap.upperBound, templateEnd: templateEnd)
                else { return nil }
                return (Int32(found.token.id), found.end)
            },
            noting: { symbols.append(($0, $1)) })
        normalized.withUnsafeBufferPointer { bytes in
            var position = 0
            for symbol in symbols {
                if symbol.range.lowerBound > position {
                    encodePiece(bytes, position..<symbol.range.lowerBound, scratch, &tokens)
                }
                tokens.append(symbol.token)
                position = symbol.range.upperBound
            }
            if position < bytes.count {
                encodePiece(bytes, position..<bytes.count, scratch, &tokens)
            }
        }
    }

    /// Keeps one of neighbouring unknown tokens.
    private func joinUnknown(in tokens: inout [Int32], from start: Int) {
        guard let joinedUnknown, tokens.count > start else { return }
        var kept = start
        for index in start..<tokens.count {
            let token = tokens[index]
            if token == joinedUnknown, kept > start, tokens[kept - 1] == joinedUnknown { continue }
            tokens[kept] = token
            kept += 1
        }
        tokens.removeLast(tokens.count - kept)
    }
}

/// Encodes each piece with byte-pair encoding.
private struct BytePairConsumer: PieceConsumer {
    let model: BytePairModel
    let text: UnsafeBufferPointer<UInt8>
    let scratch: EncodingScratch
    var tokens: [Int32]

    @inline(__always)
    mutating func take(_ piece: Range<Int>) {
        model.encode(text, piece, scratch, into: &tokens)
    }
}

/// Encodes each piece with the unigram model.
private struct UnigramConsumer: PieceConsumer {
    let model: UnigramModel
    let text: UnsafeBufferPointer<UInt8>
    let scratch: EncodingScratch
    var tokens: [Int32]

    mutating func take(_ piece: Range<Int>) {
        model.encode(text, piece, scratch, into: &tokens)
    }
}

/// Encodes each piece with the word-piece model.
private struct WordPieceConsumer: PieceConsumer {
    let model: WordPieceModel
    let text: UnsafeBufferPointer<UInt8>
    var tokens: [Int32]

    mutating func take(_ piece: Range<Int>) {
        model.encode(text, piece, into: &tokens)
    }
}
