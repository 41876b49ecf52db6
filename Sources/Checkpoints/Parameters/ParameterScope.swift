public import FathomTensors

/// A place in a model's tree of parameters, from which layers are built.
///
/// The names are those of the checkpoint: a layer asks for what it needs and its asking is the
/// definition of the model's parameters, whether they are loaded or initialised.
///
/// ```swift
/// let attention = scope["self_attn"]
/// let query = attention["q_proj"].matrix(rows: 576, columns: 576)   // self_attn.q_proj.weight
/// ```
///
/// Nothing throws here. What is missing or of another shape is noted by the provider, and
/// `ParameterProvider.finish()` reports all of it at once, before any of it is used.
public struct ParameterScope: Sendable {
    /// The path of this place, without a final dot; empty at the root.
    public let path: String

    private let provider: any ParameterProvider

    /// The root of a provider's tree.
    public init(_ provider: any ParameterProvider) {
        self.provider = provider
        path = ""
    }

    private init(_ provider: any ParameterProvider, path: String) {
        self.provider = provider
        self.path = path
    }

    public subscript(name: String) -> ParameterScope {
        ParameterScope(provider, path: path.isEmpty ? name : "\(path).\(name)")
    }

    public subscript(index: Int) -> ParameterScope {
        self["\(index)"]
    }

    /// The full name of a parameter here.
    public func name(of parameter: String) -> String {
        path.isEmpty ? parameter : "\(path).\(parameter)"
    }

    /// A weight matrix `[rows, columns]` in the format it is stored in.
    public func matrix(_ name: String = "weight", rows: Int, columns: Int) -> Matrix {
        provider.matrix(self.name(of: name), rows: rows, columns: columns)
    }

    /// A vector `[count]`, as F32.
    public func vector(_ name: String = "weight", count: Int) -> Tensor {
        provider.vector(self.name(of: name), count: count)
    }
}

/// Where parameters come from: a checkpoint, or random numbers.
public protocol ParameterProvider: Sendable {
    /// Hands out a weight matrix `[rows, columns]` in the format it is stored in.
    ///
    /// Gives a stand-in if it is not to be had, and says so in `finish()`.
    func matrix(_ name: String, rows: Int, columns: Int) -> Matrix

    /// Hands out a vector `[count]` as F32, or a stand-in as above.
    func vector(_ name: String, count: Int) -> Tensor

    /// Ends the building of a model.
    ///
    /// - Throws: `ParameterError` listing every parameter that was missing, misshapen or left over.
    func finish() throws
}

/// What does not fit between a model's definition and its checkpoint.
public struct ParameterError: Error, Hashable, CustomStringConvertible {
    public enum Problem: Hashable, Sendable, CustomStringConvertible {
        case missing(String)
        case shape(String, found: [Int], expected: [Int])
        case type(String, found: String)
        case surplus(String)
        case unreadable(String, reason: String)

        public var description: String {
            switch self {
            case .missing(let name): "'\(name)' is missing"
            case .shape(let name, let found, let expected):
                "'\(name)' has shape \(found); the configuration needs \(expected)"
            case .type(let name, let found):
                "'\(name)' is \(found); weights must be F64, F32, F16, BF16, F8_E4M3 or quantised"
            case .surplus(let name): "'\(name)' is not part of the model"
            case .unreadable(let name, let reason): "'\(name)' cannot be read: \(reason)"
            }
        }
    }

    /// The checkpoint's path.
    public let checkpoint: String
    public let problems: [Problem]

    public init(checkpoint: String, problems: [Problem]) {
        self.checkpoint = checkpoint
        self.problems = problems
    }

    public var description: String {
        let shown = problems.prefix(20).map { "\n  \($0)" }.joined()
        let rest = problems.count > 20 ? "\n  and \(problems.count - 20) more" : ""
        return "\(checkpoint): the weights do not fit the configuration (is this checkpoint "
            + "another size, or incomplete?):\(shown)\(rest)"
    }
}
