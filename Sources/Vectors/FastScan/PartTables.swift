import FathomKernels

/// Distances from parts of a query to the 16 centroids of each part, for one list or several:
/// `[count, partCount, 16]`.
struct PartTables {
    let partCount: Int
    let entries: [Float]

    var count: Int { partCount > 0 ? entries.count / (16 * partCount) : 0 }

    /// - Parameter entries: `[count, partCount, 16]`.
    init(_ entries: [Float], partCount: Int) {
        self.entries = entries
        self.partCount = partCount
    }
}

/// Makes tables of product-quantizer codes of 4 bits.
struct ProductTables: Sendable {
    private let partCount: Int
    /// S.
    private let width: Int
    /// `[M, S, 16]`.
    private let columns: [Float]

    init(_ quantizer: ProductQuantizer) {
        partCount = quantizer.partCount
        width = quantizer.partDimension
        let width = width
        columns =
            quantizer.centroids.isEmpty
            ? []
            : [Float](unsafeUninitializedCapacity: quantizer.centroids.count) { columns, count in
                for (place, value) in quantizer.centroids.enumerated() {
                    let (centroid, i) = (place / width, place % width)
                    columns[(centroid / 16 * width + i) * 16 + centroid % 16] = value
                }
                count = quantizer.centroids.count
            }
    }

    /// The table of a query.
    func table(_ query: [Float], _ metric: Metric) -> PartTables {
        tables(query, around: nil, isProduct: metric == .innerProduct)
    }

    /// The tables of a query's distances from each of some centres, L2.
    func tables(_ query: [Float], around centers: VectorRows) -> PartTables {
        tables(query, around: centers, isProduct: false)
    }

    private func tables(
        _ query: [Float], around centers: VectorRows?, isProduct: Bool
    ) -> PartTables {
        let count = centers?.count ?? 1
        let size = partCount * 16
        guard columns.count == size * width else {
            return PartTables([Float](repeating: 0, count: count * size), partCount: partCount)
        }
        let entries = [Float](unsafeUninitializedCapacity: count * size) { entries, initialized in
            if let base = entries.baseAddress {
                for list in 0..<count {
                    if let centers {
                        centers.values.withUnsafeBufferPointer { values in
                            fk_part_tables_f32(
                                base + list * size, query,
                                values.baseAddress.map { $0 + list * centers.dimension }, columns,
                                0, partCount, width)
                        }
                    } else {
                        fk_part_tables_f32(
                            base, query, nil, columns, isProduct ? 1 : 0, partCount, width)
                    }
                }
            }
            initialized = count * size
        }
        return PartTables(entries, partCount: partCount)
    }
}
