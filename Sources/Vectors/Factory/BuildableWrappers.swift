/// Transforms before an index.
struct BuildableChain: BuildableIndex {
    private var transforms: [any TrainableTransform]
    private var index: any BuildableIndex
    let dimension: Int
    var metric: Metric { index.metric }
    var count: Int { index.count }
    var isTrained: Bool { index.isTrained && transforms.allSatisfy(\.isTrained) }

    init(_ transforms: [any TrainableTransform], _ index: any BuildableIndex) {
        self.transforms = transforms
        self.index = index
        dimension = transforms.first?.inputDimension ?? index.dimension
    }

    mutating func train(_ rows: VectorRows, _ work: BuildWork) throws {
        var rows = rows
        for place in transforms.indices {
            if !transforms[place].isTrained { try transforms[place].train(rows, work) }
            rows = transforms[place].apply(rows)
        }
        if !index.isTrained { try index.train(rows, work) }
    }

    mutating func add(
        _ rows: VectorRows, ids: [Int64]?, _ work: BuildWork
    ) throws {
        try index.add(transforms.reduce(rows) { $1.apply($0) }, ids: ids, work)
    }

    func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IxPT")
        try writer.header(header)
        try writer.i32(transforms.count)
        for transform in transforms { try transform.write(to: &writer) }
        try index.write(to: &writer)
    }
}

/// Labels of their own for an index that numbers its vectors.
struct BuildableIDMap: BuildableIndex {
    private var index: any BuildableIndex
    private let isReversible: Bool
    private var labels: [Int64] = []
    var dimension: Int { index.dimension }
    var metric: Metric { index.metric }
    var count: Int { index.count }
    var isTrained: Bool { index.isTrained }

    init(_ index: any BuildableIndex, isReversible: Bool) {
        self.index = index
        self.isReversible = isReversible
    }

    mutating func train(_ rows: VectorRows, _ work: BuildWork) throws {
        try index.train(rows, work)
    }

    mutating func add(
        _ rows: VectorRows, ids: [Int64]?, _ work: BuildWork
    ) throws {
        let first = Int64(count)
        try index.add(rows, ids: nil, work)
        labels += ids ?? (0..<Int64(rows.count)).map { first + $0 }
    }

    func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(isReversible ? "IxM2" : "IxMp")
        try writer.header(header)
        try index.write(to: &writer)
        try writer.vector(labels)
    }
}

/// A fast index and a more exact one of the same vectors.
struct BuildableRefinement: BuildableIndex {
    private var base: any BuildableIndex
    private var refinement: any BuildableIndex
    var dimension: Int { base.dimension }
    var metric: Metric { base.metric }
    var count: Int { base.count }
    var isTrained: Bool { base.isTrained && refinement.isTrained }

    init(_ base: any BuildableIndex, _ refinement: any BuildableIndex) {
        self.base = base
        self.refinement = refinement
    }

    mutating func train(_ rows: VectorRows, _ work: BuildWork) throws {
        if !base.isTrained { try base.train(rows, work) }
        if !refinement.isTrained { try refinement.train(rows, work) }
    }

    mutating func add(
        _ rows: VectorRows, ids: [Int64]?, _ work: BuildWork
    ) throws {
        // Candidates are looked up by their number.
        guard ids == nil else { throw TrainingError.idsNotSupported("a refined index") }
        try base.add(rows, ids: nil, work)
        try refinement.add(rows, ids: nil, work)
    }

    func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("IxRF")
        try writer.header(header)
        try base.write(to: &writer)
        try refinement.write(to: &writer)
        try writer.f32(1)
    }
}
