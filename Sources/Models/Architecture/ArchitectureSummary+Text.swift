extension ArchitectureSummary.LayerGroup {
    /// Its layers in a few words: `58 × 256 experts, 8 + 1 active`.
    public var title: String {
        let count = ReadableNumber.grouped(layers.count)
        let memory = memory == nil ? "" : " with n-gram memory"
        switch feedForward {
        case .dense: return "\(count) × dense\(memory)"
        case .experts(let experts, let perToken, let shared, _):
            let active = shared == 0 ? "\(perToken)" : "\(perToken) + \(shared)"
            return
                "\(count) × \(ReadableNumber.grouped(experts)) experts, \(active) active\(memory)"
        }
    }
}

extension ArchitectureSummary.Attention: CustomStringConvertible {
    public var description: String {
        let grouped = ReadableNumber.grouped
        switch self {
        case .grouped(let heads, let keyValueHeads, let width):
            return heads == keyValueHeads
                ? "\(grouped(heads)) heads of \(grouped(width))"
                : "\(grouped(heads)) heads of \(grouped(width)), "
                    + "\(grouped(keyValueHeads)) for keys and values"
        case .latent(let heads, let latent, _):
            var text = "\(grouped(heads)) heads over latents of \(grouped(latent.rank)) + "
            text += grouped(latent.rotaryWidth)
            if let rank = latent.queryRank { text += ", queries of rank \(grouped(rank))" }
            return text
        }
    }
}

extension ArchitectureSummary.LayerGroup {
    /// The parts of a layer in the order in which they work, each with its sizes.
    var parts: [(name: String, text: String)] {
        var parts: [(String, String)] = []
        if let memory { parts.append(("memory", "\(memory)")) }
        if case .latent(_, _, let indexer?) = attention {
            parts.append(
                (
                    "index",
                    "\(indexer.headCount) heads of \(indexer.headWidth) keep at most "
                        + "\(ReadableNumber.grouped(indexer.keptKeys)) keys"
                ))
        }
        parts.append(("attention", "\(attention)"))
        return parts + [("feed-forward", "\(feedForward)")]
    }
}

extension ArchitectureSummary.FeedForward: CustomStringConvertible {
    public var description: String {
        switch self {
        case .dense(let width): "\(ReadableNumber.grouped(width)) wide"
        case .experts(_, _, _, let width): "\(ReadableNumber.grouped(width)) wide each"
        }
    }
}

extension ArchitectureSummary.Memory: CustomStringConvertible {
    public var description: String {
        "\(ReadableNumber.grouped(rowCount)) rows of \(rowWidth), \(rowsPerToken) read a token"
    }
}

extension ArchitectureSummary: CustomStringConvertible {
    /// The model drawn in text, some lines.
    public var description: String {
        let short = ReadableNumber.short
        let table =
            "\(ReadableNumber.grouped(vocabularySize)) × \(ReadableNumber.grouped(hiddenSize))"
        var rows: [(mark: String, name: String, text: String, count: String)] = []
        rows.append(("  ", "embedding", table, short(embeddingParameters)))
        for (index, group) in groups.enumerated() {
            rows.append((index == 0 ? "┌ " : "├ ", group.title, "", short(group.parameters)))
            for part in group.parts { rows.append(("│ ", "  \(part.name)", part.text, "")) }
        }
        rows.append(
            (
                "└ ", "head", tiesWordEmbeddings ? "\(table), the embedding" : table,
                tiesWordEmbeddings ? "" : short(embeddingParameters)
            ))
        if predictionLayerCount > 0 {
            let title = "+ \(predictionLayerCount) predicting further"
            rows.append(("  ", title, "", short(predictionParameters)))
        }
        // Titles reach into the column of texts, which their rows leave empty.
        let nameWidth = 16
        let width = rows.map { max($0.name.count, nameWidth + $0.text.count) }.max() ?? 0
        return rows.map { row in
            var line = row.mark + row.name
            if !row.text.isEmpty {
                line += spaces(nameWidth - row.name.count) + row.text
            }
            guard !row.count.isEmpty else { return line }
            return line + spaces(width + row.mark.count + 10 - line.count - row.count.count)
                + row.count
        }.joined(separator: "\n")
    }

    /// Parameters, those at work, and those of prediction layers, in a line.
    public var parameterText: String {
        var text = "\(ReadableNumber.short(parameters)) (\(ReadableNumber.grouped(parameters))), "
        text += "\(ReadableNumber.short(activeParameters)) active a token"
        if predictionLayerCount > 0 {
            text += ", \(ReadableNumber.short(predictionParameters)) more to predict further tokens"
        }
        return text
    }

    private func spaces(_ count: Int) -> String { String(repeating: " ", count: max(1, count)) }
}

extension CacheSummary: CustomStringConvertible {
    /// The cost of a token and the comparison with multi-head attention, in a line.
    public var description: String {
        let grouped = ReadableNumber.grouped
        var text = "\(ReadableNumber.bytes(bytesPerToken)) a token: \(grouped(elements)) numbers"
        if indexElements > 0 { text += " and \(grouped(indexElements)) index keys" }
        text += " in F16"
        guard elements + indexElements != multiHeadElements else { return text }
        text += "; \(grouped(multiHeadElements)) with multi-head attention "
        return text + "(\(ReadableNumber.percent(saving)) less; as \(groups))"
    }

    private var groups: String {
        "\(ReadableNumber.threeDigits(equivalentGroups)) key-value heads"
    }
}
