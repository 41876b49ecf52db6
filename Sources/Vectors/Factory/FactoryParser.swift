/// Reads factory strings: components between commas, some with parentheses.
///
/// Order of tests as in Faiss: `IDMap` before or behind, `RFlat` and `Refine(…)` behind,
/// transforms in front, then the types themselves.
struct FactoryParser {
    private let string: String
    let bytes: [UInt8]
    private var depth = 0

    private static let lengthLimit = 1000
    private static let depthLimit = 50
    private static let codes =
        "Flat, SQ8, SQ6, SQ4, SQfp16, SQbf16, PQ8, PQ8x4fs, RQ8x8, LSQ8x8 or RaBitQ"
    private static let types =
        "a type such as Flat, PQ8, SQ8, LSH, RaBitQ, HNSW32, NSG32 or IVF256,Flat"

    init(_ string: String) {
        self.string = string
        bytes = Array(string.utf8)
    }

    mutating func parse(dimension: Int, metric: Metric) throws(FactoryError) -> IndexDescription {
        guard bytes.count <= Self.lengthLimit else {
            throw failure(0, .tooLong(limit: Self.lengthLimit))
        }
        guard (1...IndexHeader.dimensionLimit).contains(dimension) else {
            throw failure(
                0,
                .invalid(
                    "vectors of \(dimension) components cannot be indexed; it must be from 1 to "
                        + "\(IndexHeader.dimensionLimit)"))
        }
        return try index(0..<bytes.count, dimension, metric)
    }

    func failure(_ offset: Int, _ reason: FactoryError.Reason) -> FactoryError {
        FactoryError(string: string, offset: offset, reason: reason)
    }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }

    func unexpected(_ range: Range<Int>, _ expected: String) -> FactoryError {
        failure(range.lowerBound, .unexpected(text(range), expected: expected))
    }

    /// Cuts at the commas outside parentheses.
    private func components(_ range: Range<Int>) throws(FactoryError) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var open: [Int] = []
        var start = range.lowerBound
        for place in range {
            switch bytes[place] {
            case UInt8(ascii: "("): open.append(place)
            case UInt8(ascii: ")"):
                guard open.popLast() != nil else { throw failure(place, .unbalancedParenthesis) }
            case UInt8(ascii: ",") where open.isEmpty:
                parts.append(start..<place)
                start = place + 1
            default: break
            }
        }
        if let place = open.first { throw failure(place, .unbalancedParenthesis) }
        return parts + [start..<range.upperBound]
    }

    private mutating func index(
        _ range: Range<Int>, _ dimension: Int, _ metric: Metric
    ) throws(FactoryError) -> IndexDescription {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else {
            throw failure(range.lowerBound, .nestedTooDeeply(limit: Self.depthLimit))
        }
        let parts = try components(range)
        if let wrapped = try wrapped(parts, range, dimension, metric) { return wrapped }
        return try plain(parts, dimension, metric)
    }

    /// An index with something around it; nil if there is nothing.
    private mutating func wrapped(
        _ parts: [Range<Int>], _ range: Range<Int>, _ dimension: Int, _ metric: Metric
    ) throws(FactoryError) -> IndexDescription? {
        guard let first = parts.first, let last = parts.last, parts.count > 1 else { return nil }
        let front = range.lowerBound..<last.lowerBound - 1
        let behind = first.upperBound + 1..<range.upperBound
        for (name, isReversible) in [("IDMap2", true), ("IDMap", false)] {
            guard text(first) == name || text(last) == name else { continue }
            let inner = try index(text(first) == name ? behind : front, dimension, metric)
            return IndexDescription(
                dimension: dimension, metric: metric,
                kind: .idMap(inner, isReversible: isReversible))
        }
        var refinement: IndexDescription?
        var scanner = FactoryScanner(bytes, last)
        if text(last) == "RFlat" {
            refinement = IndexDescription(dimension: dimension, metric: metric, kind: .flat)
        } else if scanner.take("Refine("), bytes[last.upperBound - 1] == UInt8(ascii: ")") {
            refinement = try index(
                scanner.position..<last.upperBound - 1, dimension, metric)
        }
        if let refinement {
            return IndexDescription(
                dimension: dimension, metric: metric,
                kind: .refined(try index(front, dimension, metric), by: refinement))
        }
        guard let transform = try transform(first, dimension) else { return nil }
        let inner = try index(behind, transform.outputDimension, metric)
        if case .transformed(let others, let innermost) = inner.kind {
            return IndexDescription(
                dimension: dimension, metric: metric,
                kind: .transformed([transform] + others, innermost))
        }
        return IndexDescription(
            dimension: dimension, metric: metric, kind: .transformed([transform], inner))
    }

    /// A type without anything around it.
    private mutating func plain(
        _ parts: [Range<Int>], _ dimension: Int, _ metric: Metric
    ) throws(FactoryError) -> IndexDescription {
        let first = parts[0]
        var scanner = FactoryScanner(bytes, first)
        if scanner.take("IVF") {
            return try lists(&scanner, parts, dimension, metric)
        }
        if scanner.take("HNSW") {
            let (linkCount, storage) = try graph(&scanner, parts, dimension, metric)
            return IndexDescription(
                dimension: dimension, metric: metric,
                kind: .graph(linkCount: linkCount, storage: storage))
        }
        if scanner.take("NSG") {
            let (degree, storage) = try graph(&scanner, parts, dimension, metric)
            return IndexDescription(
                dimension: dimension, metric: metric,
                kind: .spreadingGraph(degree: degree, storage: storage))
        }
        if parts.count > 1 {
            try refuseUnbuilt(first)
            // "Flat,…" and other complete types are followed by nothing.
            guard try codes(first, dimension, metric) == nil else {
                throw failure(
                    first.upperBound,
                    .unexpected(text(first.upperBound..<parts[1].upperBound), expected: "the end"))
            }
            throw unexpected(first, "a transform, IDMap or " + Self.types)
        }
        if let kind = try codes(first, dimension, metric) {
            return IndexDescription(dimension: dimension, metric: metric, kind: kind)
        }
        try refuseUnbuilt(first)
        throw unexpected(first, Self.types)
    }

    /// Types of Faiss that cannot be built.
    private static let unbuilt = [
        "NNDescent", "LSCQ", "RCQ", "ZnLattice", "MinMaxFP16",
        "MinMax", "IMI", "Residual", "RaBitQfs", "FlatDedup", "FlatPanorama", "FlatL2Panorama",
        "SQ0",
    ]

    private func refuseUnbuilt(_ range: Range<Int>) throws(FactoryError) {
        for name in Self.unbuilt {
            var scanner = FactoryScanner(bytes, range)
            if scanner.take(name) { throw failure(range.lowerBound, .notBuilt(text(range))) }
        }
    }
}

// MARK: - Types

extension FactoryParser {
    /// Codes that stand alone or in lists; nil if it is something else.
    private func codes(
        _ range: Range<Int>, _ dimension: Int, _ metric: Metric, inLists: Bool = false
    ) throws(FactoryError) -> IndexDescription.Kind? {
        if text(range) == "Flat" { return .flat }
        if let type = IndexDescription.ScalarType(rawValue: text(range)) {
            try requirePlainMetric(metric, range)
            return .scalarQuantizer(type)
        }
        var scanner = FactoryScanner(bytes, range)
        if scanner.take("PQ") { return try product(&scanner, range, dimension, metric, inLists) }
        if let description = try additive(range, dimension, metric, inLists: inLists) {
            return .additive(description)
        }
        if scanner.take("RaBitQ") {
            let bits = scanner.number() ?? 1
            guard scanner.isAtEnd, (1...9).contains(bits) else {
                try refuseUnbuilt(range)
                throw unexpected(range, "RaBitQ or RaBitQ1 to RaBitQ9")
            }
            try requirePlainMetric(metric, range)
            return .rabitq(bits: bits)
        }
        guard !inLists, scanner.take("LSH") else { return nil }
        let start = scanner.position
        let bitCount = scanner.number() ?? dimension
        let rotates = scanner.take("r")
        let trainsThresholds = scanner.take("t")
        guard scanner.isAtEnd else {
            throw unexpected(scanner.position..<range.upperBound, "the end, or 'r', 't' or 'rt'")
        }
        guard metric == .l2 else {
            throw failure(range.lowerBound, .invalid("LSH has no metric but L2"))
        }
        guard bitCount > 0, rotates || bitCount <= dimension,
            bitCount <= IndexHeader.dimensionLimit
        else {
            throw failure(
                start,
                .invalid(
                    "\(bitCount) bits of \(dimension) components; it must be from 1 to "
                        + "\(dimension), or more with a rotation ('r')"))
        }
        return .signs(bitCount: bitCount, rotates: rotates, trainsThresholds: trainsThresholds)
    }

    private func product(
        _ scanner: inout FactoryScanner, _ range: Range<Int>, _ dimension: Int,
        _ metric: Metric, _ inLists: Bool
    ) throws(FactoryError) -> IndexDescription.Kind {
        let start = scanner.position
        guard let partCount = scanner.number() else {
            throw unexpected(start..<range.upperBound, "the number of parts")
        }
        guard partCount > 0, dimension.isMultiple(of: partCount) else {
            throw failure(
                start,
                .invalid("\(partCount) parts do not divide \(dimension) components equally"))
        }
        try requirePlainMetric(metric, range)
        var bits = 8
        if scanner.take("x") {
            let place = scanner.position
            guard let number = scanner.number() else {
                throw unexpected(place..<range.upperBound, "the bits of a part")
            }
            guard (1...24).contains(number) else {
                throw failure(place, .invalid("\(number) bits a part; it must be from 1 to 24"))
            }
            bits = number
        }
        let place = scanner.position
        if bits == 4, scanner.take("fs") {
            if inLists { _ = scanner.take("r") }
            let rows = try blockRows(&scanner, range)
            guard scanner.isAtEnd else {
                throw unexpected(scanner.position..<range.upperBound, "the end")
            }
            return .fastScan(partCount: partCount, blockRows: rows)
        }
        // 'np' turns off a renumbering that changes no result of a search.
        _ = scanner.take("np")
        guard scanner.isAtEnd else {
            if inLists, bytes[place] == UInt8(ascii: "+") {
                throw failure(range.lowerBound, .notBuilt(text(range)))
            }
            throw unexpected(place..<range.upperBound, "the end, 'np', or 'fs' after 4 bits")
        }
        return .productQuantizer(partCount: partCount, bits: bits)
    }

    /// Vectors of a block: what stands behind `_`, or 32.
    func blockRows(
        _ scanner: inout FactoryScanner, _ range: Range<Int>
    ) throws(FactoryError) -> Int {
        // Behind '_N' stands what codes have of norms.
        guard scanner.take("_", ifBehind: { $0 != UInt8(ascii: "N") }) else {
            if scanner.rest == "_" {
                throw unexpected(scanner.position..<range.upperBound, "the vectors of a block")
            }
            return 32
        }
        let place = scanner.position
        guard let number = scanner.number(), number > 0, number.isMultiple(of: 32),
            number <= 1 << 16
        else {
            throw failure(
                place,
                .invalid(
                    "'\(text(place..<range.upperBound))' vectors a block; it must be a "
                        + "multiple of 32, at most 65536"))
        }
        return number
    }

    func requirePlainMetric(
        _ metric: Metric, _ range: Range<Int>
    ) throws(FactoryError) {
        guard metric == .l2 || metric == .innerProduct else {
            throw failure(
                range.lowerBound,
                .invalid("'\(text(range))' has no metric but L2 and the inner product"))
        }
    }

    /// Links of a vector, and what is under a graph.
    private func graph(
        _ scanner: inout FactoryScanner, _ parts: [Range<Int>], _ dimension: Int,
        _ metric: Metric
    ) throws(FactoryError) -> (linkCount: Int, storage: IndexDescription) {
        let place = scanner.position
        let linkCount = scanner.number() ?? 32
        guard (2...4096).contains(linkCount) else {
            throw failure(
                place, .invalid("\(linkCount) links a vector; it must be from 2 to 4096"))
        }
        var storage: Range<Int>?
        if scanner.take("_") {
            storage = scanner.isAtEnd ? nil : scanner.position..<scanner.end
        } else if !scanner.isAtEnd {
            throw unexpected(
                scanner.position..<scanner.end, "the end, '_' or ',' and Flat, SQ8 or PQ8")
        }
        if parts.count > 1 {
            guard storage == nil, parts.count == 2 else {
                throw unexpected(parts[storage == nil ? 2 : 1], "the end")
            }
            storage = parts[1]
        }
        var kind = IndexDescription.Kind.flat
        if let storage {
            if bytes[storage].contains(UInt8(ascii: "+")) {
                throw failure(storage.lowerBound, .notBuilt(text(parts[0])))
            }
            switch try codes(storage, dimension, metric) {
            case .some(let found) where found.standsUnderGraphs: kind = found
            default: throw unexpected(storage, "Flat, SQ8 or PQ8 under a graph")
            }
        }
        return (linkCount, IndexDescription(dimension: dimension, metric: metric, kind: kind))
    }

    private mutating func lists(
        _ scanner: inout FactoryScanner, _ parts: [Range<Int>], _ dimension: Int,
        _ metric: Metric
    ) throws(FactoryError) -> IndexDescription {
        let place = scanner.position
        guard var count = scanner.number() else {
            throw unexpected(place..<scanner.end, "the number of lists")
        }
        if scanner.take("k") {
            count = count.multipliedReportingOverflow(by: 1 << 10).partialValue
        } else if scanner.take("M") {
            count = count.multipliedReportingOverflow(by: 1 << 20).partialValue
        }
        guard (1...InvertedFile.listLimit).contains(count) else {
            throw failure(
                place,
                .invalid("\(count) lists; it must be from 1 to \(InvertedFile.listLimit)"))
        }
        guard metric == .l2 || metric == .innerProduct else {
            throw failure(
                place - 3, .invalid("inverted lists are built for L2 and the inner product only"))
        }
        var quantizer = IndexDescription(dimension: dimension, metric: metric, kind: .flat)
        if scanner.take("("), bytes[scanner.end - 1] == UInt8(ascii: ")") {
            let inside = scanner.position..<scanner.end - 1
            quantizer = try index(inside, dimension, metric)
            guard quantizer.kind.canBeCoarse else {
                throw unexpected(inside, "an index that numbers and returns its vectors")
            }
        } else if scanner.take("_") {
            try refuseUnbuilt(scanner.position..<scanner.end)
            let start = scanner.position
            let isSpreading = scanner.take("NSG")
            guard isSpreading || scanner.take("HNSW") else {
                throw unexpected(start..<scanner.end, "HNSW or NSG, as in IVF256_HNSW32")
            }
            let (links, storage) = try graph(
                &scanner, [start..<scanner.end], dimension, metric)
            quantizer = IndexDescription(
                dimension: dimension, metric: metric,
                kind: isSpreading
                    ? .spreadingGraph(degree: links, storage: storage)
                    : .graph(linkCount: links, storage: storage))
        } else if !scanner.isAtEnd {
            throw unexpected(
                scanner.position..<scanner.end, "',' and a code, k, M, '(', '_HNSW' or '_NSG'")
        }
        guard parts.count > 1 else {
            throw unexpected(scanner.end..<scanner.end, "',' and " + Self.codes)
        }
        guard parts.count == 2 else {
            try refuseUnbuilt(parts[1])
            // Spectral hashes name the transform before them.
            if text(parts[2]).hasPrefix("SH") {
                throw failure(parts[2].lowerBound, .notBuilt(text(parts[2])))
            }
            throw unexpected(parts[2], "the end")
        }
        guard let kind = try codes(parts[1], dimension, metric, inLists: true) else {
            try refuseUnbuilt(parts[1])
            throw unexpected(parts[1], Self.codes)
        }
        return IndexDescription(
            dimension: dimension, metric: metric,
            kind: .lists(
                count: count, quantizer: quantizer, codes: kind,
                isResidual: isResidual(kind, text(parts[1]))))
    }

    /// Whether codes are of the differences to the centroids; in blocks only where 'fsr' says so.
    private func isResidual(_ kind: IndexDescription.Kind, _ text: String) -> Bool {
        switch kind {
        case .flat: false
        case .fastScan: text.contains("fsr")
        case .additive(let description): description.blockRows == nil || text.contains("fsr")
        default: true
        }
    }
}

extension IndexDescription.Kind {
    fileprivate var standsUnderGraphs: Bool {
        switch self {
        case .flat, .scalarQuantizer, .productQuantizer: true
        default: false
        }
    }

    /// Whether an index can be the coarse quantizer of inverted lists: its vectors are those of
    /// the lists, so it must find and return them by number.
    fileprivate var canBeCoarse: Bool {
        switch self {
        case .flat, .scalarQuantizer, .productQuantizer, .graph, .spreadingGraph, .lists: true
        default: false
        }
    }
}

// MARK: - Transforms

extension FactoryParser {
    /// The transform that a component names; nil if it is something else.
    private func transform(
        _ range: Range<Int>, _ dimension: Int
    ) throws(FactoryError) -> TransformDescription? {
        var scanner = FactoryScanner(bytes, range)
        var output = dimension
        let kind: TransformDescription.Kind
        let start: Int
        if text(range) == "L2norm" || text(range) == "L2Norm" {
            return TransformDescription(
                inputDimension: dimension, outputDimension: dimension, kind: .unitLength)
        } else if scanner.take("PCA") {
            let whitens = scanner.take("W")
            let rotates = scanner.take("R")
            start = scanner.position
            guard let number = scanner.number() else {
                throw unexpected(start..<range.upperBound, "the number of components to keep")
            }
            output = number
            kind = .principalComponents(whitens: whitens, rotates: rotates)
            guard output <= dimension else {
                throw failure(
                    start,
                    .invalid("\(output) components cannot be kept of \(dimension); keep fewer"))
            }
        } else if scanner.take("OPQ") {
            start = scanner.position
            guard let parts = scanner.number() else {
                throw unexpected(start..<range.upperBound, "the number of parts")
            }
            if scanner.take("_") {
                let place = scanner.position
                guard let number = scanner.number() else {
                    throw unexpected(place..<range.upperBound, "the number of components")
                }
                output = number
            }
            guard parts > 0, output.isMultiple(of: parts) else {
                throw failure(
                    start, .invalid("\(parts) parts do not divide \(output) components equally"))
            }
            kind = .optimizedRotation(partCount: parts)
        } else if scanner.take("RR") {
            start = scanner.position
            output = scanner.number() ?? dimension
            kind = .randomRotation
        } else if scanner.take("HR") {
            start = scanner.position
            kind = .hadamard(seed: UInt32(scanner.number() ?? 12345))
            output = 1
            while output < dimension { output *= 2 }
        } else if scanner.take("ITQ") {
            start = scanner.position
            let number = scanner.number()
            output = number ?? dimension
            kind = .signRotation(usesPrincipalComponents: number != nil)
            guard output <= dimension else {
                throw failure(
                    start,
                    .invalid("\(output) components cannot be kept of \(dimension); keep fewer"))
            }
        } else if scanner.take("Pad") {
            start = scanner.position
            guard let number = scanner.number() else {
                throw unexpected(start..<range.upperBound, "the number of components")
            }
            output = max(number, dimension)
            kind = .padding
        } else {
            return nil
        }
        guard scanner.isAtEnd else {
            throw unexpected(scanner.position..<range.upperBound, "',' and an index")
        }
        guard (1...IndexHeader.dimensionLimit).contains(output) else {
            throw failure(
                start,
                .invalid(
                    "\(output) components; it must be from 1 to \(IndexHeader.dimensionLimit)"))
        }
        return TransformDescription(
            inputDimension: dimension, outputDimension: output, kind: kind)
    }
}
