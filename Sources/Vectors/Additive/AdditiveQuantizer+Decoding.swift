extension AdditiveQuantizer {
    /// Inner products of a vector with all entries, codebook after codebook.
    func table(_ vector: [Float]) -> [Float] {
        if case .product(let parts) = kind {
            let size = dimension / parts.count
            return parts.enumerated().flatMap { number, part in
                part.table(Array(vector[number * size..<(number + 1) * size]))
            }
        }
        var table = [Float](repeating: 0, count: entryCount)
        codebooks.withUnsafeBytes { codebooks in
            guard let base = codebooks.baseAddress else { return }
            RowDistances.fill(
                &table, query: vector, rows: base, count: entryCount, dimension: dimension,
                metric: .innerProduct)
        }
        return table
    }

    func decode(_ code: UnsafeRawPointer, into vector: UnsafeMutablePointer<Float>) {
        var reader = BitReader(code, byteCount: codeSize)
        decode(into: vector) { Int(reader.read(bits[$0])) }
    }

    /// The sum of the entries that a closure numbers, asked in the order of the codebooks.
    func decode(into vector: UnsafeMutablePointer<Float>, _ number: (Int) -> Int) {
        if case .product(let parts) = kind {
            let size = dimension / parts.count
            var first = 0
            for (place, part) in parts.enumerated() {
                part.decode(into: vector + place * size) { number(first + $0) }
                first += part.codebookCount
            }
            return
        }
        for i in 0..<dimension { vector[i] = 0 }
        codebooks.withUnsafeBufferPointer { codebooks in
            for book in 0..<codebookCount {
                let entry = (offsets[book] + number(book)) * dimension
                for i in 0..<dimension { vector[i] += codebooks[entry + i] }
            }
        }
    }

    /// A query prepared for codes.
    ///
    /// - Parameter offset: added to every distance: ‖q‖², or what is known from elsewhere.
    func scanner(_ query: [Float], _ metric: Metric, offset: Float? = nil) -> any CodeScanner {
        if searchType == .decompress {
            return DecodingScanner(query, metric: metric, codeSize: codeSize) { code, vector in
                decode(code, into: vector)
            }
        }
        let norm = RowDistances.squaredNorm(query, query.count)
        return AdditiveScanner(
            self, table: table(query), offset: offset ?? (metric.isSimilarity ? 0 : norm),
            isSimilarity: metric.isSimilarity)
    }
}

/// Sums the inner products that codes name, and the norms beside them.
///
/// ‖q − x‖² = ‖q‖² + ‖x‖² − 2 ⟨q, x⟩.
final class AdditiveScanner: CodeScanner {
    private let quantizer: AdditiveQuantizer
    private let table: [Float]
    private let offset: Float
    private let isSimilarity: Bool
    private var vector: [Float]

    init(_ quantizer: AdditiveQuantizer, table: [Float], offset: Float, isSimilarity: Bool) {
        self.quantizer = quantizer
        self.table = table
        self.offset = offset
        self.isSimilarity = isSimilarity
        vector = Array(repeating: 0, count: quantizer.dimension)
    }

    func scan(
        _ codes: UnsafeRawPointer, count: Int, distances: UnsafeMutablePointer<Float>,
        bound: Float
    ) {
        let size = quantizer.codeSize
        for i in 0..<count {
            var reader = BitReader(codes + i * size, byteCount: size)
            var product: Float = 0
            for (book, width) in quantizer.bits.enumerated() {
                product += table[quantizer.offsets[book] + Int(reader.read(width))]
            }
            guard !isSimilarity else {
                distances[i] = offset + product
                continue
            }
            switch quantizer.searchType {
            case .tableWithoutNorm:
                distances[i] = offset - product
            case .normFromTable:
                quantizer.decode(codes + i * size, into: &vector)
                let norm = RowDistances.squaredNorm(vector, vector.count)
                distances[i] = offset + norm - 2 * product
            default:
                let norm = quantizer.norm(reader.read(quantizer.searchType.normBits))
                distances[i] = offset + norm - 2 * product
            }
        }
    }
}
