public import FathomTensors
import Synchronization

/// Loads parameters from a checkpoint.
public final class CheckpointParameters: ParameterProvider {
    /// In what form weights are handed out.
    public enum Precision: Sendable, Hashable {
        /// As stored: mapped, quantised.
        case stored
        /// Dequantised to F32.
        case float32
        /// Rounded to BF16; vectors stay F32.
        case bfloat16
    }

    /// A parameter that was handed out.
    public struct Loaded: Sendable {
        public let name: String
        public let tensor: Tensor
    }

    private let source: any CheckpointSource
    private let path: String
    private let precision: Precision
    private let makesVariables: Bool
    private let ignored: @Sendable (String) -> Bool
    private let state = Mutex(State())

    private struct State {
        var problems: [ParameterError.Problem] = []
        var loaded: [Loaded] = []
        var matrices: [Matrix] = []
        var names: Set<String> = []
    }

    /// Makes a provider.
    ///
    /// - Parameters:
    ///   - path: how errors name the checkpoint.
    ///   - makesVariables: whether parameters are variables, so that gradients are recorded.
    ///   - ignoring: names that may stay unused, such as tables the model computes itself.
    public init(
        _ source: any CheckpointSource, path: String, precision: Precision = .stored,
        makesVariables: Bool = false,
        ignoring: @escaping @Sendable (String) -> Bool = { _ in false }
    ) {
        self.source = source
        self.path = path
        self.precision = precision
        self.makesVariables = makesVariables
        ignored = ignoring
    }

    /// What was handed out, in the order of asking.
    public var loaded: [Loaded] { state.withLock { $0.loaded } }

    /// The weight matrices that were handed out, in the order of asking.
    public var matrices: [Matrix] { state.withLock { $0.matrices } }

    public func matrix(_ name: String, rows: Int, columns: Int) -> Matrix {
        let shape = Shape([rows, columns])
        let matrix =
            if let scaled = scaledMatrix(name, shape) { scaled } else {
                Matrix(parameter(name, shape: shape, keepsFormat: true))
            }
        state.withLock { $0.matrices.append(matrix) }
        return matrix
    }

    /// An F8 matrix with the scales of its blocks, which are stored beside it; `nil` for a matrix of
    /// another type, and for what does not fit. F8 weights without scales are damaged: their numbers
    /// mean nothing.
    private func scaledMatrix(_ name: String, _ shape: Shape) -> Matrix? {
        let scaleName = "\(name)_scale_inv"
        guard source.info(name)?.dtype == .f8e4m3 else { return nil }
        let scaleShape = Matrix.scaleShape(of: shape.sizes)
        let scales = parameter(scaleName, shape: Shape(scaleShape), keepsFormat: false)
        // What does not fit is noted, by this or by the caller, and not touched.
        guard source.info(scaleName)?.shape == scaleShape,
            scales.byteCount <= scales.storage.byteCount,
            source.info(name)?.shape == shape.sizes, let weights = try? source.tensor(name)
        else { return nil }
        let stored = Matrix(weights, blockScales: scales.detached())
        if precision == .stored && !makesVariables {
            state.withLock { _ = $0.names.insert(name) }
            return stored
        }
        let tensor = form(stored.dequantized())
        state.withLock { state in
            state.names.insert(name)
            state.loaded.removeAll { $0.name == scaleName }
            state.loaded.append(Loaded(name: name, tensor: tensor))
        }
        return Matrix(tensor)
    }

    /// A weight in the form it is handed out in.
    private func form(_ tensor: Tensor) -> Tensor {
        let converted =
            switch precision {
            case .stored: tensor
            case .float32: tensor.dequantized()
            case .bfloat16: tensor.converted(to: .bf16)
            }
        return makesVariables ? converted.asVariable() : converted
    }

    public func vector(_ name: String, count: Int) -> Tensor {
        parameter(name, shape: [count], keepsFormat: false)
    }

    private func parameter(_ name: String, shape: Shape, keepsFormat: Bool) -> Tensor {
        state.withLock { state in
            if !state.names.insert(name).inserted,
                let earlier = state.loaded.first(where: { $0.name == name })
            {
                return earlier.tensor
            }
            guard let info = source.info(name) else {
                state.problems.append(.missing(name))
                return Tensor(placeholder: shape)
            }
            guard info.shape == shape.sizes else {
                state.problems.append(.shape(name, found: info.shape, expected: shape.sizes))
                return Tensor(placeholder: shape)
            }
            guard info.dtype.isReal, info.dtype.canDecode else {
                state.problems.append(.type(name, found: info.dtype.name))
                return Tensor(placeholder: shape)
            }
            do {
                var tensor = try source.tensor(name)
                if keepsFormat {
                    tensor = form(tensor)
                } else {
                    // Small and read in every pass: left in the file, each would keep the pages of
                    // packed weights around it in memory, up to 2 MiB.
                    tensor = tensor.dequantized().unmapped()
                    if makesVariables { tensor = tensor.asVariable() }
                }
                state.loaded.append(Loaded(name: name, tensor: tensor))
                return tensor
            } catch {
                state.problems.append(.unreadable(name, reason: "\(error)"))
                return Tensor(placeholder: shape)
            }
        }
    }

    public func finish() throws {
        let problems = state.withLock { state in
            let surplus = source.names.filter { !state.names.contains($0) && !ignored($0) }
            return state.problems + surplus.map(ParameterError.Problem.surplus)
        }
        if !problems.isEmpty { throw ParameterError(checkpoint: path, problems: problems) }
        try source.checkIntact()
    }
}
