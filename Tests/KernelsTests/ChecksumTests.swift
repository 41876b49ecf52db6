import FathomKernels
import FathomTestSupport
import Testing

@Suite("Checksum kernels")
struct ChecksumTests {
    private func sum(_ bytes: [UInt8]) -> UInt32 {
        var sum: UInt32 = 0
        fk_crc32c(&sum, bytes, bytes.count)
        return sum
    }

    @Test("give the sums of RFC 3720, B.4")
    func knownSums() {
        #expect(sum([]) == 0)
        #expect(sum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(sum(Array(repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(sum(Array(repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(sum(Array(0..<32)) == 0x46DD_794E)
    }

    @Test("give the same sum of pieces as of the whole")
    func pieces() {
        var random = SeededGenerator(seed: 4)
        let bytes = (0..<1000).map { _ in UInt8.random(in: 0 ... .max, using: &random) }
        for cut in [0, 1, 7, 8, 9, 500, 999, 1000] {
            var sum: UInt32 = 0
            let (first, second) = (Array(bytes[..<cut]), Array(bytes[cut...]))
            fk_crc32c(&sum, first, first.count)
            fk_crc32c(&sum, second, second.count)
            #expect(sum == self.sum(bytes))
        }
    }

    @Test("give the reference's sum at every level")
    func levels() {
        var random = SeededGenerator(seed: 5)
        for variant in fasterVariants(fk_crc32c_levels, fk_crc32c_variant) {
            for size in 0..<100 {
                let bytes = (0..<size).map { _ in UInt8.random(in: 0 ... .max, using: &random) }
                var (found, wanted): (UInt32, UInt32) = (7, 7)
                variant.run(&found, bytes, size)
                fk_crc32c_reference(&wanted, bytes, size)
                #expect(found == wanted, "\(variant.level), \(size)")
            }
        }
    }
}
