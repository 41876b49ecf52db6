extension AdditiveQuantizer {
    /// The codes of some vectors, one after the other.
    ///
    /// - Parameter centers: for each vector what is added to its sum before the norm is taken.
    /// - Throws: `IndexChangeError` for settings of a file that cannot be followed.
    func encode(_ vectors: VectorRows, norming centers: VectorRows? = nil) throws -> [UInt8] {
        try AdditiveEncoder(self).encode(vectors, norming: centers)
    }

    /// The vectors that codes stand for.
    func vectors(decoding codes: [UInt8]) -> VectorRows {
        let count = codes.count / codeSize
        var values = [Float](repeating: 0, count: count * dimension)
        codes.withUnsafeBytes { codes in
            values.withUnsafeMutableBufferPointer { values in
                guard let codes = codes.baseAddress, let values = values.baseAddress else { return }
                for row in 0..<count {
                    decode(codes + row * codeSize, into: values + row * dimension)
                }
            }
        }
        return VectorRows(checked: values, dimension: dimension)
    }

    /// The code that stands for a norm.
    func code(ofNorm norm: Float) -> UInt64 {
        switch searchType {
        case .decompress, .tableWithoutNorm, .normFromTable: return 0
        case .normFloat: return UInt64(norm.bitPattern)
        case .norm8: return level(norm, 256)
        case .norm4: return level(norm, 16)
        case .normCode8, .normCode4, .normLocalSearch2x4, .normResidual2x4:
            var best = 0
            for (place, other) in norms.enumerated()
            where abs(other - norm) < abs(norms[best] - norm) {
                best = place
            }
            return UInt64(best)
        }
    }

    private func level(_ norm: Float, _ steps: Float) -> UInt64 {
        let share = (norm - normRange[0]) / (normRange[1] - normRange[0]) * steps
        return share > 0 ? UInt64(min(share, steps - 1)) : 0
    }
}
