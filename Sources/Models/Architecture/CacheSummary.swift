/// What the layers of a model keep of every token, beside what other attention would keep.
public struct CacheSummary: Sendable, Hashable {
    /// Numbers that attention keeps of a token, in all layers.
    public let elements: Int

    /// Numbers that an indexer keeps besides, in all layers.
    public let indexElements: Int

    /// What multi-head attention with the same heads would keep: a key and a value for each.
    ///
    /// As in DeepSeek-V2, table 1: the part of a head that carries rotary positions apart from the
    /// rest does not count, since plain attention needs none.
    public let multiHeadElements: Int

    /// With how many key-value heads grouped attention would keep as much as `elements`.
    public let equivalentGroups: Double

    /// What DeepSeek-V2's report claims of its cache; `nil` for other models.
    public let claim: CacheClaim?

    /// Bytes of a token where keys and values are kept as F16.
    public var bytesPerToken: Int { 2 * (elements + indexElements) }

    /// The share that is saved against multi-head attention with the same heads.
    public var saving: Double {
        1 - Double(elements + indexElements) / Double(max(1, multiHeadElements))
    }
}

/// The claim of DeepSeek-V2's abstract (arXiv 2405.04434), recomputed: 93.3 % less cache than
/// DeepSeek 67B.
///
/// The counts alone give 82.2 %. The rest is the format: section 3.2.3 of the report keeps the
/// latents in 6 bits on average, and 16 bits are what is compared with.
public struct CacheClaim: Sendable, Hashable {
    public let elements: Int
    public let bits = 6
    /// DeepSeek 67B: 95 layers with 8 key-value heads of 128 (arXiv 2401.02954, table 2).
    public let referenceElements = 95 * 2 * 8 * 128
    public let referenceBits = 16

    /// The share of numbers that is saved.
    public var elementSaving: Double { 1 - Double(elements) / Double(referenceElements) }

    /// The share of bits that is saved.
    public var saving: Double {
        1 - Double(elements * bits) / Double(referenceElements * referenceBits)
    }
}

extension CacheClaim: CustomStringConvertible {
    public var description: String {
        "\(ReadableNumber.percent(saving)) less than DeepSeek 67B as published: "
            + "\(ReadableNumber.grouped(elements)) numbers of \(bits) bits against "
            + "\(ReadableNumber.grouped(referenceElements)) of \(referenceBits); "
            + "\(ReadableNumber.percent(elementSaving)) by the numbers alone"
    }
}
