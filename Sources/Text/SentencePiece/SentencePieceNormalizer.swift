/// Prepares text as SentencePiece does: replaces characters, handles white space and marks the
/// starts of words.
struct SentencePieceNormalizer: Sendable {
    var characterMap: CharacterMap?
    /// Puts a `▁` in front, as if the text followed a space.
    var addsWordMarkInFront = true
    /// Drops white space at both ends and joins runs of it.
    var removesExtraWhitespace = true
    /// Writes spaces as `▁`.
    var escapesWhitespace = true

    /// Appends the normalised text.
    ///
    /// Symbols that the closure finds at a place are kept as they are, and the other closure hears
    /// where they went.
    func normalize(
        _ text: UnsafeBufferPointer<UInt8>, in range: Range<Int>, into output: inout [UInt8],
        symbolEnd: (Int) -> (token: Int32, end: Int)?,
        noting note: (_ token: Int32, _ range: Range<Int>) -> Void
    ) {
        let end = range.upperBound
        let outputStart = output.count
        var position = range.lowerBound
        if removesExtraWhitespace {
            while position < end, symbolEnd(position) == nil {
                guard let next = endOfSpace(text, at: position, end: end) else { break }
                position = next
            }
        }
        guard position < end else { return }

        var isAfterSpace = removesExtraWhitespace
        if addsWordMarkInFront { appendSpace(to: &output) }
        while position < end {
            if let symbol = symbolEnd(position) {
                let start = output.count
                output.append(contentsOf: text[position..<symbol.end])
                note(symbol.token, start..<output.count)
                isAfterSpace = false
                position = symbol.end
            } else if let characterMap,
                let match = characterMap.longestMatch(in: text, at: position, end: end)
            {
                append(
                    characterMap.replacements[match.replacement], to: &output, &isAfterSpace)
                position = match.end
            } else {
                let next = UTF8Text.decode(text, at: position).end
                append(text[position..<next], to: &output, &isAfterSpace)
                position = next
            }
        }
        if removesExtraWhitespace {
            let space = escapesWhitespace ? WordMark.bytes : [0x20]
            while output.count - outputStart >= space.count,
                output.suffix(space.count).elementsEqual(space)
            {
                output.removeLast(space.count)
            }
        }
    }

    /// Appends what some characters became, less spaces that follow a space.
    @inline(__always)
    private func append(
        _ part: some Sequence<UInt8>, to output: inout [UInt8], _ isAfterSpace: inout Bool
    ) {
        var isLeading = isAfterSpace
        var last: UInt8?
        for byte in part {
            if byte == 0x20, isLeading { continue }
            isLeading = false
            last = byte
            if byte == 0x20 { appendSpace(to: &output) } else { output.append(byte) }
        }
        if !removesExtraWhitespace {
            isAfterSpace = false
        } else if let last {
            isAfterSpace = last == 0x20
        }
    }

    private func appendSpace(to output: inout [UInt8]) {
        if escapesWhitespace {
            output.append(contentsOf: WordMark.bytes)
        } else {
            output.append(0x20)
        }
    }

    /// Where the characters at a position end, if they become a single space.
    private func endOfSpace(
        _ text: UnsafeBufferPointer<UInt8>, at position: Int, end: Int
    ) -> Int? {
        if let characterMap,
            let match = characterMap.longestMatch(in: text, at: position, end: end)
        {
            return characterMap.replacements[match.replacement].elementsEqual([0x20])
                ? match.end : nil
        }
        return text[position] == 0x20 ? position + 1 : nil
    }
}
