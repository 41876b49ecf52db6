import FathomKernels
import FathomTestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

private typealias Backward = (
    UnsafePointer<fk_attention_gradient>?, Int, Int, UnsafeMutablePointer<Float>?
) -> Void

/// A whole sequence with its outputs and the gradient of a loss by them.
private struct GradientCase {
    let shape: AttentionShape
    let keys, values, queries, doutputs, outputs, logSums: [Float]

    init(_ shape: AttentionShape) {
        self.shape = shape
        let forward = AttentionCase(shape, type: FK_KV_F32, seed: 7)
        let results = forward.run(fk_attend)
        let outputCount = shape.queries * shape.heads * shape.valueDimension
        keys = forward.keys
        values = forward.values
        queries = forward.queries
        outputs = Array(results.prefix(outputCount))
        logSums = Array(results.dropFirst(outputCount))
        var numbers = SeededGenerator(seed: 8)
        doutputs = numbers.row(outputCount)
    }

    /// dqueries, then dkeys, then dvalues.
    func run(_ backward: Backward, headStep: Int? = nil) -> [Float] {
        let step = headStep ?? shape.keyValueHeads
        var dqueries = queries.map { _ in Float.nan }
        var dkeys = keys.map { _ in Float.nan }, dvalues = values.map { _ in Float.nan }
        queries.withUnsafeBufferPointer { q in
            keys.withUnsafeBufferPointer { k in
                values.withUnsafeBufferPointer { v in
                    outputs.withUnsafeBufferPointer { o in
                        doutputs.withUnsafeBufferPointer { d in
                            logSums.withUnsafeBufferPointer { l in
                                dqueries.withUnsafeMutableBufferPointer { dq in
                                    dkeys.withUnsafeMutableBufferPointer { dk in
                                        dvalues.withUnsafeMutableBufferPointer { dv in
                                            var gradient = fk_attention_gradient(
                                                queries: q.baseAddress, keys: k.baseAddress,
                                                values: v.baseAddress, outputs: o.baseAddress,
                                                doutputs: d.baseAddress, logsumexps: l.baseAddress,
                                                dqueries: dq.baseAddress, dkeys: dk.baseAddress,
                                                dvalues: dv.baseAddress, tokens: shape.queries,
                                                key_value_heads: shape.keyValueHeads,
                                                group: shape.group, key_dim: shape.keyDimension,
                                                value_dim: shape.valueDimension,
                                                scale: 1 / Float(shape.keyDimension).squareRoot())
                                            var scratch = [Float](
                                                repeating: .nan,
                                                count: fk_attend_backward_scratch_floats(&gradient))
                                            for head in stride(
                                                from: 0, to: shape.keyValueHeads, by: step)
                                            {
                                                backward(
                                                    &gradient, head,
                                                    min(head + step, shape.keyValueHeads), &scratch)
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        return dqueries + dkeys + dvalues
    }

    /// The loss sum(doutputs x attention) in double.
    func loss(queries: [Double], keys: [Double], values: [Double]) -> Double {
        let scale = Double(1 / Float(shape.keyDimension).squareRoot())
        var loss = 0.0
        for t in 0..<shape.queries {
            for head in 0..<shape.heads {
                let kvHead = head / shape.group
                let query = (t * shape.heads + head) * shape.keyDimension
                let weights = (0...t).map { j in
                    let key = (j * shape.keyValueHeads + kvHead) * shape.keyDimension
                    return exp(
                        scale
                            * (0..<shape.keyDimension).reduce(0.0) {
                                $0 + queries[query + $1] * keys[key + $1]
                            })
                }
                let sum = weights.reduce(0, +)
                let output = (t * shape.heads + head) * shape.valueDimension
                for (j, weight) in weights.enumerated() {
                    let value = (j * shape.keyValueHeads + kvHead) * shape.valueDimension
                    for d in 0..<shape.valueDimension {
                        loss += Double(doutputs[output + d]) * weight / sum * values[value + d]
                    }
                }
            }
        }
        return loss
    }
}

@Suite("Attention gradient kernels")
struct NNAttentionGradientTests {
    private static let shapes = [
        AttentionShape(queries: 1, keyDimension: 8, valueDimension: 8),
        AttentionShape(
            queries: 63, keyValueHeads: 2, group: 2, keyDimension: 17, valueDimension: 33),
        AttentionShape(queries: 65, group: 3, keyDimension: 16, valueDimension: 16),
        AttentionShape(queries: 150, keyValueHeads: 2, keyDimension: 48, valueDimension: 32),
        AttentionShape(queries: 70, keyDimension: 192, valueDimension: 128),
    ]

    @Test("every level has the reference's bits, head by head or not", arguments: shapes)
    func levels(shape: AttentionShape) {
        let variants = fasterVariants(fk_attend_backward_levels, fk_attend_backward_variant)
        let test = GradientCase(shape)
        let expected = test.run(fk_attend_backward_reference)
        #expect(expected.allSatisfy { $0.isFinite })
        for variant in variants {
            expectSameBits(test.run(variant.run), expected, "\(variant.level)")
            expectSameBits(test.run(variant.run, headStep: 1), expected, "\(variant.level)")
        }
    }

    @Test("gradients agree with central differences of attention in double")
    func centralDifferences() {
        let shape = AttentionShape(
            queries: 20, keyValueHeads: 2, group: 2, keyDimension: 6, valueDimension: 5)
        let test = GradientCase(shape)
        let found = test.run(fk_attend_backward)
        let q = test.queries.map(Double.init), k = test.keys.map(Double.init)
        let v = test.values.map(Double.init)
        var exact: [Double] = []
        for i in q.indices {
            exact.append(
                slope(at: q[i], step: 1e-5) {
                    var moved = q
                    moved[i] = $0
                    return test.loss(queries: moved, keys: k, values: v)
                })
        }
        for i in k.indices {
            exact.append(
                slope(at: k[i], step: 1e-5) {
                    var moved = k
                    moved[i] = $0
                    return test.loss(queries: q, keys: moved, values: v)
                })
        }
        for i in v.indices {
            exact.append(
                slope(at: v[i], step: 1e-5) {
                    var moved = v
                    moved[i] = $0
                    return test.loss(queries: q, keys: k, values: moved)
                })
        }
        let largest = exact.map(abs).max() ?? 0
        #expect(largest > 0.1)
        expectNear(found, exact, within: 3e-6 * largest)
    }
}
