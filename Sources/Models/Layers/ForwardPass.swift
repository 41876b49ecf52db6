import FathomTensors

/// What the layers of one forward pass share: the batch, the angles of its positions, and who
/// watches.
struct ForwardPass {
    let batch: Batch
    let cacheType: DType
    private let angles: RotaryAngles
    private let layout: CacheLayout
    private let observe: ((String, Tensor) -> Void)?

    init(
        _ batch: Batch, rotary: RotaryFrequencies, layout: CacheLayout, cacheType: DType,
        observe: ((String, Tensor) -> Void)? = nil
    ) {
        self.batch = batch
        self.cacheType = cacheType
        self.layout = layout
        self.observe = observe
        angles = rotary.angles(batch.positions)
    }

    /// Whether intermediate results are wanted.
    var isObserved: Bool { observe != nil }

    /// Tells the observer of an intermediate result.
    func report(_ name: @autoclosure () -> String, _ tensor: @autoclosure () -> Tensor) {
        observe?(name(), tensor())
    }

    /// Rotates heads `[T, heads · D]` by their positions, in the model's layout or another one.
    func rotate(_ x: Tensor, headCount: Int, layout: RotaryLayout? = nil) -> Tensor {
        FathomTensors.rotate(x, headCount: headCount, layout.map(angles.withLayout) ?? angles)
    }

    /// Causal attention of the batch's sequences, each over its cache; see `attention`.
    ///
    /// - Parameter row: which row of the model's cache layout the attention keeps.
    func attention(
        row: Int, query: Tensor, key: Tensor, value: Tensor? = nil, _ shape: AttentionShape
    ) -> Tensor {
        FathomTensors.attention(
            query: query, key: key, value: value, shape, batch.sequences.map { segment($0, row) })
    }

    /// Attention over chosen keys; see `sparseAttention`.
    func sparseAttention(
        row: Int, query: Tensor, key: Tensor, _ shape: AttentionShape, positions: [[Int32]]
    ) -> Tensor {
        FathomTensors.sparseAttention(
            query: query, key: key, shape, batch.sequences.map { segment($0, row) },
            positions: positions)
    }

    /// The keys that an indexer chooses; see `chosenKeys`.
    func chosenKeys(
        row: Int, query: Tensor, key: Tensor, weights: Tensor, _ shape: AttentionShape, keep: Int
    ) -> [[Int32]] {
        FathomTensors.chosenKeys(
            query: query, key: key, weights: weights, shape, keep: keep,
            batch.sequences.map { segment($0, row) })
    }

    /// Keeps keys without attending to them; see `storeKeys`.
    func storeKeys(row: Int, _ key: Tensor, _ shape: AttentionShape) {
        FathomTensors.storeKeys(key, shape, batch.sequences.map { segment($0, row) })
    }

    /// Attention of every sequence over its own tokens of this pass, whatever it has cached.
    func attentionWithinPass(
        query: Tensor, key: Tensor, value: Tensor, _ shape: AttentionShape
    ) -> Tensor {
        FathomTensors.attention(
            query: query, key: key, value: value, shape,
            batch.sequences.map { AttentionSegment(range: $0.range) })
    }

    /// Whether every sequence begins with this pass.
    var startsAllSequences: Bool { batch.sequences.allSatisfy { $0.firstPosition == 0 } }

    /// A sequence's part of the pass, over one row of its cache.
    func segment(_ sequence: Batch.Entry, _ row: Int) -> AttentionSegment {
        guard let cache = sequence.cache else { return AttentionSegment(range: sequence.range) }
        return AttentionSegment(
            range: sequence.range, firstPosition: sequence.firstPosition, pages: cache.pages,
            pageOffset: layout.rowOffsets[row], pageLength: CacheLayout.pageLength,
            dtype: cacheType)
    }
}
