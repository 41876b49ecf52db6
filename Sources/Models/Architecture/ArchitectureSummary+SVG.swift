extension ArchitectureSummary {
    /// The model as a drawing: one self-contained SVG document.
    ///
    /// From the embedding down to the head, layers that are alike as one box; small squares are
    /// the experts of a layer, coloured as many as a token passes. Below, what the cache keeps of a
    /// token beside multi-head attention with the same heads, to scale.
    public var svg: String { ArchitectureDrawing(self).document }
}

/// Lays the parts of a model out from top to bottom.
private struct ArchitectureDrawing {
    private static let width = 760
    private static let left = 40
    private static let right = 700
    private static let middle = 370

    private let summary: ArchitectureSummary
    private var canvas = SVGCanvas(width: Self.width)
    /// Where the next part begins.
    private var y = 84

    init(_ summary: ArchitectureSummary) {
        self.summary = summary
        canvas.text(summary.name, x: Self.left, y: 44, .title)
        canvas.text(summary.parameterText, x: Self.left, y: 66, .small)
        let table =
            ReadableNumber.grouped(summary.vocabularySize) + " × "
            + ReadableNumber.grouped(summary.hiddenSize)
        addTable("Embedding", table, ReadableNumber.short(summary.embeddingParameters))
        // A hostile file may alternate layers without end; a drawing shows so many kinds.
        for group in summary.groups.prefix(Self.mostGroups) {
            addArrow()
            add(group)
        }
        if summary.groups.count > Self.mostGroups {
            canvas.text(
                "and \(summary.groups.count - Self.mostGroups) more runs of layers",
                x: Self.left, y: y + 16, .small)
            y += 24
        }
        addArrow()
        addTable(
            "Norm and head", table,
            summary.tiesWordEmbeddings
                ? "the embedding" : ReadableNumber.short(summary.embeddingParameters))
        if summary.predictionLayerCount > 0 {
            addArrow()
            addTable(
                "\(summary.predictionLayerCount) × further token", "predicts from the last state",
                ReadableNumber.short(summary.predictionParameters))
        }
        addCache()
    }

    private static let mostGroups = 40

    var document: String {
        canvas.document(
            height: y + 24, title: "Architecture of \(summary.name)",
            description: "\(summary.parameterText). Cache: \(summary.cache)")
    }

    private mutating func addArrow() {
        canvas.arrow(x: Self.middle, from: y, to: y + 20)
        y += 20
    }

    private mutating func addTable(_ name: String, _ text: String, _ count: String) {
        canvas.rectangle(
            x: Self.left, y: y, width: Self.right - Self.left, height: 36, class: "box")
        canvas.text(name, x: Self.left + 14, y: y + 23, .heading)
        canvas.text(text, x: Self.left + 190, y: y + 23)
        canvas.text(count, x: Self.right - 14, y: y + 23, .number, isFlushRight: true)
        y += 36
    }

    private mutating func add(_ group: ArchitectureSummary.LayerGroup) {
        // The last part, the feed-forward network, has room for its experts.
        let parts = group.parts
        let grid = ExpertGrid(group.feedForward)
        let networkHeight = 32 + (grid.map { $0.height + 30 } ?? 0)
        let height = 42 + (parts.count - 1) * 38 + networkHeight + 8
        // Sheets behind the box say that it stands for several layers.
        for sheet in stride(from: min(group.layers.count - 1, 2), to: 0, by: -1) {
            canvas.rectangle(
                x: Self.left + 6 * sheet, y: y + 6 * sheet, width: Self.right - Self.left,
                height: height, class: "behind")
        }
        canvas.rectangle(
            x: Self.left, y: y, width: Self.right - Self.left, height: height, class: "box")
        canvas.text(group.title, x: Self.left + 14, y: y + 25, .heading)
        let parameters = ReadableNumber.short(group.parameters)
        let active = ReadableNumber.short(group.activeParameters)
        canvas.text(
            group.parameters == group.activeParameters
                ? parameters : "\(parameters), \(active) active",
            x: Self.right - 14, y: y + 25, .number, isFlushRight: true)
        var top = y + 40
        for (name, text) in parts.dropLast() {
            addPart(name, text, y: top, height: 32)
            top += 38
        }
        for (name, text) in parts.suffix(1) {
            addPart(name, text, y: top, height: networkHeight)
        }
        if let grid {
            grid.draw(on: &canvas, x: Self.left + 190, y: top + 34)
            canvas.text(
                grid.legend, x: Self.left + 190, y: top + 34 + grid.height + 16, .small)
        }
        y += height + 6 * min(group.layers.count - 1, 2)
    }

    private mutating func addPart(_ name: String, _ text: String, y: Int, height: Int) {
        canvas.rectangle(
            x: Self.left + 14, y: y, width: Self.right - Self.left - 28, height: height,
            class: "part")
        canvas.text(
            name.prefix(1).uppercased() + name.dropFirst(), x: Self.left + 28, y: y + 21)
        canvas.text(text, x: Self.left + 190, y: y + 21)
    }

    private mutating func addCache() {
        let cache = summary.cache
        let kept = cache.elements + cache.indexElements
        canvas.text("Cache of a token", x: Self.left, y: y + 44, .heading)
        canvas.text(
            "\(ReadableNumber.bytes(cache.bytesPerToken)) in F16", x: Self.right, y: y + 44,
            .number, isFlushRight: true)
        var rows = [("this model", kept, "bar")]
        if cache.multiHeadElements != kept {
            rows.append(("multi-head attention", cache.multiHeadElements, "other"))
        }
        let largest = max(1, rows.map(\.1).max() ?? 1)
        y += 58
        for (name, count, kind) in rows {
            let length = Int((Double(count) / Double(largest) * 420).rounded())
            canvas.text(name, x: Self.left, y: y + 14)
            canvas.rectangle(
                x: Self.left + 150, y: y + 3, width: max(2, length), height: 14, class: kind,
                radius: 2)
            canvas.text(
                ReadableNumber.grouped(count), x: Self.right, y: y + 14, .number,
                isFlushRight: true)
            y += 24
        }
        if rows.count > 1 {
            addNote(
                "\(ReadableNumber.percent(cache.saving)) less; as grouped attention with "
                    + "\(ReadableNumber.threeDigits(cache.equivalentGroups)) key-value heads")
        }
        if let claim = cache.claim {
            addNote(
                "\(ReadableNumber.percent(claim.saving)) less than DeepSeek 67B as published; "
                    + "\(ReadableNumber.percent(claim.elementSaving)) by the numbers alone:")
            addNote(
                "\(ReadableNumber.grouped(claim.elements)) numbers of \(claim.bits) bits against "
                    + "\(ReadableNumber.grouped(claim.referenceElements)) of "
                    + "\(claim.referenceBits)")
        }
    }

    private mutating func addNote(_ text: String) {
        canvas.text(text, x: Self.left, y: y + 14, .small)
        y += 20
    }
}

/// The experts of a layer as small squares.
private struct ExpertGrid {
    private static let columns = 32
    private static let step = 14
    /// More are not drawn one by one.
    private static let most = 512

    private let count, perToken, shared: Int

    init?(_ feedForward: ArchitectureSummary.FeedForward) {
        guard case .experts(let count, let perToken, let shared, _) = feedForward else {
            return nil
        }
        (self.count, self.perToken, self.shared) = (count, perToken, shared)
    }

    /// Squares drawn: all, or for more than fit none but those at work.
    private var squares: Int { count <= Self.most ? count : min(perToken, Self.most) }

    private var drawnShared: Int { min(shared, Self.columns) }

    var height: Int {
        let rows = (squares + Self.columns - 1) / Self.columns
        return (rows + (drawnShared > 0 ? 1 : 0)) * Self.step
    }

    var legend: String {
        var text = "\(perToken) of \(ReadableNumber.grouped(count)) chosen for each token (blue)"
        if shared > 0 { text += ", \(shared) always (orange)" }
        return text
    }

    func draw(on canvas: inout SVGCanvas, x: Int, y: Int) {
        var top = y
        for index in 0..<drawnShared {
            square(on: &canvas, x + index * Self.step, top, "shared")
        }
        if drawnShared > 0 { top += Self.step }
        // The chosen ones stand spread out, as a router's choice does.
        let stride = max(1, squares / max(1, perToken))
        for index in 0..<squares {
            let part = index / stride
            let isChosen = index % stride == (stride / 2 + 7 * part) % stride && part < perToken
            square(
                on: &canvas, x + index % Self.columns * Self.step,
                top + index / Self.columns * Self.step, isChosen ? "chosen" : "expert")
        }
    }

    private func square(on canvas: inout SVGCanvas, _ x: Int, _ y: Int, _ name: String) {
        canvas.rectangle(
            x: x, y: y, width: Self.step - 3, height: Self.step - 3, class: name, radius: 2)
    }
}
