import FathomKernels
import FathomTestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Softmax and cross-entropy kernels")
struct NNSoftmaxTests {
    @Test("softmax has the reference's bits at every level, masked or not")
    func softmaxLevels() {
        let forwards = fasterVariants(fk_softmax_f32_levels, fk_softmax_f32_variant)
        let backwards = fasterVariants(
            fk_softmax_backward_f32_levels, fk_softmax_backward_f32_variant)
        for width in awkwardSizes {
            var numbers = SeededGenerator(seed: UInt64(width))
            let rows = 5, stride = width + 3
            var x = numbers.row(rows * stride, scale: 20)
            if width > 2 {
                x[2] = -.infinity
                x[stride + 1] = .nan
                x[2 * stride + 1] = .infinity
            }
            let dy = numbers.row(rows * stride)
            let blank = [Float](repeating: -77, count: rows * stride)
            let lengths = [width, 0, width / 2, width + 9, min(1, width)]
            for lengths in [lengths, nil] {
                var y = blank
                fk_softmax_f32_reference(&y, stride, x, stride, 0.3, lengths, rows, width)
                for variant in forwards {
                    var found = blank
                    variant.run(&found, stride, x, stride, 0.3, lengths, rows, width)
                    expectSameBits(found, y, "\(variant.level), \(width)")
                    var inPlace = x
                    inPlace.withUnsafeMutableBufferPointer { p in
                        let x = p.baseAddress
                        variant.run(x, stride, x, stride, 0.3, lengths, rows, width)
                    }
                    for i in 0..<rows {
                        let row = (i * stride)..<(i * stride + width)
                        expectSameBits(Array(inPlace[row]), Array(y[row]), "in place")
                    }
                }
                var dx = blank
                fk_softmax_backward_f32_reference(
                    &dx, stride, dy, stride, y, stride, 0.3, rows, width)
                for variant in backwards {
                    var found = blank
                    variant.run(&found, stride, dy, stride, y, stride, 0.3, rows, width)
                    expectSameBits(found, dx, "backward \(variant.level), \(width)")
                }
            }
        }
    }

    @Test("log-softmax and logsumexp have the reference's bits at every level")
    func logSoftmaxLevels() {
        let sums = fasterVariants(fk_logsumexp_f32_levels, fk_logsumexp_f32_variant)
        let forwards = fasterVariants(fk_log_softmax_f32_levels, fk_log_softmax_f32_variant)
        let backwards = fasterVariants(
            fk_log_softmax_backward_f32_levels, fk_log_softmax_backward_f32_variant)
        for width in awkwardSizes {
            var numbers = SeededGenerator(seed: UInt64(width))
            let rows = 3, stride = width + 3
            let x = numbers.row(rows * stride, scale: 9), dy = numbers.row(rows * stride)
            let blank = [Float](repeating: -77, count: rows * stride)
            var sum = [Float](repeating: 0, count: rows), y = blank, dx = blank
            fk_logsumexp_f32_reference(&sum, x, stride, rows, width)
            fk_log_softmax_f32_reference(&y, stride, x, stride, rows, width)
            fk_log_softmax_backward_f32_reference(
                &dx, stride, dy, stride, y, stride, rows, width)
            for variant in sums {
                var found = sum.map { _ in Float(0) }
                variant.run(&found, x, stride, rows, width)
                expectSameBits(found, sum, "logsumexp \(variant.level), \(width)")
            }
            for variant in forwards {
                var found = blank
                variant.run(&found, stride, x, stride, rows, width)
                expectSameBits(found, y, "log_softmax \(variant.level), \(width)")
            }
            for variant in backwards {
                var found = blank
                variant.run(&found, stride, dy, stride, y, stride, rows, width)
                expectSameBits(found, dx, "backward \(variant.level), \(width)")
            }
        }
    }

    @Test("cross-entropy has the reference's bits at every level, in place or not")
    func crossEntropyLevels() {
        let variants = fasterVariants(fk_cross_entropy_f32_levels, fk_cross_entropy_f32_variant)
        for width in awkwardSizes {
            var numbers = SeededGenerator(seed: UInt64(width))
            let rows = 5, stride = width + 3
            let logits = numbers.row(rows * stride, scale: 9)
            let labels: [Int32] = [0, -100, Int32(width) - 1, Int32(width), -1]
            let blank = [Float](repeating: -77, count: rows * stride)
            var losses = [Float](repeating: -77, count: rows), gradient = blank, invalid = 99
            fk_cross_entropy_f32_reference(
                &losses, &gradient, stride, &invalid, logits, stride, labels, 0.25, rows, width)
            for variant in variants {
                var found = [Float](repeating: -77, count: rows), foundGradient = blank
                var foundInvalid = 99
                variant.run(
                    &found, &foundGradient, stride, &foundInvalid, logits, stride, labels, 0.25,
                    rows, width)
                expectSameBits(found, losses, "\(variant.level), \(width)")
                expectSameBits(foundGradient, gradient, "\(variant.level), \(width)")
                #expect(foundInvalid == invalid)
                var inPlace = logits
                inPlace.withUnsafeMutableBufferPointer { p in
                    let x = p.baseAddress
                    variant.run(
                        &found, x, stride, &foundInvalid, x, stride, labels, 0.25, rows, width)
                }
                expectSameBits(found, losses, "in place, \(variant.level), \(width)")
                for i in 0..<rows {
                    let row = (i * stride)..<(i * stride + width)
                    expectSameBits(Array(inPlace[row]), Array(gradient[row]), "in place")
                }
                variant.run(
                    &found, nil, 0, &foundInvalid, logits, stride, labels, 0.25, rows, width)
                expectSameBits(found, losses, "loss alone, \(variant.level), \(width)")
            }
        }
    }

    @Test("softmax agrees with double precision and sets masked columns to 0")
    func softmaxAccuracy() {
        var numbers = SeededGenerator(seed: 3)
        let width = 301, length = [200]
        let x = numbers.row(width, scale: 30)
        var y = x
        fk_softmax_f32(&y, width, x, width, 0.5, length, 1, width)
        let scaled = x.prefix(200).map { 0.5 * Double($0) }
        let largest = scaled.max() ?? 0
        let weights = scaled.map { exp($0 - largest) }
        let sum = weights.reduce(0, +)
        expectNear(Array(y.prefix(200)), weights.map { $0 / sum }, within: 3e-7)
        #expect(y.suffix(101).allSatisfy { $0 == 0 })
        #expect(abs(y.reduce(0, +) - 1) < 1e-6)
    }

    @Test("softmax and log-softmax gradients agree with central differences in double")
    func softmaxGradients() {
        var numbers = SeededGenerator(seed: 4)
        let width = 37
        let x = numbers.row(width, scale: 3), dy = numbers.row(width)
        var y = x, dx = x, logY = x, logDx = x
        fk_softmax_f32(&y, width, x, width, 0.7, nil, 1, width)
        fk_softmax_backward_f32(&dx, width, dy, width, y, width, 0.7, 1, width)
        fk_log_softmax_f32(&logY, width, x, width, 1, width)
        fk_log_softmax_backward_f32(&logDx, width, dy, width, logY, width, 1, width)
        let exact = x.map(Double.init), weights = dy.map(Double.init)
        for k in 0..<width {
            let soft = slope(at: exact[k]) { value in
                var moved = exact
                moved[k] = value
                let e = moved.map { exp(0.7 * $0) }
                return zip(e, weights).map(*).reduce(0, +) / e.reduce(0, +)
            }
            #expect(abs(Double(dx[k]) - soft) < 1e-6)
            let log = slope(at: exact[k]) { value in
                var moved = exact
                moved[k] = value
                let total = logSumExp(moved)
                return zip(moved, weights).map { ($0 - total) * $1 }.reduce(0, +)
            }
            #expect(abs(Double(logDx[k]) - log) < 3e-6)
        }
    }

    @Test("cross-entropy agrees with double precision and central differences")
    func crossEntropyAccuracy() {
        var numbers = SeededGenerator(seed: 6)
        let width = 1000, label = 123
        let x = numbers.row(width, scale: 12)
        var loss: [Float] = [0], gradient = x, invalid = 1, sum: [Float] = [0]
        fk_cross_entropy_f32(
            &loss, &gradient, width, &invalid, x, width, [Int32(label)], 0.5, 1, width)
        fk_logsumexp_f32(&sum, x, width, 1, width)
        #expect(invalid == 0)
        let exact = x.map(Double.init)
        let total = logSumExp(exact)
        #expect(abs(Double(sum[0]) - total) < 2e-6)
        #expect(abs(Double(loss[0]) - (total - exact[label])) < 4e-6)
        let expected = exact.indices.map { k in
            0.5 * (exp(exact[k] - total) - (k == label ? 1 : 0))
        }
        expectNear(gradient, expected, within: 3e-7)
    }

    @Test("ignored labels cost nothing and labels outside the vocabulary are counted")
    func labels() {
        var losses: [Float] = [9, 9, 9, 9], invalid = 0
        var gradient: [Float] = [1, 2, 3, 4, 5, 6, 7, 8]
        let logits = gradient
        fk_cross_entropy_f32(
            &losses, &gradient, 2, &invalid, logits, 2, [-100, 2, -1, 1], 1, 4, 2)
        #expect(invalid == 2)
        #expect(losses.prefix(3) == [0, 0, 0] && losses[3] > 0)
        #expect(gradient.prefix(6).allSatisfy { $0 == 0 } && gradient[7] < 0)
    }

    private func logSumExp(_ x: [Double]) -> Double {
        let largest = x.max() ?? 0
        return largest + log(x.map { exp($0 - largest) }.reduce(0, +))
    }
}

@Suite("Row choice, sum and table kernels")
struct NNReduceTests {
    @Test("sums have the reference's bits at every level")
    func sumLevels() {
        let sums = fasterVariants(fk_sum_f32_levels, fk_sum_f32_variant)
        let dots = fasterVariants(fk_dot_f32_levels, fk_dot_f32_variant)
        for count in awkwardSizes {
            var numbers = SeededGenerator(seed: UInt64(count))
            let x = numbers.row(count), y = numbers.row(count)
            var sum: Float = 0, dot: Float = 0, found: Float = 0
            fk_sum_f32_reference(&sum, x, count)
            fk_dot_f32_reference(&dot, x, y, count)
            for variant in sums {
                variant.run(&found, x, count)
                #expect(found.bitPattern == sum.bitPattern, "\(variant.level), \(count)")
            }
            for variant in dots {
                variant.run(&found, x, y, count)
                #expect(found.bitPattern == dot.bitPattern, "\(variant.level), \(count)")
            }
            let exact = x.map(Double.init).reduce(0, +)
            #expect(abs(Double(sum) - exact) <= Double(count) * 6e-8)
        }
    }

    @Test("argmax, top-k and the count of non-finite values agree at every level")
    func choiceLevels() {
        let argmaxes = fasterVariants(fk_argmax_f32_levels, fk_argmax_f32_variant)
        let topKs = fasterVariants(fk_top_k_f32_levels, fk_top_k_f32_variant)
        let counts = fasterVariants(fk_count_nonfinite_f32_levels, fk_count_nonfinite_f32_variant)
        for width in awkwardSizes {
            for coarse in [false, true] {
                var numbers = SeededGenerator(seed: UInt64(width))
                // Coarse rows hold many ties, and zeros of both signs.
                var x = numbers.row(width).map { coarse ? ($0 * 3).rounded() : $0 }
                for damaged in [nil, Float.nan, .infinity] {
                    if let damaged, width > 0 { x[width * 2 / 3] = damaged }
                    var index: Int64 = 0, foundIndex: Int64 = 0
                    fk_argmax_f32_reference(&index, x, width, 1, width)
                    for variant in argmaxes {
                        variant.run(&foundIndex, x, width, 1, width)
                        #expect(foundIndex == index, "\(variant.level), \(width)")
                    }
                    var count = 0, foundCount = 0
                    fk_count_nonfinite_f32_reference(&count, x, width)
                    for variant in counts {
                        variant.run(&foundCount, x, width)
                        #expect(foundCount == count, "\(variant.level), \(width)")
                    }
                    for k in [0, 1, 5, 16, 64, width, width + 3] {
                        let expected = topK(fk_top_k_f32_reference, x, k)
                        for variant in topKs {
                            let found = topK(variant.run, x, k)
                            #expect(found == expected, "\(variant.level), \(width), k \(k)")
                        }
                    }
                }
            }
        }
    }

    @Test("rows of tables are gathered and scattered alike at every level")
    func tableLevels() {
        let f32 = fasterVariants(fk_gather_rows_f32_levels, fk_gather_rows_f32_variant)
        let f16 = fasterVariants(fk_gather_rows_f16_levels, fk_gather_rows_f16_variant)
        let bf16 = fasterVariants(fk_gather_rows_bf16_levels, fk_gather_rows_bf16_variant)
        let scatters = fasterVariants(
            fk_scatter_add_rows_f32_levels, fk_scatter_add_rows_f32_variant)
        let ids: [Int32] = [2, 0, 2, 1, 2]
        for width in awkwardSizes {
            var numbers = SeededGenerator(seed: UInt64(width))
            let table = numbers.row(3 * width), dy = numbers.row(5 * width)
            let halves = (0..<(3 * width)).map { _ in
                UInt16(truncatingIfNeeded: numbers.next())
            }
            let blank = [Float](repeating: -77, count: 5 * width)
            var rows = blank, wide = blank, brain = blank, sums = table
            fk_gather_rows_f32_reference(&rows, width, table, ids, 5, width)
            fk_gather_rows_f16_reference(&wide, width, halves, ids, 5, width)
            fk_gather_rows_bf16_reference(&brain, width, halves, ids, 5, width)
            fk_scatter_add_rows_f32_reference(&sums, width, dy, width, ids, 5, 0, width)
            for variant in f32 {
                var found = blank
                variant.run(&found, width, table, ids, 5, width)
                expectSameBits(found, rows, "\(variant.level), \(width)")
            }
            for variant in f16 {
                var found = blank
                variant.run(&found, width, halves, ids, 5, width)
                expectSameBits(found, wide, "f16 \(variant.level), \(width)")
            }
            for variant in bf16 {
                var found = blank
                variant.run(&found, width, halves, ids, 5, width)
                expectSameBits(found, brain, "bf16 \(variant.level), \(width)")
            }
            for variant in scatters {
                var found = table
                variant.run(&found, width, dy, width, ids, 5, 0, width / 3)
                variant.run(&found, width, dy, width, ids, 5, width / 3, width)
                expectSameBits(found, sums, "scatter \(variant.level), \(width)")
            }
        }
    }

    @Test("every half-precision number widens to its value")
    func widening() {
        let halves = (0...UInt16.max).map { $0 }
        var wide = [Float](repeating: 0, count: halves.count), brain = wide
        fk_gather_rows_f16_reference(&wide, 0, halves, [0], 1, halves.count)
        fk_gather_rows_bf16_reference(&brain, 0, halves, [0], 1, halves.count)
        #if arch(arm64) || os(Linux)
            expectSameBits(wide, halves.map { Float(Float16(bitPattern: $0)) })
        #endif
        expectSameBits(brain, halves.map { Float(bitPattern: UInt32($0) << 16) })
    }

    @Test("argmax takes the lowest of equals and reports NaN and empty rows")
    func argmaxRules() {
        let x: [Float] = [1, 5, 5, 2, -1, .nan, 3, 9, -.infinity, -.infinity, 0, -0]
        var indices: [Int64] = [7, 7, 7]
        fk_argmax_f32(&indices, x, 4, 3, 4)
        #expect(indices == [1, -1, 2])
        fk_argmax_f32(&indices, x, 4, 1, 0)
        #expect(indices[0] == -1)
    }

    @Test("top-k is a stable descending sort", arguments: [1, 6, 50, 500])
    func topKOrder(k: Int) {
        var numbers = SeededGenerator(seed: 12)
        let x = numbers.row(500).map { ($0 * 40).rounded() / 8 }
        let sorted = x.indices.sorted { x[$0] == x[$1] ? $0 < $1 : x[$0] > x[$1] }
        let found = topK(fk_top_k_f32, x, k)
        #expect(found.indices == sorted.prefix(k).map(Int64.init))
        #expect(found.values == sorted.prefix(k).map { x[$0] })
    }

    private struct TopK: Equatable {
        var values: [Float]
        var indices: [Int64]
        var found: Int64
    }

    private func topK(
        _ op: (
            UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Int64>?,
            UnsafeMutablePointer<Int64>?, UnsafePointer<Float>?, Int, Int
        ) -> Void, _ x: [Float], _ k: Int
    ) -> TopK {
        var result = TopK(
            values: [Float](repeating: 0, count: k), indices: [Int64](repeating: 0, count: k),
            found: 99)
        op(&result.values, &result.indices, &result.found, x, x.count, k)
        let count = Int(max(result.found, 0))
        result.values.removeLast(k - count)
        result.indices.removeLast(k - count)
        return result
    }
}
