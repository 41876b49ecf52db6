import FathomTensors

/// What the layers of one forward pass share: the batch and the angles of its positions.
struct ForwardPass {
    private let batch: Batch
    private let angles: RotaryAngles
    private let layout: CacheLayout
    private let cacheType: DType

    init(_ batch: Batch, rotary: RotaryFrequencies, layout: CacheLayout, cacheType: DType) {
        self.batch = batch
        angles = rotary.angles(batch.positions)
        self.layout = layout
        self.cacheType = cacheType
    }

    /// Rotates heads `[T, heads · D]` by their positions.
    func rotate(_ x: Tensor, headCount: Int) -> Tensor {
        FathomTensors.rotate(x, headCount: headCount, angles)
    }

    /// Causal attention of the batch's sequences, each over its cache; see `attention`.
    func attention(
        layer: Int, query: Tensor, key: Tensor, value: Tensor, _ shape: AttentionShape
    ) -> Tensor {
        let segments = batch.sequences.map { sequence in
            guard let cache = sequence.cache else { return AttentionSegment(range: sequence.range) }
            return AttentionSegment(
                range: sequence.range, firstPosition: sequence.firstPosition, pages: cache.pages,
                pageOffset: layout.layerOffsets[layer], pageLength: CacheLayout.pageLength,
                dtype: cacheType)
        }
        return FathomTensors.attention(query: query, key: key, value: value, shape, segments)
    }
}
