/// A coarse quantizer whose vectors are all sums of a residual quantizer's entries.
public struct ResidualCoarseQuantizer: HeaderedIndex, ReadableIndex {
    let header: IndexHeader
    private let quantizer: AdditiveQuantizer
    /// How many times `k` partial sums a search follows; negative for all of them.
    private let beamFactor: Float

    /// Components of the partial sums that a search may hold at once.
    private static let beamLimit = 1 << 27

    init(reading reader: inout IndexReader, type: FourCC) throws {
        header = try reader.header()
        try reader.requirePlainMetric(header.metric)
        quantizer = try AdditiveQuantizer(
            reading: &reader, "rq", dimension: header.dimension, form: .residual,
            isTrained: header.isTrained)
        beamFactor = try reader.f32("beam_factor")
        try reader.require(
            beamFactor <= 1000, "beam_factor", found: beamFactor,
            expected: "at most 1000, or negative")
        let bits = quantizer.bitCount
        try reader.require(
            bits <= 40 && (header.count == 1 << bits || header.count == 0 && !header.isTrained),
            "ntotal", found: header.count, expected: "2 to the power of \(bits), at most 2^40")
    }

    public var acceptedParameters: Set<SearchParameters.Name> { [.beamFactor] }

    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        let factor = parameters.beamFactor ?? beamFactor
        var neighbors = Neighbors(queryCount: queries.count, k: k, metric: metric)
        // A beam that holds every sum is what a negative factor asks for.
        let isWhole = factor < 0 || metric.isSimilarity
        let wanted = (Double(k) * Double(max(1, factor))).rounded(.down)
        let beam = isWhole ? count : max(Int(min(Double(count), wanted)), min(k, count))
        // Each partial sum holds what is left of the query, and some words beside it.
        guard beam <= Self.beamLimit / (dimension + 16) else {
            throw VectorSearchError.unsupported(
                "search that follows \(beam) sums; ask for fewer lists or a smaller factor",
                by: "ResidualCoarseQuantizer")
        }
        for query in 0..<queries.count {
            var top = TopK(min(k, count), metric)
            follow(queries.row(query), beam: beam) { top.offer($0, $1) }
            neighbors.store(top, query: query)
        }
        return neighbors
    }

    /// A sum of entries of the first codebooks.
    private struct Partial {
        let distance: Float
        /// What is left of the query.
        let rest: [Float]
        let label: Int64
    }

    /// Extends the nearest partial sums by every entry of the next codebook, and so on.
    private func follow(_ query: [Float], beam: Int, _ body: (Float, Int64) -> Void) {
        var partials = [Partial(distance: 0, rest: query, label: 0)]
        var shift: Int64 = 0
        for (book, width) in quantizer.bits.enumerated() {
            let size = 1 << width
            let extensions = partials.count.multipliedReportingOverflow(by: size)
            var top = TopK(min(beam, extensions.partialValue), isSimilarity: false)
            for (number, partial) in partials.enumerated() {
                let distances = distances(partial.rest, book: book)
                for (entry, distance) in distances.enumerated() {
                    top.offer(distance, Int64(number * size + entry))
                }
            }
            partials = top.sorted().map { distance, place in
                let (number, entry) = (Int(place) / size, Int(place) % size)
                let begin = (quantizer.offsets[book] + entry) * dimension
                let rest = partials[number].rest.indices.map {
                    partials[number].rest[$0] - quantizer.codebooks[begin + $0]
                }
                return Partial(
                    distance: distance, rest: rest,
                    label: partials[number].label | Int64(entry) << shift)
            }
            shift += Int64(width)
        }
        for partial in partials {
            guard metric.isSimilarity else {
                body(partial.distance, partial.label)
                continue
            }
            var product: Float = 0
            for i in 0..<dimension { product += query[i] * (query[i] - partial.rest[i]) }
            body(product, partial.label)
        }
    }

    private func distances(_ rest: [Float], book: Int) -> [Float] {
        let size = quantizer.offsets[book + 1] - quantizer.offsets[book]
        var distances = [Float](repeating: 0, count: size)
        quantizer.codebooks.withUnsafeBytes { codebooks in
            guard let base = codebooks.baseAddress else { return }
            RowDistances.fill(
                &distances, query: rest,
                rows: base + quantizer.offsets[book] * dimension * 4, count: size,
                dimension: dimension, metric: .l2)
        }
        return distances
    }

    public func reconstruct(_ id: Int64) throws -> [Float] {
        guard id >= 0, id < count else { throw VectorSearchError.noSuchID(id) }
        var vector = [Float](repeating: 0, count: dimension)
        var rest = id
        quantizer.decode(into: &vector) { book in
            let number = Int(rest & (1 << Int64(quantizer.bits[book]) - 1))
            rest >>= Int64(quantizer.bits[book])
            return number
        }
        return vector
    }

    public func write(to writer: inout IndexWriter) throws {
        try writer.fourCC("ImRQ")
        try writer.header(header)
        try quantizer.write(to: &writer)
        try writer.f32(beamFactor)
    }
}
