extension Tokenizer {
    /// The text of tokens; bytes that are not UTF-8 become U+FFFD.
    ///
    /// Ids that no token has are passed over.
    public func decode(
        _ ids: some Sequence<Int32>, skippingSpecialTokens: Bool = false
    ) -> String {
        if case .byteLevel = decoder.kind {
            var bytes: [UInt8] = []
            for id in ids where !(skippingSpecialTokens && special.contains(id)) {
                decoder.appendBytes(of: Int(id), to: &bytes)
            }
            return String(decoding: bytes, as: UTF8.self)
        }
        var detokenizer = makeDetokenizer(skippingSpecialTokens: skippingSpecialTokens)
        var text: [UInt8] = []
        for id in ids { detokenizer.append(id, to: &text) }
        detokenizer.finish(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// A decoder for tokens that arrive one by one.
    public func makeDetokenizer(skippingSpecialTokens: Bool = true) -> StreamingDetokenizer {
        StreamingDetokenizer(decoder: decoder, skipping: skippingSpecialTokens ? special : nil)
    }
}
