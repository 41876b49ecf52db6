import FathomKernels
import FathomTestSupport
import Testing

@Suite("Packed products")
struct MatmulPackedTests {
    @Test("list the formats that are multiplied packed")
    func formats() {
        #expect(
            Format.packable.map(\.description) == [
                "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
                "IQ4_NL", "IQ4_XS", "MXFP4",
            ])
        #expect(fk_packable(FK_TYPE_F32) == 0)
        #expect(fk_packable(FK_TYPE_IQ2_S) == 0)
    }

    @Test("refuse sizes that no packed matrix has")
    func sizes() {
        #expect(fk_packed_bytes(FK_TYPE_Q4_0, 16, 64) == 16 * 36)
        #expect(fk_packed_bytes(FK_TYPE_Q4_0, 17, 64) == 32 * 36)
        #expect(fk_packed_bytes(FK_TYPE_Q4_0, 16, 48) == 0)
        #expect(fk_packed_bytes(FK_TYPE_Q4_K, 16, 128) == 0)
        #expect(fk_packed_bytes(FK_TYPE_Q4_0, 0, 64) == 0)
        #expect(fk_packed_bytes(FK_TYPE_Q4_0, 16, -32) == 0)
        #expect(fk_packed_bytes(FK_TYPE_BF16, 16, 64) == 0)
        #expect(fk_packed_bytes(FK_TYPE_Q4_0, .max, 32) == 0)
        #expect(fk_packed_bytes(FK_TYPE_Q4_0, 1 << 40, 1 << 40) == 0)
    }

    @Test("take at most 6 % more memory than the file", arguments: Format.packable)
    func packedSize(format: Format) {
        let file = format.byteCount(of: 1024 * 2048)
        let packed = fk_packed_bytes(format.type, 1024, 2048)
        #expect(packed >= file)
        #expect(Double(packed) <= 1.06 * Double(file))
    }

    @Test("give back every bit that was packed", arguments: Format.packable)
    func roundTrip(format: Format) {
        var random = SeededGenerator(seed: 1)
        for (n, k) in format.awkwardShapes {
            let blocks = random.bytes(format.byteCount(of: n * k))
            let weight = PackedWeight(format, n: n, k: k, blocks: blocks)
            var unpacked = [UInt8](repeating: 0, count: blocks.count)
            fk_unpack(
                format.type, &unpacked, weight.packed.pointer, 0, Int64(n), Int64(n), Int64(k))
            #expect(firstDifference(unpacked, blocks) == nil, "\(n) x \(k)")
        }
    }

    @Test("pack the same bytes in pieces as in one call", arguments: Format.packable)
    func piecewise(format: Format) {
        var random = SeededGenerator(seed: 2)
        let (n, k) = (41, 512)
        let weight = PackedWeight(format, n: n, k: k, using: &random)
        let pieces = AlignedBytes(count: weight.packed.count)
        let rowBytes = format.byteCount(of: k)
        for rows in [32..<41, 0..<16, 16..<32] {
            let part = Array(weight.blocks[rows.lowerBound * rowBytes..<rows.upperBound * rowBytes])
            fk_pack(
                format.type, pieces.pointer, part, Int64(rows.lowerBound),
                Int64(rows.upperBound), Int64(n), Int64(k))
        }
        let whole = UnsafeRawBufferPointer(start: weight.packed.pointer, count: pieces.count)
        #expect(
            whole.elementsEqual(UnsafeRawBufferPointer(start: pieces.pointer, count: pieces.count)))
    }

    @Test("decode a row to the bits of the original", arguments: Format.packable)
    func rows(format: Format) {
        var random = SeededGenerator(seed: 3)
        for (n, k) in format.awkwardShapes {
            // Any bytes: scales that are infinite or NaN decode alike as well.
            let blocks = random.bytes(format.byteCount(of: n * k))
            let weight = PackedWeight(format, n: n, k: k, blocks: blocks)
            let expected = format.decode(blocks)
            for row in Set([0, n / 2, n - 1]) {
                var y = [Float](repeating: 0, count: k)
                fk_packed_row(
                    format.type, &y, weight.packed.pointer, Int64(row), Int64(n), Int64(k))
                #expect(
                    firstDifference(bits(y), bits(Array(expected[row * k..<(row + 1) * k]))) == nil)
            }
        }
    }

    @Test(
        "have the reference's bits at every level, for any number of rows of x",
        arguments: Format.packable)
    func levels(format: Format) {
        var random = SeededGenerator(seed: 4)
        for (n, k) in format.awkwardShapes {
            let weight = PackedWeight(format, n: n, k: k, using: &random)
            let x = RoundedActivations(random.floats(64 * k), k: k)
            let reference = bits(weight.product(x.layout, level: FK_LEVEL_REFERENCE))
            for level in usableLevels(fk_matmul_packed_levels) where level != FK_LEVEL_REFERENCE {
                for count in awkwardTokenCounts {
                    let begin = 64 - count
                    let slice = withUnsafePointer(to: x.layout) {
                        fk_activations_slice($0, Int64(begin), Int64(count))
                    }
                    let y = bits(weight.product(slice, level: level))
                    #expect(
                        firstDifference(y, Array(reference[(begin * n)...])) == nil,
                        "\(n) x \(k), \(count) rows, \(String(cString: fk_level_name(level)))")
                }
            }
        }
    }

    #if arch(x86_64)
        /// Everything of the AMX variant but the processor's tiles, and so also its last tile,
        /// which reaches back over rows that are done.
        @Test(
            "have the reference's bits with tiles, here modelled in plain code",
            .enabled(if: fk_detected_level().rawValue >= FK_LEVEL_AVX512.rawValue),
            arguments: Format.packable)
        func tiles(format: Format) {
            var random = SeededGenerator(seed: 11)
            for (n, k) in format.awkwardShapes.dropLast() {
                let weight = PackedWeight(format, n: n, k: k, using: &random)
                let x = RoundedActivations(random.floats(40 * k), k: k)
                let reference = bits(weight.product(x.layout, level: FK_LEVEL_REFERENCE))
                for count in [8, 9, 15, 16, 17, 31, 40] {
                    let begin = 40 - count
                    let slice = withUnsafePointer(to: x.layout) {
                        fk_activations_slice($0, Int64(begin), Int64(count))
                    }
                    let y = weight.modelledProduct(slice)
                    #expect(
                        firstDifference(bits(y), Array(reference[(begin * n)...])) == nil,
                        "\(n) x \(k), \(count) rows")
                }
            }
        }
    #endif

    /// Rows of x pass in blocks of at most 240, whole tiles of every level; 217, 432 and 479
    /// leave the last block and the last tile short in different ways.
    @Test("agree where the rows of x pass in several blocks", arguments: [217, 432, 479])
    func rowBlocks(count: Int) throws {
        let format = try #require(Format.named("Q4_0"))
        var random = SeededGenerator(seed: 5)
        let weight = PackedWeight(format, n: 33, k: 64, using: &random)
        let x = RoundedActivations(random.floats(count * 64), k: 64)
        let reference = bits(weight.product(x.layout, level: FK_LEVEL_REFERENCE))
        for level in usableLevels(fk_matmul_packed_levels) {
            #expect(firstDifference(bits(weight.product(x.layout, level: level)), reference) == nil)
        }
        #if arch(x86_64)
            if fk_detected_level().rawValue >= FK_LEVEL_AVX512.rawValue {
                let y = bits(weight.modelledProduct(x.layout))
                #expect(firstDifference(y, reference) == nil)
            }
        #endif
    }

    @Test("do not saturate on the largest codes", arguments: Format.packable)
    func extremes(format: Format) {
        let (n, k) = (17, 512)
        var random = SeededGenerator(seed: 6)
        let signs = (0..<5 * k).map { _ in Bool.random(using: &random) }
        for byte: UInt8 in [0x00, 0x7F, 0x80, 0xFF] {
            let blocks = format.uniformBlocks(elements: n * k, byte: byte)
            let weight = PackedWeight(format, n: n, k: k, blocks: blocks)
            for x in [
                signs.map { _ in Float(1) }, signs.map { _ in -1 }, signs.map { $0 ? 1 : -1 },
            ] {
                let rounded = RoundedActivations(x, k: k)
                let reference = weight.product(rounded.layout, level: FK_LEVEL_REFERENCE)
                #expect(!reference.contains { !$0.isFinite })
                for level in usableLevels(fk_matmul_packed_levels) {
                    let y = weight.product(rounded.layout, level: level)
                    #expect(firstDifference(bits(y), bits(reference)) == nil, "byte \(byte)")
                }
            }
        }
    }

    /// Rounding activations moves each by at most half its scale (and a little F32 rounding),
    /// so an output moves by at most half the sum of |w| d. Two operations a block of 16 or 32
    /// round in F32, each by 2^-24 of what it holds at most; with the products that enter,
    /// k / 8 roundings of the sum of magnitudes bound the rest.
    @Test(
        "are the product of the decoded weights, within the rounding of activations",
        arguments: Format.packable)
    func accuracy(format: Format) {
        var random = SeededGenerator(seed: 7)
        let (n, k, t) = (19, 768, 6)
        let weight = PackedWeight(format, n: n, k: k, using: &random)
        let w = format.decode(weight.blocks)
        let x = random.normal(t * k)
        let rounded = RoundedActivations(x, k: k)
        for level in usableLevels(fk_matmul_packed_levels) {
            let y = weight.product(rounded.layout, level: level)
            for token in 0..<t {
                let scales = rounded.scales(token)
                for row in 0..<n {
                    var exact = 0.0
                    var moved = 0.0
                    var magnitude = 0.0
                    for i in 0..<k {
                        let product = Double(w[row * k + i]) * Double(x[token * k + i])
                        exact += product
                        magnitude += abs(product)
                        moved += abs(Double(w[row * k + i])) * Double(scales[i / 32]) * 0.50001
                    }
                    let bound = moved + (magnitude + moved) * Double(k / 8) * 0x1p-24
                    #expect(abs(Double(y[token * n + row]) - exact) <= bound)
                }
            }
        }
    }

    @Test("write only the rows asked for", arguments: usableLevels(fk_matmul_packed_levels))
    func rowRange(level: fk_level) throws {
        let format = try #require(Format.named("Q4_K"))
        var random = SeededGenerator(seed: 8)
        let (n, k) = (57, 256)
        let weight = PackedWeight(format, n: n, k: k, using: &random)
        for t in [1, 3, 9] {
            let x = RoundedActivations(random.floats(t * k), k: k)
            let whole = weight.product(x.layout, level: level)
            for rows in [0..<16, 16..<48, 32..<57, 48..<57, 16..<16] {
                var y = [Float](repeating: 7, count: t * n)
                weight.product(x.layout, rows: rows, level: level, into: &y)
                let expected = whole.indices.map { rows.contains($0 % n) ? whole[$0] : 7 }
                #expect(y == expected)
            }
        }
    }

    @Test("add a bias and accumulate", arguments: usableLevels(fk_matmul_packed_levels))
    func epilogue(level: fk_level) throws {
        let format = try #require(Format.named("Q8_0"))
        var random = SeededGenerator(seed: 9)
        let (n, k) = (37, 96)
        let weight = PackedWeight(format, n: n, k: k, using: &random)
        let bias = random.floats(n)
        for t in [1, 4, 7] {
            let x = RoundedActivations(random.floats(t * k), k: k)
            let plain = weight.product(x.layout, level: level)
            let before = random.floats(t * n)
            var y = before
            weight.product(x.layout, level: level, bias: bias, into: &y, accumulate: true)
            #expect(y == plain.indices.map { before[$0] + (plain[$0] + bias[$0 % n]) })
            weight.product(x.layout, level: level, bias: bias, into: &y)
            #expect(y == plain.indices.map { plain[$0] + bias[$0 % n] })
            y = before
            weight.product(x.layout, level: level, into: &y, accumulate: true)
            #expect(y == plain.indices.map { before[$0] + plain[$0] })
        }
    }

    @Test("pass NaN on, to the outputs it reaches only")
    func nonFinite() throws {
        let format = try #require(Format.named("Q4_0"))
        var random = SeededGenerator(seed: 10)
        let weight = PackedWeight(format, n: 16, k: 64, using: &random)
        for t in [3, 12] {
            var x = random.floats(t * 64)
            x[64 + 5] = .nan
            let rounded = RoundedActivations(x, k: 64)
            for level in usableLevels(fk_matmul_packed_levels) {
                let y = weight.product(rounded.layout, level: level)
                for (index, value) in y.enumerated() { #expect(value.isNaN == (index / 16 == 1)) }
            }
        }
    }
}
