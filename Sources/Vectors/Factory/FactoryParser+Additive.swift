extension FactoryParser {
    /// What `RQ…`, `LSQ…`, `PRQ…` and `PLSQ…` ask for; nil if it is something else.
    func additive(
        _ range: Range<Int>, _ dimension: Int, _ metric: Metric, inLists: Bool
    ) throws(FactoryError) -> AdditiveDescription? {
        var scanner = FactoryScanner(bytes, range)
        let isCut = scanner.take("P")
        let family: AdditiveDescription.Family
        if scanner.take("RQ") {
            family = .residual
        } else if scanner.take("LSQ") {
            family = .localSearch
        } else {
            return nil
        }
        try requirePlainMetric(metric, range)
        var partCount: Int?
        if isCut {
            let place = scanner.position
            let count = try number(&scanner, range, "the number of parts")
            guard count > 0, dimension.isMultiple(of: count) else {
                throw failure(
                    place,
                    .invalid("\(count) parts do not divide \(dimension) components equally"))
            }
            guard scanner.take("x") else {
                throw unexpected(
                    scanner.position..<range.upperBound, "'x' and the codebooks of a part")
            }
            partCount = count
        }
        let start = scanner.position
        var bits = try codebooks(&scanner, range)
        var blockRows: Int?
        if bits.allSatisfy({ $0 == 4 }), scanner.take("fs") {
            if inLists { _ = scanner.take("r") }
            blockRows = try self.blockRows(&scanner, range)
        } else if !isCut, family == .residual {
            while scanner.take("_", ifBehind: { $0 >= 48 && $0 <= 57 }) {
                bits += try codebooks(&scanner, range)
            }
        }
        let norm = try norm(&scanner, range, metric)
        let description = AdditiveDescription(
            family: family, partCount: partCount, bits: bits, norm: norm, blockRows: blockRows)
        try check(description, start, range, metric)
        return description
    }

    private func number(
        _ scanner: inout FactoryScanner, _ range: Range<Int>, _ expected: String
    ) throws(FactoryError) -> Int {
        let place = scanner.position
        guard let number = scanner.number() else {
            throw unexpected(place..<range.upperBound, expected)
        }
        return number
    }

    /// `MxB`: M codebooks of 2^B entries.
    private func codebooks(
        _ scanner: inout FactoryScanner, _ range: Range<Int>
    ) throws(FactoryError) -> [Int] {
        let place = scanner.position
        let count = try number(&scanner, range, "the number of codebooks")
        guard scanner.take("x") else {
            throw unexpected(
                scanner.position..<range.upperBound, "'x' and the bits of a codebook")
        }
        let bits = try number(&scanner, range, "the bits of a codebook")
        guard (1...1 << 12).contains(count), (1...16).contains(bits) else {
            throw failure(
                place,
                .invalid(
                    "\(count) codebooks of \(bits) bits; it must be from 1 to 4096, and from 1 "
                        + "to 16 bits"))
        }
        return Array(repeating: bits, count: count)
    }

    /// What stands behind `_N`, or what the metric needs where nothing does.
    private func norm(
        _ scanner: inout FactoryScanner, _ range: Range<Int>, _ metric: Metric
    ) throws(FactoryError) -> AdditiveDescription.Norm {
        let place = scanner.position
        guard !scanner.isAtEnd else { return metric == .l2 ? .decoded : .none }
        guard scanner.take("_N"),
            let norm = AdditiveDescription.Norm(rawValue: scanner.rest), norm != .decoded
        else {
            let names = AdditiveDescription.Norm.allCases.dropFirst().map(\.rawValue)
            throw unexpected(
                place..<range.upperBound,
                "the end, or '_N' and one of \(names.joined(separator: ", "))")
        }
        return norm
    }

    private func check(
        _ description: AdditiveDescription, _ start: Int, _ range: Range<Int>, _ metric: Metric
    ) throws(FactoryError) {
        let total = description.bits.reduce(0) { $0 + 1 << $1 }
        if description.family == .localSearch, total > LocalSearch.entryLimit {
            throw failure(
                start,
                .invalid(
                    "\(total) entries are searched together; it must be at most "
                        + "\(LocalSearch.entryLimit), or more parts"))
        }
        guard description.blockRows != nil else { return }
        let isPossible =
            metric == .l2
            ? description.norm == .localSearch2x4 || description.norm == .residual2x4
            : description.norm == .none
        guard isPossible else {
            throw failure(
                range.lowerBound,
                .invalid(
                    metric == .l2
                        ? "codes in blocks need norms of '_Nlsq2x4' or '_Nrq2x4' for L2"
                        : "codes in blocks have no norms for the inner product"))
        }
    }
}
