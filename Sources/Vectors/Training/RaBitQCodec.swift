/// RaBitQ codes: signs around a centre, further bits of the components, and factors.
///
/// The layout is that of `RaBitQuantizer`. Sources: Gao, Long, "RaBitQ", 2024; Gao et al.,
/// "Practical and asymptotically optimal quantization", 2025.
struct RaBitQCodec: ListCodec {
    private let quantizer: RaBitQuantizer
    /// Mean of the training vectors; empty before, and always in inverted lists.
    private(set) var center: [Float] = []

    var dimension: Int { quantizer.dimension }
    var codeSize: Int { quantizer.codeSize }
    var isTrained: Bool { !center.isEmpty }
    private var metric: Metric { quantizer.metric }
    /// Files of one bit a component have a type of their own, and do not say how many.
    private var storesBits: Bool { quantizer.bits > 1 }
    /// Bits of a query's components.
    private static let queryBits: UInt8 = 4
    /// In inverted lists the centres are the centroids.
    var trainingLimit: Int { 0 }

    init(dimension: Int, metric: Metric, bits: Int) {
        quantizer = RaBitQuantizer(dimension: dimension, metric: metric, bits: bits)
    }

    /// - Parameter center: empty in inverted lists.
    init(_ quantizer: RaBitQuantizer, center: [Float]) {
        self.quantizer = quantizer
        self.center = center
    }

    mutating func train(
        _ rows: VectorRows, _ work: BuildWork
    ) throws(TrainingError) {
        guard rows.count > 0 else {
            throw .tooFewVectors(found: 0, needed: 1, purpose: "the centre of RaBitQ codes")
        }
        center = rows.mean()
    }

    func encode(_ rows: VectorRows, around centers: VectorRows?) -> [UInt8] {
        var codes: [UInt8] = []
        codes.reserveCapacity(rows.count * codeSize)
        for row in 0..<rows.count {
            append(rows.row(row), centers?.row(row) ?? center, to: &codes)
        }
        return codes
    }

    private func append(_ vector: [Float], _ center: [Float], to codes: inout [UInt8]) {
        let residual = center.isEmpty ? vector : zip(vector, center).map { $0 - $1 }
        var (squared, ownSquared, sum) = (Float(0), Float(0), Float(0))
        for i in 0..<dimension {
            squared += residual[i] * residual[i]
            ownSquared += vector[i] * vector[i]
            sum += abs(residual[i])
        }
        codes += [UInt8](bitCount: dimension, byteCount: quantizer.signSize) { residual[$0] > 0 }
        let length = squared.squareRoot()
        // ⟨o, s⟩ of the unit vector o along the residual and s = ±1/√d.
        let product =
            sum * (squared < .ulpOfOne ? 1 : 1 / length) * (1 / Float(dimension).squareRoot())
        append(metric == .innerProduct ? squared - ownSquared : squared, to: &codes)
        append((abs(product) < .ulpOfOne ? 1 : 1 / product) * length, to: &codes)
        guard storesBits else { return }
        append(errorBound(squared: squared, sum: sum), to: &codes)
        appendExtra(residual, center, to: &codes)
    }

    private func append(_ value: Float, to codes: inout [UInt8]) {
        withUnsafeBytes(of: value.bitPattern.littleEndian) { codes += $0 }
    }

    /// How far a distance estimated from the signs can be off, per unit of the query's length.
    private func errorBound(squared: Float, sum: Float) -> Float {
        let half = sum / 2
        guard abs(half) > .ulpOfOne else { return 0 }
        let ratio = squared * (Float(dimension) / 4) / (half * half)
        guard ratio > 1 else { return 0 }
        let error =
            squared.squareRoot() * 1.9
            * ((ratio - 1) / Float(max(1, dimension - 1))).squareRoot()
        return metric == .l2 ? 2 * error : error
    }

    /// The lower bits of each component, and the two factors of the estimate they give.
    private func appendExtra(_ residual: [Float], _ center: [Float], to codes: inout [UInt8]) {
        // Faiss sums these again, in the lanes of a vector register.
        let length = Self.laneProduct(residual, residual).squareRoot()
        guard length >= 1e-10 else {
            codes += [UInt8](repeating: 0, count: quantizer.extraSize + 8)
            return
        }
        let extraBits = quantizer.extraBits
        let unit = residual.map { abs($0 / length) }
        let scale = RaBitQScale.best(unit, extraBits: extraBits)
        let mask = 1 << extraBits - 1
        var writer = BitWriter(byteCount: quantizer.extraSize)
        var product = 0.0
        for i in 0..<dimension {
            let level = min(Int(Double(scale * unit[i]) + RaBitQScale.margin), mask)
            product += (Double(level) + 0.5) * Double(unit[i])
            writer.write(UInt64(residual[i] < 0 ? ~level & mask : level), extraBits)
        }
        codes += writer.bytes
        var inverse = Float(1 / product)
        if !inverse.isNormal { inverse = 1 }
        if metric == .l2 {
            append(length * length, to: &codes)
            append(inverse * -2 * length, to: &codes)
        } else {
            append(center.isEmpty ? 0 : Self.laneProduct(residual, center), to: &codes)
            append(inverse * length, to: &codes)
        }
    }

    /// Σ x y in the order of Faiss where there is AVX-512, so that factors are the same to the bit:
    /// 16 lanes, folded to 8 for a last 8, folded to one for the rest.
    private static func laneProduct(_ x: [Float], _ y: [Float]) -> Float {
        var lanes = [Float](repeating: 0, count: 16)
        var place = 0
        while place + 16 <= x.count {
            for i in 0..<16 { lanes[i] = lanes[i].addingProduct(x[place + i], y[place + i]) }
            place += 16
        }
        for i in 0..<8 { lanes[i] += lanes[i + 8] }
        if place + 8 <= x.count {
            for i in 0..<8 { lanes[i] = lanes[i].addingProduct(x[place + i], y[place + i]) }
            place += 8
        }
        for width in [4, 2, 1] {
            for i in 0..<width { lanes[i] += lanes[i + width] }
        }
        while place < x.count {
            lanes[0] = lanes[0].addingProduct(x[place], y[place])
            place += 1
        }
        return lanes[0]
    }

    func writeFlat(_ header: IndexHeader, _ codes: [UInt8], to writer: inout IndexWriter) throws {
        try writer.fourCC(storesBits ? "Ixrr" : "Ixrq")
        try writer.header(header)
        try quantizer.write(to: &writer, withBits: storesBits)
        try writer.vector(codes)
        try writer.vector(center)
        try writer.u8(Self.queryBits)
    }

    var listType: FourCC { storesBits ? "Iwrr" : "Iwrq" }

    func writeListFields(
        _ header: IndexHeader, isResidual: Bool, to writer: inout IndexWriter
    ) throws {
        try quantizer.write(to: &writer, withBits: storesBits)
        try writer.size(codeSize)
        try writer.bool(isResidual)
        try writer.u8(Self.queryBits)
    }
}

/// The factor by which a unit vector is scaled before its components are cut to levels.
enum RaBitQScale {
    /// Keeps a component that lies on a level from falling below it.
    static let margin = 1e-5

    /// Where the search begins, as a share of its end, by the number of bits.
    private static let starts: [Float] = [0, 0.15, 0.20, 0.52, 0.59, 0.71, 0.75, 0.77, 0.81]

    /// The scale for which the cut vector points most nearly along the unit vector.
    ///
    /// All scales at which a component reaches its next level are tried in rising order. The length
    /// of the cut vector is followed to first order, as in Faiss: a square root each time would be
    /// nearer, and choose another scale now and then.
    static func best(_ unit: [Float], extraBits: Int) -> Float {
        let top = 1 << extraBits - 1
        let largest = unit.max() ?? 0
        guard largest > 0 else { return 0 }
        let end = Float(top + 10) / largest
        let start = end * starts[extraBits]
        var levels = unit.map { Int(Double(start * $0) + margin) }
        var squared = Float(unit.count) / 4
        var product: Float = 0
        var steps = NodeHeap()
        for (i, value) in unit.enumerated() {
            squared += Float(levels[i] * levels[i] + levels[i])
            product += (Float(levels[i]) + 0.5) * value
            let next = Float(levels[i] + 1) * (1 / value)
            if next < end { steps.push(key: next, node: Int32(i)) }
        }
        var inverseLength = 1 / squared.squareRoot()
        var (best, scale) = (Float(0), Float(0))
        while let step = steps.pop() {
            let i = Int(step.node)
            levels[i] += 1
            let growth = Float(2 * levels[i])
            squared += growth
            product += unit[i]
            let before = squared - growth
            inverseLength *= 1 - 0.5 * growth / (before + growth * 0.5)
            let cosine = product * inverseLength
            if cosine > best { (best, scale) = (cosine, step.key) }
            guard levels[i] < top else { continue }
            let next = Float(levels[i] + 1) * (1 / unit[i])
            if next < end { steps.push(key: next, node: Int32(i)) }
        }
        return scale
    }
}
