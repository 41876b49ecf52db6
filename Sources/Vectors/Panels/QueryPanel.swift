import FathomKernels

/// Up to 64 vectors side by side, so that a row meets all of them at once.
struct QueryPanel {
    static let width = Int(FK_PANEL)

    /// Which of the vectors they are.
    let numbers: [Int]
    /// `[dimension, 64]`; places that no vector has are zero.
    let values: [Float]

    init(_ vectors: VectorRows, _ numbers: [Int]) {
        precondition(numbers.count <= Self.width, "a panel holds \(Self.width) vectors")
        self.numbers = numbers
        let size = vectors.dimension * Self.width
        values = [Float](unsafeUninitializedCapacity: size) { values, count in
            fk_panel_f32(
                values.baseAddress, vectors.values, numbers.map { Int32($0) }, numbers.count,
                vectors.dimension)
            count = size
        }
    }
}

extension QueryPanel {
    /// All vectors in order, as many to a panel as it holds.
    static func panels(_ vectors: VectorRows) -> ArraySlice<QueryPanel> {
        panels(vectors, Array(0..<vectors.count)[...])
    }

    /// Some vectors in order.
    static func panels(_ vectors: VectorRows, _ numbers: ArraySlice<Int>) -> ArraySlice<QueryPanel>
    {
        stride(from: numbers.startIndex, to: numbers.endIndex, by: width).map { first in
            QueryPanel(vectors, Array(numbers[first..<min(first + width, numbers.endIndex)]))
        }[...]
    }
}
