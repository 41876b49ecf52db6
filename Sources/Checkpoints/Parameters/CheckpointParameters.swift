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

    public func parameter(_ name: String, shape: Shape, keepsFormat: Bool) -> Tensor {
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
            guard info.dtype.isReal else {
                state.problems.append(.type(name, found: info.dtype.name))
                return Tensor(placeholder: shape)
            }
            do {
                var tensor = try source.tensor(name)
                switch precision {
                case _ where !keepsFormat: tensor = tensor.dequantized()
                case .stored: break
                case .float32: tensor = tensor.dequantized()
                case .bfloat16: tensor = tensor.converted(to: .bf16)
                }
                if makesVariables { tensor = tensor.asVariable() }
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
