/// Finds the entries of an additive quantizer's codebooks that stand for vectors.
///
/// What it needs beside the codebooks is made once, for many vectors.
struct AdditiveEncoder: Sendable {
    private let quantizer: AdditiveQuantizer
    private let method: Method

    private indirect enum Method: Sendable {
        case beam(size: Int)
        case localSearch(LocalSearch, rounds: Int, seed: UInt64)
        case parts([AdditiveEncoder])
    }

    /// The most rounds and sweeps that a file may ask for.
    private static let roundLimit = 1 << 12

    /// - Throws: `IndexChangeError` for settings of a file that cannot be followed.
    init(_ quantizer: AdditiveQuantizer) throws(IndexChangeError) {
        self.quantizer = quantizer
        switch quantizer.kind {
        case .residual(_, let beamSize):
            method = .beam(size: Int(min(max(1, beamSize), 1 << 16)))
        case .product(let parts):
            var encoders: [AdditiveEncoder] = []
            for part in parts { encoders.append(try AdditiveEncoder(part)) }
            method = .parts(encoders)
        case .localSearch(let settings):
            let (search, rounds) = try Self.localSearch(quantizer, settings)
            method = .localSearch(
                search, rounds: rounds, seed: UInt64(UInt32(bitPattern: settings.seed)))
        }
    }

    private static func localSearch(
        _ quantizer: AdditiveQuantizer, _ settings: AdditiveQuantizer.LocalSearchSettings
    ) throws(IndexChangeError) -> (LocalSearch, rounds: Int) {
        let size = 1 << (quantizer.bits.first ?? 0)
        let limit = UInt64(roundLimit)
        guard quantizer.bits.allSatisfy({ 1 << $0 == size }),
            quantizer.entryCount <= LocalSearch.entryLimit,
            settings.encodingRounds <= limit, settings.sweeps <= limit,
            settings.perturbations <= limit
        else {
            throw .refused(
                "encode more vectors",
                by: "a local-search quantizer of \(quantizer.entryCount) entries, "
                    + "\(settings.encodingRounds) rounds of \(settings.sweeps) sweeps",
                remedy: "build one of codebooks of one size with at most "
                    + "\(LocalSearch.entryLimit) entries and \(roundLimit) rounds")
        }
        let search = LocalSearch(
            codebooks: quantizer.codebooks, dimension: quantizer.dimension,
            bookCount: quantizer.codebookCount, entryCount: size,
            sweepCount: Int(settings.sweeps), perturbationCount: Int(settings.perturbations))
        return (search, Int(settings.encodingRounds))
    }

    /// The number of an entry of each codebook.
    func numbers(of vector: ArraySlice<Float>) -> [Int] {
        switch method {
        case .beam(let size):
            var beam = ResidualBeam(vector)
            let (bits, offsets, dimension) = (
                quantizer.bits, quantizer.offsets, quantizer.dimension
            )
            quantizer.codebooks.withUnsafeBufferPointer { codebooks in
                guard let base = codebooks.baseAddress else { return }
                for book in bits.indices {
                    beam.extend(
                        by: base + offsets[book] * dimension, size: 1 << bits[book],
                        limit: book + 1 < bits.count ? size : 1)
                }
            }
            return beam.nearest
        case .localSearch(let search, let rounds, let seed):
            var random = SplitMix64(state: seed)
            var numbers = search.begin(&random)
            vector.withUnsafeBufferPointer { vector in
                guard let base = vector.baseAddress else { return }
                search.improve(&numbers, of: base, rounds: rounds, &random)
            }
            return numbers.map { Int($0) }
        case .parts(let encoders):
            let size = quantizer.dimension / encoders.count
            return encoders.enumerated().flatMap { number, encoder in
                let first = vector.startIndex + number * size
                return encoder.numbers(of: vector[first..<first + size])
            }
        }
    }

    /// The codes of some vectors, one after the other.
    ///
    /// - Parameter centers: for each vector what is added to its sum before the norm is taken.
    func encode(_ vectors: VectorRows, norming centers: VectorRows? = nil) -> [UInt8] {
        let (dimension, bits) = (quantizer.dimension, quantizer.bits)
        let normBits = quantizer.searchType.normBits
        var codes: [UInt8] = []
        codes.reserveCapacity(vectors.count * quantizer.codeSize)
        var sum = [Float](repeating: 0, count: dimension)
        for row in 0..<vectors.count {
            let numbers = numbers(of: vectors.values[row * dimension..<(row + 1) * dimension])
            var writer = BitWriter(byteCount: quantizer.codeSize)
            for (book, number) in numbers.enumerated() { writer.write(UInt64(number), bits[book]) }
            if normBits > 0 {
                quantizer.decode(into: &sum) { numbers[$0] }
                if let centers {
                    for i in 0..<dimension { sum[i] += centers.values[row * dimension + i] }
                }
                writer.write(
                    quantizer.code(ofNorm: RowDistances.squaredNorm(sum, dimension)), normBits)
            }
            codes += writer.bytes
        }
        return codes
    }
}
