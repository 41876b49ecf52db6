/// Codes in inverted lists.
struct BuildableLists: BuildableIndex {
    private var quantizer: any BuildableIndex
    private var codec: any ListCodec
    let metric: Metric
    let listCount: Int
    let isResidual: Bool
    private var lists: ArrayLists
    /// Whether the place of each label is written beside the lists.
    private var mapsLabels = false
    private(set) var count = 0
    private(set) var isTrained = false
    /// What the coarse quantizer holds.
    private var centroids: VectorRows?
    /// For coarse quantizers that are searched.
    private var searchable: (any VectorIndex)?

    var dimension: Int { codec.dimension }

    /// Rows that are assigned and encoded at once.
    private static let batchSize = 16_384

    init(
        _ codec: any ListCodec, _ metric: Metric, listCount: Int, isResidual: Bool,
        quantizer: any BuildableIndex
    ) {
        self.codec = codec
        self.metric = metric
        self.listCount = listCount
        self.isResidual = isResidual
        self.quantizer = quantizer
        if var lists = quantizer as? BuildableLists {
            // Centroids are asked for by number, for which Faiss needs a map.
            lists.mapsLabels = true
            self.quantizer = lists
        }
        lists = ArrayLists(
            codeSize: codec.codeSize, lists: Array(repeating: .init(), count: listCount))
    }

    mutating func train(_ rows: VectorRows, _ work: BuildWork) throws {
        try trainQuantizer(rows, work)
        if codec.trainingLimit > 0 {
            let sample = rows.sample(codec.trainingLimit)
            let centers = isResidual ? try centers(of: try assign(sample, work.threads)) : nil
            try codec.train(sample, around: centers, work)
        }
        isTrained = true
    }

    private mutating func trainQuantizer(
        _ rows: VectorRows, _ work: BuildWork
    ) throws {
        var settings = KMeans.Settings()
        settings.iterationCount = 10
        settings.isSpherical = metric == .innerProduct
        // Centroids of a searched quantizer are found by distances whatever its metric.
        if quantizer is BuildableCodes { settings.metric = metric }
        let found = try KMeans(centroidCount: listCount, settings: settings)
            .train(rows, stage: "coarse centroids", work).centroids
        if !quantizer.isTrained { try quantizer.train(found, work) }
        try quantizer.add(found, ids: nil, BuildWork(threads: work.threads))
        if quantizer is BuildableCodes {
            centroids = found
        } else {
            let index = try quantizer.finished()
            searchable = index
            centroids = VectorRows(
                checked: try (0..<listCount).flatMap { try index.reconstruct(Int64($0)) },
                dimension: dimension)
        }
    }

    /// The list of each row.
    private func assign(_ rows: VectorRows, _ threads: Int) throws -> [Int] {
        guard let centroids else { throw TrainingError.notTrained("the coarse quantizer") }
        guard let searchable else {
            return NearestCentroids(centroids, isSimilarity: metric.isSimilarity)
                .assign(rows, threads: threads).numbers
        }
        return try searchable.search(rows, k: 1, threads: threads).labels.map { label in
            // A search of a graph or of few lists may come back with nothing.
            label >= 0 ? Int(label) : 0
        }
    }

    private func centers(of numbers: [Int]) throws -> VectorRows {
        guard let centroids else { throw TrainingError.notTrained("the coarse quantizer") }
        return centroids.gathering(numbers)
    }

    mutating func add(
        _ rows: VectorRows, ids: [Int64]?, _ work: BuildWork
    ) throws {
        for first in stride(from: 0, to: rows.count, by: Self.batchSize) {
            let size = min(Self.batchSize, rows.count - first)
            let batch = rows.gathering(first..<first + size)
            let numbers = try assign(batch, work.threads)
            let codes = codec.encode(
                batch, around: isResidual ? try centers(of: numbers) : nil, threads: work.threads)
            for (row, list) in numbers.enumerated() {
                lists.lists[list].append(
                    ids.map { $0[first + row] } ?? Int64(count + row),
                    codes[row * codec.codeSize..<(row + 1) * codec.codeSize])
            }
            count += size
            work.report(
                TrainingProgress(
                    stage: "lists", completed: first + size, total: rows.count))
        }
    }

    func write(to writer: inout IndexWriter) throws {
        try writer.fourCC(codec.listType)
        try writer.header(header)
        try writer.size(listCount)
        try writer.size(1)
        try quantizer.write(to: &writer)
        try DirectMap(mapsLabels ? .array : .none, of: .arrays(lists), count: count)
            .write(to: &writer)
        try codec.writeListFields(header, isResidual: isResidual, to: &writer)
        try codec.writeLists(lists, to: &writer)
    }
}
