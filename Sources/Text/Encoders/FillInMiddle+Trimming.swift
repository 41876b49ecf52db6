extension FillInMiddle {
    /// A prompt, and what of the texts had to be left out of it.
    public struct FittedPrompt: Sendable, Hashable {
        public let tokenIDs: [Int32]
        /// Tokens left out at the beginning of the text in front of the gap.
        public let trimmedPrefixTokens: Int
        /// Tokens left out at the end of the text behind the gap.
        public let trimmedSuffixTokens: Int

        public var isTrimmed: Bool { trimmedPrefixTokens > 0 || trimmedSuffixTokens > 0 }
    }

    /// The tokens of the prompt, at most `limit` of them.
    ///
    /// Of texts that are too long, what is farthest from the gap is left out: the beginning of the
    /// prefix and the end of the suffix. The prefix gets three quarters of the room and the suffix
    /// one; what one of them does not need is the other's. Cuts fall between characters.
    ///
    /// - Returns: nil if not even the markers and a token of text fit.
    public func prompt(prefix: String, suffix: String, limit: Int) -> FittedPrompt? {
        let ids = prompt(prefix: prefix, suffix: suffix)
        guard ids.count > limit else {
            return FittedPrompt(tokenIDs: ids, trimmedPrefixTokens: 0, trimmedSuffixTokens: 0)
        }
        // Content never becomes a marker, so each is where the format wrote it.
        guard let first = ids.firstIndex(of: begin), let middle = ids.firstIndex(of: hole),
            let last = ids.lastIndex(of: end)
        else { return nil }
        let before = ids[(first + 1)..<middle]
        let after = ids[(middle + 1)..<last]
        let room = limit - (ids.count - before.count - after.count)
        guard room > 0 else { return nil }
        let suffixRoom = min(after.count, max(room / 4, room - before.count))
        let keptBefore = fromCharacterStart(before.suffix(room - suffixRoom))
        let keptAfter = toCharacterEnd(after.prefix(suffixRoom), of: after)
        return FittedPrompt(
            tokenIDs: ids[...first] + keptBefore + [hole] + keptAfter + ids[last...],
            trimmedPrefixTokens: before.count - keptBefore.count,
            trimmedSuffixTokens: after.count - keptAfter.count)
    }

    /// Leaves out tokens at the front that go on with a character.
    private func fromCharacterStart(_ ids: ArraySlice<Int32>) -> ArraySlice<Int32> {
        ids.drop(while: continuesCharacter)
    }

    /// Leaves out tokens at the end whose last character goes on in `whole`.
    private func toCharacterEnd(
        _ ids: ArraySlice<Int32>, of whole: ArraySlice<Int32>
    ) -> ArraySlice<Int32> {
        var end = ids.endIndex
        while end > ids.startIndex, end < whole.endIndex, continuesCharacter(whole[end]) {
            end -= 1
        }
        return ids[..<end]
    }

    private func continuesCharacter(_ id: Int32) -> Bool {
        guard let byte = tokenizer.tokenBytes(id)?.first else { return false }
        return byte & 0xC0 == 0x80
    }
}
