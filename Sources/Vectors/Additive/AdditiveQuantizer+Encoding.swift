extension AdditiveQuantizer {
    /// The codes of some vectors, one after the other.
    ///
    /// Codes of residual quantizers are found by beam search: of all extensions of the best partial
    /// sums by an entry of the next codebook the nearest few are kept.
    /// - Parameter centers: for each vector what is added to its sum before the norm is taken.
    /// - Throws: `IndexChangeError` for local-search quantizers.
    func encode(_ vectors: VectorRows, norming centers: VectorRows? = nil) throws -> [UInt8] {
        var codes: [UInt8] = []
        codes.reserveCapacity(vectors.count * codeSize)
        var sum = [Float](repeating: 0, count: dimension)
        for row in 0..<vectors.count {
            let numbers = try numbers(of: vectors.row(row))
            var writer = BitWriter(byteCount: codeSize)
            for (book, number) in numbers.enumerated() { writer.write(UInt64(number), bits[book]) }
            if searchType.normBits > 0 {
                decode(into: &sum) { numbers[$0] }
                if let centers {
                    for i in 0..<dimension { sum[i] += centers.values[row * dimension + i] }
                }
                let norm = RowDistances.squaredNorm(sum, dimension)
                writer.write(code(ofNorm: norm), searchType.normBits)
            }
            codes += writer.bytes
        }
        return codes
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

    /// The number of an entry of each codebook.
    private func numbers(of vector: [Float]) throws -> [Int] {
        switch kind {
        case .residual(_, let beamSize):
            return follow(vector, beamSize: Int(max(1, beamSize)))
        case .product(let parts):
            let size = dimension / parts.count
            return try parts.enumerated().flatMap { number, part in
                try part.numbers(of: Array(vector[number * size..<(number + 1) * size]))
            }
        case .localSearch:
            throw IndexChangeError.refused(
                "encode more vectors", by: "a local-search quantizer",
                remedy: "build the index where it was trained, or use a residual quantizer, RQ")
        }
    }

    private struct Partial {
        var numbers: [Int]
        var rest: [Float]
    }

    private func follow(_ vector: [Float], beamSize: Int) -> [Int] {
        var beam = [Partial(numbers: [], rest: vector)]
        for book in 0..<codebookCount {
            let size = 1 << bits[book]
            var nearest = TopK(min(beamSize, beam.count * size), isSimilarity: false)
            var distances = [Float](repeating: 0, count: size)
            for (place, partial) in beam.enumerated() {
                codebooks.withUnsafeBytes { codebooks in
                    guard let base = codebooks.baseAddress else { return }
                    RowDistances.fill(
                        &distances, query: partial.rest,
                        rows: base + offsets[book] * dimension * 4, count: size,
                        dimension: dimension, metric: .l2)
                }
                for (number, distance) in distances.enumerated() {
                    nearest.offer(distance, Int64(place * size + number))
                }
            }
            beam = nearest.sorted().map { _, label in
                let number = Int(label) % size
                var partial = beam[Int(label) / size]
                let entry = (offsets[book] + number) * dimension
                for i in 0..<dimension { partial.rest[i] -= codebooks[entry + i] }
                partial.numbers.append(number)
                return partial
            }
        }
        return beam.first?.numbers ?? Array(repeating: 0, count: codebookCount)
    }

    /// The code that stands for a norm.
    private func code(ofNorm norm: Float) -> UInt64 {
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
