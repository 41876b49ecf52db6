import FathomKernels
import FathomTestSupport
import Testing

@Suite("Norm kernels")
struct NNNormTests {
    /// A matrix with rows further apart than they are wide.
    private struct Rows {
        let rows = 3
        let width: Int
        var stride: Int { width + 5 }
        var x, dy, weight, bias: [Float]

        init(width: Int) {
            var numbers = SeededGenerator(seed: UInt64(width))
            self.width = width
            x = numbers.row(3 * (width + 5), scale: 3)
            dy = numbers.row(3 * (width + 5))
            weight = numbers.row(width, scale: 2)
            bias = numbers.row(width)
        }

        func blank() -> [Float] { [Float](repeating: -77, count: rows * stride) }
        func row(_ values: [Float], _ i: Int) -> [Double] {
            values[(i * stride)..<(i * stride + width)].map(Double.init)
        }
    }

    private static let eps: Float = 1e-5

    @Test("RMS norm and its gradients have the reference's bits at every level")
    func rmsLevels() {
        let forwards = fasterVariants(fk_rms_norm_f32_levels, fk_rms_norm_f32_variant)
        let additions = fasterVariants(fk_add_rms_norm_f32_levels, fk_add_rms_norm_f32_variant)
        let backwards = fasterVariants(
            fk_rms_norm_backward_f32_levels, fk_rms_norm_backward_f32_variant)
        for width in awkwardSizes {
            let m = Rows(width: width)
            for weight in [m.weight, nil] {
                var y = m.blank(), r = [Float](repeating: 0, count: m.rows), dx = m.blank()
                fk_rms_norm_f32_reference(
                    &y, m.stride, &r, m.x, m.stride, weight, Self.eps, m.rows, width)
                for variant in forwards {
                    var found = m.blank(), foundR = r
                    variant.run(
                        &found, m.stride, &foundR, m.x, m.stride, weight, Self.eps, m.rows,
                        width)
                    expectSameBits(found, y, "forward \(variant.level), \(width)")
                    expectSameBits(foundR, r, "inverse \(variant.level), \(width)")
                }
                fk_rms_norm_backward_f32_reference(
                    &dx, m.stride, m.dy, m.stride, m.x, m.stride, r, weight, m.rows, width)
                for variant in backwards {
                    var found = m.blank()
                    variant.run(
                        &found, m.stride, m.dy, m.stride, m.x, m.stride, r, weight, m.rows,
                        width)
                    expectSameBits(found, dx, "backward \(variant.level), \(width)")
                }
                var sum = m.blank()
                fk_add_rms_norm_f32_reference(
                    &y, &sum, m.x, m.dy, m.stride, weight, Self.eps, m.rows, width)
                for variant in additions {
                    var found = y, foundSum = m.blank()
                    variant.run(
                        &found, &foundSum, m.x, m.dy, m.stride, weight, Self.eps, m.rows, width)
                    expectSameBits(found, y, "addition \(variant.level), \(width)")
                    expectSameBits(foundSum, sum, "sum \(variant.level), \(width)")
                }
            }
        }
    }

    @Test("layer norm and its gradients have the reference's bits at every level")
    func layerLevels() {
        let forwards = fasterVariants(fk_layer_norm_f32_levels, fk_layer_norm_f32_variant)
        let backwards = fasterVariants(
            fk_layer_norm_backward_f32_levels, fk_layer_norm_backward_f32_variant)
        for width in awkwardSizes {
            let m = Rows(width: width)
            for (weight, bias) in [(m.weight, m.bias), (m.weight, nil), (nil, nil)] {
                var y = m.blank(), dx = m.blank()
                var mean = [Float](repeating: 0, count: m.rows), r = mean
                fk_layer_norm_f32_reference(
                    &y, m.stride, &mean, &r, m.x, m.stride, weight, bias, Self.eps, m.rows,
                    width)
                for variant in forwards {
                    var found = m.blank(), foundMean = mean, foundR = r
                    variant.run(
                        &found, m.stride, &foundMean, &foundR, m.x, m.stride, weight, bias,
                        Self.eps, m.rows, width)
                    expectSameBits(found, y, "forward \(variant.level), \(width)")
                    expectSameBits(foundMean + foundR, mean + r, "\(variant.level), \(width)")
                }
                fk_layer_norm_backward_f32_reference(
                    &dx, m.stride, m.dy, m.stride, m.x, m.stride, mean, r, weight, m.rows,
                    width)
                for variant in backwards {
                    var found = m.blank()
                    variant.run(
                        &found, m.stride, m.dy, m.stride, m.x, m.stride, mean, r, weight,
                        m.rows, width)
                    expectSameBits(found, dx, "backward \(variant.level), \(width)")
                }
            }
        }
    }

    @Test("weight gradients have the reference's bits at every level and column split")
    func weightLevels() {
        let rms = fasterVariants(
            fk_rms_norm_backward_weight_f32_levels, fk_rms_norm_backward_weight_f32_variant)
        let layer = fasterVariants(
            fk_layer_norm_backward_weight_f32_levels, fk_layer_norm_backward_weight_f32_variant)
        let columns = fasterVariants(fk_column_sum_f32_levels, fk_column_sum_f32_variant)
        var numbers = SeededGenerator(seed: 8)
        let width = 75
        for rows in [0, 1, 63, 64, 65, 130] {
            let x = numbers.row(rows * width), dy = numbers.row(rows * width)
            let mean = numbers.row(rows), r = numbers.row(rows), start = numbers.row(width)
            var rmsExpected = start, layerExpected = start, sums = start
            fk_rms_norm_backward_weight_f32_reference(
                &rmsExpected, dy, width, x, width, r, rows, 0, width)
            fk_layer_norm_backward_weight_f32_reference(
                &layerExpected, dy, width, x, width, mean, r, rows, 0, width)
            fk_column_sum_f32_reference(&sums, x, width, rows, 0, width)
            for split in [0, 17, 32, width] {
                for variant in rms {
                    var found = start
                    variant.run(&found, dy, width, x, width, r, rows, 0, split)
                    variant.run(&found, dy, width, x, width, r, rows, split, width)
                    expectSameBits(found, rmsExpected, "\(variant.level), \(rows) rows")
                }
                for variant in layer {
                    var found = start
                    variant.run(&found, dy, width, x, width, mean, r, rows, 0, split)
                    variant.run(&found, dy, width, x, width, mean, r, rows, split, width)
                    expectSameBits(found, layerExpected, "\(variant.level), \(rows) rows")
                }
                for variant in columns {
                    var found = start
                    variant.run(&found, x, width, rows, 0, split)
                    variant.run(&found, x, width, rows, split, width)
                    expectSameBits(found, sums, "\(variant.level), \(rows) rows")
                }
            }
        }
    }

    /// A sum of n squares in 64 chains has relative error below (n / 64 + 8) half ulps; the
    /// root halves it, and four more roundings follow.
    @Test("norms agree with double precision", arguments: awkwardSizes.filter { $0 > 0 })
    func accuracy(width: Int) {
        let m = Rows(width: width)
        let bound = (Double(width) / 64 + 16) * 6e-8
        var y = m.blank(), z = m.blank()
        var r = [Float](repeating: 0, count: m.rows), mean = r, deviation = r
        fk_rms_norm_f32(&y, m.stride, &r, m.x, m.stride, m.weight, Self.eps, m.rows, width)
        fk_layer_norm_f32(
            &z, m.stride, &mean, &deviation, m.x, m.stride, m.weight, m.bias, Self.eps, m.rows,
            width)
        for i in 0..<m.rows {
            let x = m.row(m.x, i), w = m.weight.map(Double.init)
            let exact = rmsNorm(x, w)
            let largest = exact.map(abs).max() ?? 0
            expectNear(m.row(y, i).map(Float.init), exact, within: bound * largest)
            let exactLayer = zip(layerNorm(x, w), m.bias).map { $0 + Double($1) }
            // x - mean cancels: the error is relative to the row's size times 1 / deviation.
            let scale = 6 * Double(deviation[i]) * 2 + 2
            expectNear(m.row(z, i).map(Float.init), exactLayer, within: bound * scale)
        }
    }

    @Test("gradients agree with central differences in double", arguments: [2, 17, 100])
    func gradients(width: Int) {
        let m = Rows(width: width)
        var y = m.blank(), dx = m.blank(), dlayer = m.blank()
        var r = [Float](repeating: 0, count: m.rows), mean = r, deviation = r
        fk_rms_norm_f32(&y, m.stride, &r, m.x, m.stride, m.weight, Self.eps, m.rows, width)
        fk_rms_norm_backward_f32(
            &dx, m.stride, m.dy, m.stride, m.x, m.stride, r, m.weight, m.rows, width)
        fk_layer_norm_f32(
            &y, m.stride, &mean, &deviation, m.x, m.stride, m.weight, m.bias, Self.eps, m.rows,
            width)
        fk_layer_norm_backward_f32(
            &dlayer, m.stride, m.dy, m.stride, m.x, m.stride, mean, deviation, m.weight, m.rows,
            width)
        var dweight = [Float](repeating: 0, count: width), dweightLayer = dweight
        fk_rms_norm_backward_weight_f32(
            &dweight, m.dy, m.stride, m.x, m.stride, r, m.rows, 0, width)
        fk_layer_norm_backward_weight_f32(
            &dweightLayer, m.dy, m.stride, m.x, m.stride, mean, deviation, m.rows, 0, width)
        let weight = m.weight.map(Double.init)
        let norms:
            [(name: String, dx: [Float], dweight: [Float], f: ([Double], [Double]) -> [Double])] =
                [("rms", dx, dweight, rmsNorm), ("layer", dlayer, dweightLayer, layerNorm)]
        for (name, dx, dweight, f) in norms {
            var exactWeight = [Double](repeating: 0, count: width)
            for i in 0..<m.rows {
                let x = m.row(m.x, i), dy = m.row(m.dy, i)
                let loss = { (x: [Double], w: [Double]) in zip(f(x, w), dy).map(*).reduce(0, +) }
                for k in 0..<width {
                    let exact = slope(at: x[k]) { value in
                        var moved = x
                        moved[k] = value
                        return loss(moved, weight)
                    }
                    #expect(abs(Double(dx[i * m.stride + k]) - exact) < 1e-5, "\(name) dx")
                    exactWeight[k] += slope(at: weight[k]) { value in
                        var moved = weight
                        moved[k] = value
                        return loss(x, moved)
                    }
                }
            }
            expectNear(dweight, exactWeight, within: 1e-5, "\(name) dweight")
        }
    }

    private func rmsNorm(_ x: [Double], _ weight: [Double]) -> [Double] {
        let mean = x.map { $0 * $0 }.reduce(0, +) / Double(x.count)
        let r = 1 / (mean + Double(Self.eps)).squareRoot()
        return zip(x, weight).map { $0 * r * $1 }
    }

    private func layerNorm(_ x: [Double], _ weight: [Double]) -> [Double] {
        let mean = x.reduce(0, +) / Double(x.count)
        return rmsNorm(x.map { $0 - mean }, weight)
    }
}
