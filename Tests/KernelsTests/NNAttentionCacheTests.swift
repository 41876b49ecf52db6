import FathomKernels
import Testing

@Suite("Key and value cache kernels")
struct NNAttentionCacheTests {
    private static let shapes = [
        AttentionShape(queries: 100, keyValueHeads: 3, keyDimension: 64, valueDimension: 64),
        AttentionShape(
            queries: 53, keyValueHeads: 2, keyDimension: 33, valueDimension: 17, pageLength: 16),
        AttentionShape(queries: 40, keyDimension: 192, valueDimension: 128, pageLength: 48),
        AttentionShape(queries: 17, keyValueHeads: 2, keyDimension: 1, valueDimension: 1),
        AttentionShape(
            queries: 53, keyValueHeads: 2, keyDimension: 33, valueDimension: 17, pageLength: 16,
            valuesInKeys: true),
    ]

    @Test("pages hold the reference's bytes at every level, in any pieces", arguments: shapes)
    func levels(shape: AttentionShape) {
        let variants = fasterVariants(fk_kv_store_levels, fk_kv_store_variant)
        for type in [FK_KV_F32, FK_KV_F16, FK_KV_BF16] {
            let test = AttentionCase(shape, type: type)
            let expected = test.contents
            for variant in variants {
                for piece in [1, 5, 16, 33, shape.positions] {
                    test.clearPages()
                    for begin in stride(from: 0, to: shape.positions, by: piece) {
                        let range = begin..<min(begin + piece, shape.positions)
                        for head in 0..<shape.keyValueHeads {
                            test.store(variant.run, range, heads: head..<(head + 1))
                        }
                    }
                    // Compared apart: a failure should not print the pages.
                    let isSame = test.contents == expected
                    #expect(isSame, "\(variant.level), pieces of \(piece)")
                }
            }
        }
    }

    @Test("what is stored comes back, rounded to the cache's type", arguments: shapes)
    func roundTrip(shape: AttentionShape) {
        let exact = AttentionCase(shape, type: FK_KV_F32)
        #expect(exact.loaded().keys == exact.keys && exact.loaded().values == exact.values)
        let brain = AttentionCase(shape, type: FK_KV_BF16)
        expectSameBits(brain.loaded().keys, brain.keys.map(toBFloat16))
        expectSameBits(brain.loaded().values, brain.values.map(toBFloat16))
        #if arch(arm64) || os(Linux)
            let half = AttentionCase(shape, type: FK_KV_F16)
            expectSameBits(half.loaded().keys, half.keys.map { Float(Float16($0)) })
            expectSameBits(half.loaded().values, half.values.map { Float(Float16($0)) })
        #endif
    }

    #if arch(arm64) || os(Linux)
        @Test("float16 rounding is to nearest even over every exponent")
        func halfRounding() {
            // Around each representable number and each midpoint between two.
            var x: [Float] = [0, -0, .infinity, -.infinity, .nan, 65504, 65519.99, 65520, 1e30]
            for bits in stride(from: UInt16(0), to: 0x7c00, by: 31) {
                let low = Float(Float16(bitPattern: bits))
                let high = Float(Float16(bitPattern: bits + 1))
                let middle = high.isFinite ? (low + high) / 2 : low
                x += [low, -low, middle, -middle, middle.nextUp, middle.nextDown]
            }
            checkRounding(fk_kv_store_reference, x)
            checkRounding(fk_kv_store, x)
        }

        private func checkRounding(
            _ store: AttentionCase.Store, _ x: [Float],
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            let shape = AttentionShape(queries: 1, keyDimension: x.count, valueDimension: 16)
            let test = AttentionCase(shape, type: FK_KV_F16)
            var cache = test.cache
            store(&cache, x, x.count, test.values, 16, 0, 1, 0, 1)
            expectSameBits(
                test.loaded().keys, x.map { Float(Float16($0)) }, sourceLocation: sourceLocation)
        }
    #endif

    @Test("the size of a page covers its keys and padded values, and refuses bad shapes")
    func pageBytes() {
        func bytes(
            _ length: Int, _ heads: Int, _ keys: Int, _ values: Int, _ type: fk_kv_type,
            shared: Int32 = 0
        ) -> Int {
            var cache = fk_kv_cache(
                pages: nil, page_offset: 0, page_length: length, key_value_heads: heads,
                key_dim: keys, value_dim: values, type: type, values_in_keys: shared)
            return fk_kv_page_bytes(&cache)
        }
        #expect(bytes(64, 3, 64, 64, FK_KV_F16) == 64 * 3 * 128 * 2)
        #expect(bytes(16, 1, 1, 1, FK_KV_F32) == 16 * 17 * 4)
        #expect(bytes(16, 1, 1, 16, FK_KV_BF16) == 576)  // 544 rounded up to 64
        #expect(bytes(0, 3, 64, 64, FK_KV_F16) == 0)
        #expect(bytes(24, 3, 64, 64, FK_KV_F16) == 0)
        #expect(bytes(64, 0, 64, 64, FK_KV_F16) == 0)
        #expect(bytes(64, 3, 0, 64, FK_KV_F16) == 0)
        #expect(bytes(64, 3, 64, 64, fk_kv_type(rawValue: 9)) == 0)
        #expect(bytes(1 << 40, 1 << 30, 64, 64, FK_KV_F16) == 0)
        #expect(bytes(64, 1, 64, -1, FK_KV_F16) == 0)
        #expect(bytes(64, 1, 576, 512, FK_KV_F16, shared: 1) == 64 * 576 * 2)
        #expect(bytes(64, 1, 576, 577, FK_KV_F16, shared: 1) == 0)
    }

    private func toBFloat16(_ x: Float) -> Float {
        let bits = x.bitPattern
        return Float(bitPattern: (bits &+ 0x7fff &+ ((bits >> 16) & 1)) & 0xffff_0000)
    }
}
