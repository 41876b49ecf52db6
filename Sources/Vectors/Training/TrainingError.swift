/// Why an index could not be trained or filled.
public enum TrainingError: Error, Sendable, Hashable, CustomStringConvertible {
    case wrongDimension(found: Int, expected: Int)
    case tooFewVectors(found: Int, needed: Int, purpose: String)
    case notFinite(row: Int)
    case notTrained(String)
    case badSetting(String, found: String, expected: String)
    case wrongIDCount(found: Int, expected: Int)
    case idsNotSupported(String)
    case tooManyVectors(limit: Int, index: String)

    public var description: String {
        switch self {
        case .wrongDimension(let found, let expected):
            "the vectors have \(found) components; the index takes \(expected): make all with the "
                + "same model"
        case .tooFewVectors(let found, let needed, let purpose):
            "\(found) training vectors are too few for \(purpose); give at least \(needed)"
        case .notFinite(let row):
            "vector \(row) has a component that is not a finite number; leave it out"
        case .notTrained(let index):
            "\(index) is not trained; train it before vectors are added"
        case .badSetting(let name, let found, let expected):
            "\(name) is \(found); it must be \(expected)"
        case .wrongIDCount(let found, let expected):
            "\(found) ids were given for \(expected) vectors; give one each"
        case .idsNotSupported(let index):
            "\(index) numbers its vectors itself; put 'IDMap,' before it to give ids"
        case .tooManyVectors(let limit, let index):
            "\(index) holds at most \(limit) vectors; divide them among several indexes"
        }
    }
}

extension VectorRows {
    /// - Throws: `TrainingError` unless the rows have a dimension and only finite components.
    func check(dimension expected: Int) throws(TrainingError) {
        guard dimension == expected else {
            throw .wrongDimension(found: dimension, expected: expected)
        }
        let firstBad = values.withUnsafeBufferPointer { values in
            values.firstIndex { !$0.isFinite }
        }
        if let firstBad { throw .notFinite(row: firstBad / dimension) }
    }

    /// Some rows, in the order of their numbers.
    package func gathering(_ rows: some Sequence<Int>) -> VectorRows {
        var gathered: [Float] = []
        for row in rows { gathered += values[row * dimension..<(row + 1) * dimension] }
        return VectorRows(checked: gathered, dimension: dimension)
    }

    /// All rows, or a random sample of a size.
    package func sample(_ limit: Int, seed: UInt32 = 1234) -> VectorRows {
        guard count > limit else { return self }
        return gathering(FaissRandom.permutation(count, seed: seed).prefix(limit))
    }

    /// A range of the components of each row.
    func columns(_ range: Range<Int>) -> VectorRows {
        var cut: [Float] = []
        cut.reserveCapacity(count * range.count)
        for row in 0..<count {
            let start = row * dimension
            cut += values[start + range.lowerBound..<start + range.upperBound]
        }
        return VectorRows(checked: cut, dimension: range.count)
    }
}
