import FathomVectors

/// Indexes for tests, built from drawn vectors around a few centres.
struct BuiltIndex {
    let rows: VectorRows

    init(count: Int, dimension: Int = 8, seed: UInt64 = 71) throws {
        let noise = FlatSearchTests.values(count * dimension, seed: seed)
        let centers = FlatSearchTests.values(16 * dimension, seed: 5)
        let values = noise.indices.map { i in
            3 * centers[(i / dimension * 7 % 16) * dimension + i % dimension] + noise[i]
        }
        rows = try VectorRows(values, dimension: dimension)
    }

    /// A trained index that holds nothing.
    func trained(_ factory: String, _ metric: Metric = .l2) throws -> any VectorIndex {
        var builder = try IndexBuilder(
            IndexDescription(factory, dimension: rows.dimension, metric: metric))
        try builder.train(rows)
        return try builder.finished()
    }

    /// An index that holds some of the rows.
    func filled(
        _ factory: String, _ range: Range<Int>, _ metric: Metric = .l2
    ) throws -> any VectorIndex {
        var index = try trained(factory, metric)
        try index.add(part(range))
        return index
    }

    func part(_ range: Range<Int>) throws -> VectorRows {
        try VectorRows(range.flatMap { rows.row($0) }, dimension: rows.dimension)
    }

    /// Parameters that look at everything, where there is something to say.
    static func thorough(_ index: any VectorIndex) -> SearchParameters {
        var parameters = SearchParameters()
        if index.acceptedParameters.contains(.nprobe) { parameters.nprobe = 1000 }
        if index.acceptedParameters.contains(.efSearch) { parameters.efSearch = 2000 }
        return parameters
    }

    static let numbered = [
        "Flat", "SQ8", "SQ4", "SQfp16", "PQ4x4", "PQ4x6", "PQ4x4fs", "LSH", "RaBitQ", "RaBitQ4",
        "PCA4,Flat", "L2norm,SQ8", "PQ4x4,RFlat", "RQ3x4", "LSQ2x4_Nqint8", "PRQ2x2x4",
        "RQ3x4fs_Nrq2x4",
    ]

    static let listed = [
        "IVF6,Flat", "IVF6,SQ8", "IVF6,PQ4x4", "IVF6,PQ4x4fs", "IVF6,PQ4x4fsr", "IVF6,RaBitQ",
        "PCA4,IVF6,Flat", "IVF6_HNSW8,Flat", "IVF6,RQ3x4_Nfloat", "IVF6,LSQ2x4",
        "IVF6,PRQ2x2x4fsr_Nrq2x4",
    ]

    static let all = numbered + listed + ["HNSW8", "HNSW8_SQ8", "IDMap,Flat", "IDMap2,PQ4x4fs"]
}
