import FathomTensors

/// Parameters of the parts of a layer.
///
/// Configurations may claim sizes whose products pass 64 bits; those of their largest allowed sizes
/// stay far below 128.
struct ParameterCounts {
    let hiddenSize: Int128

    init(hiddenSize: Int) { self.hiddenSize = Int128(hiddenSize) }

    /// The two norms of a layer.
    var norms: Int128 { 2 * hiddenSize }

    func grouped(
        headCount: Int, keyValueHeadCount: Int, headDimension: Int, hasQueryKeyValueBias: Bool,
        hasOutputBias: Bool
    ) -> Int128 {
        let queries = Int128(headCount) * Int128(headDimension)
        let pairs = 2 * Int128(keyValueHeadCount) * Int128(headDimension)
        return hiddenSize * (2 * queries + pairs) + (hasQueryKeyValueBias ? queries + pairs : 0)
            + (hasOutputBias ? hiddenSize : 0)
    }

    func latent(
        headCount: Int, _ latent: DeepSeekConfiguration.Latent,
        _ indexer: DeepSeekConfiguration.Indexer?, hasBias: Bool
    ) -> Int128 {
        let (heads, rank) = (Int128(headCount), Int128(latent.rank))
        let (plain, value) = (Int128(latent.plainWidth), Int128(latent.valueWidth))
        let rotary = Int128(latent.rotaryWidth)
        let queryInput = latent.queryRank.map { Int128($0) } ?? hiddenSize
        var count = queryInput * heads * (plain + rotary)
        if latent.queryRank != nil {
            count += hiddenSize * queryInput + queryInput + (hasBias ? queryInput : 0)
        }
        count += hiddenSize * (rank + rotary) + rank + (hasBias ? rank + rotary : 0)
        count += rank * heads * (plain + value)
        count += heads * value * hiddenSize + (hasBias ? hiddenSize : 0)
        if let indexer {
            let (indexHeads, width) = (Int128(indexer.headCount), Int128(indexer.headWidth))
            count += queryInput * indexHeads * width + hiddenSize * (width + indexHeads) + 2 * width
        }
        return count
    }

    func dense(width: Int, hasBias: Bool = false) -> Int128 {
        let width = Int128(width)
        return 3 * hiddenSize * width + (hasBias ? 2 * width + hiddenSize : 0)
    }

    /// The router, and as many experts as given.
    func experts(_ configuration: ExpertConfiguration, used: Int) -> Int128 {
        let count = Int128(configuration.selection.expertCount)
        let router = count * hiddenSize + (configuration.hasSelectionBias ? count : 0)
        let networks = Int128(used) + Int128(configuration.sharedCount)
        return router + networks * dense(width: configuration.intermediateSize)
    }

    /// An Engram module, and as many rows of its tables as given.
    func memory(_ configuration: EngramConfiguration, rows: Int) -> Int128 {
        let (branches, width) = (
            Int128(configuration.branchCount), Int128(configuration.memoryWidth)
        )
        let projection = hiddenSize * width + (configuration.hasProjectionBias ? hiddenSize : 0)
        let norms = 3 * hiddenSize
        let taps = hiddenSize * Int128(configuration.kernelSize)
        return Int128(rows) * Int128(configuration.headWidth) + projection
            + branches * (projection + norms + taps)
    }
}
