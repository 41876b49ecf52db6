import FathomKernels
import FathomTestSupport

/// Memory as the packed kernels want it: aligned to 64 bytes, filled with a pattern that is no
/// zero, freed with its owner.
final class AlignedBytes {
    let pointer: UnsafeMutableRawPointer
    let count: Int

    init(count: Int) {
        self.count = count
        pointer = .allocate(byteCount: max(count, 1), alignment: 64)
        pointer.initializeMemory(as: UInt8.self, repeating: 0xA5, count: max(count, 1))
    }

    deinit {
        pointer.deallocate()
    }
}

/// Activations rounded to 8 bits, with their memory.
struct RoundedActivations {
    let memory: AlignedBytes
    let layout: fk_activations

    init(rows: Int, k: Int) {
        memory = AlignedBytes(count: fk_activations_bytes(Int64(rows), Int64(k)))
        layout = fk_activations_in(memory.pointer, Int64(rows), Int64(k))
    }

    init(_ x: [Float], k: Int, level: fk_level = FK_LEVEL_REFERENCE) {
        self.init(rows: x.count / k, k: k)
        withUnsafePointer(to: layout) {
            fk_quantize_activations_at(level, $0, x, k, 0, Int64(x.count / k))
        }
    }

    var rows: Int { Int(layout.rows) }
    var k: Int { Int(layout.k) }

    func codes(_ row: Int) -> [Int8] {
        guard let base = layout.codes else { return [] }
        return (0..<k).map { base[row * Int(layout.stride) + $0] }
    }

    func scales(_ row: Int) -> [Float] {
        guard let base = layout.scales else { return [] }
        return (0..<k / 32).map { base[row * k / 32 + $0] }
    }

    func sums(_ row: Int) -> [Int16] {
        guard let base = layout.sums else { return [] }
        return (0..<k / 16).map { base[row * k / 16 + $0] }
    }
}

/// A quantised weight in its two forms.
struct PackedWeight {
    let format: Format
    let n, k: Int
    let blocks: [UInt8]
    let packed: AlignedBytes

    init(_ format: Format, n: Int, k: Int, blocks: [UInt8]) {
        self.format = format
        self.n = n
        self.k = k
        self.blocks = blocks
        packed = AlignedBytes(count: fk_packed_bytes(format.type, Int64(n), Int64(k)))
        fk_pack(format.type, packed.pointer, blocks, 0, Int64(n), Int64(n), Int64(k))
    }

    /// Encodes random weights.
    init(_ format: Format, n: Int, k: Int, using random: inout SeededGenerator) {
        self.init(format, n: n, k: k, blocks: format.encode(random.floats(n * k)))
    }

    func product(
        _ x: fk_activations, rows: Range<Int>? = nil, level: fk_level, bias: [Float]? = nil,
        into y: inout [Float], accumulate: Bool = false
    ) {
        let rows = rows ?? 0..<n
        withUnsafePointer(to: x) { x in
            fk_matmul_packed_at(
                level, format.type, &y, n, packed.pointer, x, Int64(n), Int64(rows.lowerBound),
                Int64(rows.upperBound), bias, accumulate ? 1 : 0)
        }
    }

    func product(_ x: fk_activations, level: fk_level) -> [Float] {
        var y = [Float](repeating: 7, count: Int(x.rows) * n)
        product(x, level: level, into: &y)
        return y
    }

    #if arch(x86_64)
        /// The product by the AMX variant over a model of its tiles.
        func modelledProduct(_ x: fk_activations) -> [Float] {
            var y = [Float](repeating: 7, count: Int(x.rows) * n)
            withUnsafePointer(to: x) {
                fk_matmul_packed_amx_model(
                    format.type, &y, n, packed.pointer, $0, Int64(n), 0, Int64(n), nil, 0)
            }
            return y
        }
    #endif
}

extension Format {
    static let packable: [Format] = {
        var types = [fk_type](repeating: FK_TYPE_F32, count: 64)
        let count = types.withUnsafeMutableBufferPointer {
            fk_packable_types($0.baseAddress, 64)
        }
        return types.prefix(Int(count)).map { Format(type: $0) }
    }()

    /// Where the f16 fields of a packable block lie; MXFP4 has none.
    var halfOffsets: [Int] {
        switch type {
        case FK_TYPE_Q2_K: [80, 82]
        case FK_TYPE_Q3_K: [108]
        case FK_TYPE_Q6_K: [208]
        case FK_TYPE_Q4_1, FK_TYPE_Q5_1, FK_TYPE_Q4_K, FK_TYPE_Q5_K: [0, 2]
        case FK_TYPE_MXFP4: []
        default: [0]
        }
    }

    /// Blocks of one byte, with scales between 1/2 and 1 and minimums likewise.
    func uniformBlocks(elements: Int, byte: UInt8) -> [UInt8] {
        var blocks = [UInt8](repeating: byte, count: byteCount(of: elements))
        for start in stride(from: 0, to: blocks.count, by: blockBytes) {
            for offset in halfOffsets {
                blocks[start + offset] = 0x12
                blocks[start + offset + 1] = 0x38
            }
            if type == FK_TYPE_MXFP4 { blocks[start] = 127 }
        }
        return blocks
    }

    /// Weight sizes around the 16 rows of a group, the 32 elements of a block, the 256 of a run
    /// and the runs of a chunk.
    var awkwardShapes: [(n: Int, k: Int)] {
        blockElements == 256
            ? [(1, 256), (15, 512), (16, 768), (17, 1280), (48, 1536)]
            : [(1, 32), (15, 64), (16, 288), (17, 576), (33, 736), (48, 1536)]
    }
}

/// Numbers of activation rows around the tiles of every level and the ways through a product.
let awkwardTokenCounts = [1, 2, 3, 4, 5, 6, 7, 8, 13, 33, 64]
