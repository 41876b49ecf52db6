/// A query against RaBitQ codes.
///
/// With more than one bit a component, only codes whose estimate from the signs may reach the
/// bound are compared by all bits.
final class RaBitQScanner: CodeScanner {
    private var query: RaBitQQuery
    /// Makes the query for a list's centroid; nil where there is one centre.
    private let prepare: ((Int) throws -> RaBitQQuery)?

    init(_ query: RaBitQQuery, prepare: ((Int) throws -> RaBitQQuery)? = nil) {
        self.query = query
        self.prepare = prepare
    }

    var blockSize: Int { query.quantizer.extraBits > 0 ? 1 : 256 }

    func enter(list: Int, coarseDistance: Float) throws {
        if let prepare { query = try prepare(list) }
    }

    func scan(
        _ codes: UnsafeRawPointer, count: Int, distances: UnsafeMutablePointer<Float>,
        bound: Float
    ) {
        let quantizer = query.quantizer
        for i in 0..<count {
            let code = codes + i * quantizer.codeSize
            let factors = code + quantizer.signSize
            let estimate = query.distance(
                direction(code), squared: factors.loadUnaligned(as: Float.self),
                multiplier: factors.loadUnaligned(fromByteOffset: 4, as: Float.self))
            guard quantizer.extraBits > 0 else {
                distances[i] = estimate
                continue
            }
            let error = query.error(factors.loadUnaligned(fromByteOffset: 8, as: Float.self))
            // Without a bound, as for graphs, every distance is wanted.
            guard bound.isNaN || query.canReach(bound, estimate: estimate, error: error) else {
                distances[i] = quantizer.metric.missingDistance
                continue
            }
            distances[i] = query.exactDistance(factors + 12) { Self.sign(code, $0) }
        }
    }

    private static func sign(_ code: UnsafeRawPointer, _ i: Int) -> Bool {
        code.load(fromByteOffset: i / 8, as: UInt8.self) >> UInt8(i % 8) & 1 != 0
    }

    private func direction(_ code: UnsafeRawPointer) -> Float {
        let dimension = query.rotated.count
        if query.bits == 0 {
            var product: Float = 0
            for i in 0..<dimension where Self.sign(code, i) { product += query.rotated[i] }
            return query.direction(product: product, count: 0)
        }
        if query.isCentered {
            let largest = (1 << query.bits) - 1
            var exclusive = 0
            for i in 0..<dimension {
                let value = Int(query.codes[i])
                exclusive += Self.sign(code, i) ? largest - value : value
            }
            return query.centeredDirection(exclusive)
        }
        var product = 0
        var signs = 0
        for i in 0..<dimension where Self.sign(code, i) {
            product += Int(query.codes[i])
            signs += 1
        }
        return query.direction(product: Float(product), count: signs)
    }
}
