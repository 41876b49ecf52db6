public import FathomCheckpoints
public import FathomTensors

/// A checkpoint as a model with an Engram memory asks for its weights.
///
/// The integers of `EngramTables` are left out, being no weights, and the taps of a convolution
/// are a matrix `[channels, taps]` whether they are stored so or as the demo's
/// `[channels, 1, taps]`. Everything else passes through.
public struct EngramWeights: CheckpointSource {
    private let base: any CheckpointSource
    private let convolutions: Set<String>
    private let hidden: Set<String>

    /// - Parameter root: what stands before `layers.` in the names, as for `EngramTables`.
    public init(
        _ base: any CheckpointSource, _ configuration: EngramConfiguration, root: String
    ) {
        let names = EngramNames(root: root)
        self.base = base
        convolutions = Set(configuration.layers.map(names.convolution))
        hidden = Set(
            [names.lookupTable]
                + configuration.layers.flatMap {
                    [names.multipliers($0), names.primes($0), names.offsets($0)]
                })
    }

    public var names: [String] { base.names.filter { !hidden.contains($0) } }

    public func info(_ name: String) -> TensorInfo? {
        guard !hidden.contains(name), let info = base.info(name) else { return nil }
        guard let shape = flattened(name, info.shape) else { return info }
        return TensorInfo(
            name: name, dtype: info.dtype, shape: shape, byteCount: info.byteCount)
    }

    public func tensor(_ name: String) throws -> Tensor {
        let tensor = try base.tensor(name)
        return flattened(name, tensor.shape.sizes).map { tensor.reshaped(Shape($0)) } ?? tensor
    }

    public func checkIntact() throws { try base.checkIntact() }

    private func flattened(_ name: String, _ shape: [Int]) -> [Int]? {
        guard convolutions.contains(name), shape.count == 3, shape[1] == 1 else { return nil }
        return [shape[0], shape[2]]
    }
}
