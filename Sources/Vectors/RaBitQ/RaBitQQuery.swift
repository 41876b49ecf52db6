/// A query around a centre, and what it contributes to distances from RaBitQ codes.
struct RaBitQQuery {
    let quantizer: RaBitQuantizer
    /// q − c.
    let rotated: [Float]
    /// The components rounded to `bits`; empty where `bits` is 0.
    let codes: [UInt8]
    let bits: Int
    let isCentered: Bool
    /// ‖q − c‖².
    let squaredNorm: Float
    /// ‖q‖² for the inner product, else 0.
    private let queryNorm: Float
    /// ⟨q, c⟩ for the inner product, else 0.
    private let centroidProduct: Float
    /// Multiply the product of codes and signs, and the number of signs; then what is taken off.
    let factors: (product: Float, count: Float, offset: Float)
    private let productScale: Float

    /// Radii that lose least for codes of 1 to 8 bits of normal components (Faiss, `RaBitQUtils`).
    private static let radii: [Float] = [
        0.79688, 1.49375, 2.05078, 2.50938, 2.91250, 3.26406, 3.59844, 3.91016,
    ]

    /// - Parameters:
    ///   - bits: of a component, 0 for the query as it is, at most 8.
    ///   - isCentered: whether components are rounded symmetrically around zero.
    init(
        _ query: [Float], centroid: [Float], _ quantizer: RaBitQuantizer, bits: Int,
        isCentered: Bool
    ) {
        self.quantizer = quantizer
        self.bits = bits
        self.isCentered = isCentered && bits > 0
        rotated = centroid.isEmpty ? query : zip(query, centroid).map { $0 - $1 }
        squaredNorm = RowDistances.squaredNorm(rotated, rotated.count)
        let isSimilarity = quantizer.metric.isSimilarity
        queryNorm = isSimilarity ? RowDistances.squaredNorm(query, query.count) : 0
        centroidProduct =
            isSimilarity && !centroid.isEmpty
            ? RowDistances.innerProduct(query, centroid, query.count) : 0
        let dimension = Float(rotated.count)
        let inverse = 1 / dimension.squareRoot()
        guard bits > 0 else {
            codes = []
            factors = (2 * inverse, 0, rotated.reduce(0, +) * inverse)
            productScale = 1
            return
        }
        let largest = Float((1 << bits) - 1)
        var lowest: Float
        var highest: Float
        if self.isCentered {
            highest = Self.radii[bits - 1] * (squaredNorm / dimension).squareRoot()
            lowest = -highest
        } else {
            lowest = rotated.reduce(Float.greatestFiniteMagnitude) { min($0, $1) }
            highest = rotated.reduce(-Float.greatestFiniteMagnitude) { max($0, $1) }
        }
        let delta = (highest - lowest) / largest
        var sum = 0
        var squares = 0
        var codes = [UInt8](repeating: 0, count: rotated.count)
        if delta > 0 {
            for (i, value) in rotated.enumerated() {
                let rounded = ((value - lowest) * (1 / delta)).rounded()
                codes[i] = rounded > 0 ? UInt8(min(rounded, largest)) : 0
                sum += Int(codes[i])
            }
        }
        if self.isCentered {
            for code in codes {
                let odd = 2 * Int(code) - Int(largest)
                squares += odd * odd
            }
        }
        self.codes = codes
        factors = (
            2 * delta * inverse, 2 * lowest * inverse,
            inverse * (delta * Float(sum) + dimension * lowest)
        )
        productScale =
            self.isCentered ? (squaredNorm / (Float(squares) * dimension)).squareRoot() : 1
    }

    /// The estimated product of the directions of q − c and of a vector with certain signs.
    ///
    /// - Parameters:
    ///   - product: of the components' codes with the signs as 0 and 1, or for a query as it is of
    ///     the components themselves.
    ///   - count: of positive signs.
    func direction(product: Float, count: Int) -> Float {
        factors.product * product + factors.count * Float(count) - factors.offset
    }

    /// The same for centred codes, from Σ of codes where the signs are 0 and of what they lack to
    /// the largest code where they are 1.
    func centeredDirection(_ exclusive: Int) -> Float {
        Float(((1 << bits) - 1) * rotated.count - 2 * exclusive) * productScale
    }

    /// The distance from an estimated product and the two factors of a code.
    func distance(_ direction: Float, squared: Float, multiplier: Float) -> Float {
        let distance = squared + squaredNorm - 2 * multiplier * direction
        return quantizer.metric.isSimilarity ? -0.5 * (distance - queryNorm) : max(0, distance)
    }

    /// What a code's distance may be better than its estimate.
    func error(_ factor: Float) -> Float { factor * squaredNorm.squareRoot() }

    /// The distance with all bits of the components.
    ///
    /// - Parameter extra: the lower bits, and behind them the two factors.
    func exactDistance(_ extra: UnsafeRawPointer, sign: (Int) -> Bool) -> Float {
        let width = quantizer.extraBits
        let size = (rotated.count * width + 7) / 8
        let offset = -(Float(1 << width) - 0.5)
        var reader = BitReader(extra, byteCount: size)
        var product: Float = 0
        for (i, value) in rotated.enumerated() {
            let number = (sign(i) ? 1 << width : 0) + Int(reader.read(width))
            product += value * (Float(number) + offset)
        }
        let added = extra.loadUnaligned(fromByteOffset: size, as: Float.self)
        let scale = extra.loadUnaligned(fromByteOffset: size + 4, as: Float.self)
        let isSimilarity = quantizer.metric.isSimilarity
        let distance = (isSimilarity ? centroidProduct : squaredNorm) + added + scale * product
        return isSimilarity ? distance : max(0, distance)
    }

    /// Whether a code whose estimate may be off by `error` can still reach the bound.
    func canReach(_ bound: Float, estimate: Float, error: Float) -> Bool {
        quantizer.metric.isSimilarity ? estimate + error > bound : max(0, estimate - error) < bound
    }
}
