/// A search parameter of an index and the values worth trying, cheapest first.
///
/// Ranges are those of Faiss's `ParameterSpace`; a larger value never finds less and never is
/// faster.
public struct ParameterRange: Sendable, Hashable {
    /// Indexes inside that the parameter is passed on to: coarse quantizers and refined indexes.
    public let path: [SearchParameters.Name]
    public let parameter: SearchParameters.Name
    public let values: [Int]
    /// What Faiss puts behind the name.
    private let suffix: String

    init(_ parameter: SearchParameters.Name, _ values: [Int], suffix: String = "") {
        path = []
        self.parameter = parameter
        self.values = values
        self.suffix = suffix
    }

    private init(_ path: [SearchParameters.Name], _ inner: ParameterRange) {
        self.path = path + inner.path
        parameter = inner.parameter
        values = inner.values
        suffix = inner.suffix
    }

    /// The same range for an index that passes the parameter on.
    func inside(_ name: SearchParameters.Name) -> ParameterRange { ParameterRange([name], self) }

    /// The name as Faiss spells it: `nprobe`, `quantizer_efSearch`, `k_factor_rf`.
    public var name: String {
        let prefix = path.filter { $0 == .quantizer }.map { _ in "quantizer_" }.joined()
        return prefix + parameter.rawValue + suffix
    }

    /// Sets the parameter to a value.
    func set(_ value: Int, in parameters: inout SearchParameters) {
        set(value, path[...], &parameters)
    }

    private func set(
        _ value: Int, _ path: ArraySlice<SearchParameters.Name>,
        _ parameters: inout SearchParameters
    ) {
        switch path.first {
        case .quantizer:
            var inner = parameters.quantizer ?? SearchParameters()
            set(value, path.dropFirst(), &inner)
            parameters.quantizer = inner
        case .base:
            var inner = parameters.base ?? SearchParameters()
            set(value, path.dropFirst(), &inner)
            parameters.base = inner
        default:
            switch parameter {
            case .nprobe: parameters.nprobe = value
            case .maxCodes: parameters.maxCodes = value
            case .efSearch: parameters.efSearch = value
            case .kFactor: parameters.kFactor = Float(value)
            case .searchL: parameters.searchL = value
            case .polysemousThreshold: parameters.polysemousThreshold = value
            default: preconditionFailure("no range has parameter \(parameter)")
            }
        }
    }

    static func powersOfTwo(_ exponents: ClosedRange<Int>) -> [Int] { exponents.map { 1 << $0 } }
}

extension InvertedFile {
    /// nprobe by powers of two below the number of lists, and what the coarse quantizer takes.
    var parameterRanges: [ParameterRange] {
        let counts = ParameterRange.powersOfTwo(0...12).filter { $0 < listCount }
        var ranges = counts.isEmpty ? [] : [ParameterRange(.nprobe, counts)]
        if quantizer is MultiIndexQuantizer {
            // 0 is for all codes, which is the dearest.
            ranges.append(ParameterRange(.maxCodes, ParameterRange.powersOfTwo(8...19) + [0]))
        }
        return ranges + quantizer.parameterRanges.map { $0.inside(.quantizer) }
    }
}

extension ListedIndex {
    public var parameterRanges: [ParameterRange] { file.parameterRanges }
}

extension VectorIndex {
    public var parameterRanges: [ParameterRange] { [] }
}
