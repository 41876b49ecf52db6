import FathomTestSupport
import FathomVectors
import Testing

@Suite("Hostile index files")
struct HostileIndexTests {
    /// Files of every family, small enough to be read two thousand times each.
    static let names = [
        "flat_ip_tiny", "ivfflat_dedup", "pt_itq", "lsh_rot_thr", "ivfflat_sparse_ids",
        "rabitqfs_ip", "bin_idmap2", "sq8_rs_minmax", "bin_multihash", "aq_lsq_nqint8", "aq_plsq",
        "aq_ivf_rqfs", "aq_ivf_rq", "ivfrabitqfs", "bin_hash", "hnswflat_small_2adds", "nsgsq",
        "rabitq_2bit", "bin_ivf", "pqfs_oddtotal", "rowwise_minmax",
    ]

    /// Reads an index and, if it is one, searches it in every way that may follow what it holds.
    static func use(_ bytes: [UInt8]) {
        guard let file = try? IndexFile.read(bytes) else { return }
        switch file {
        case .vectors(let index):
            guard index.dimension <= 4096,
                let queries = try? VectorRows(
                    Array(repeating: 0.25, count: index.dimension), dimension: index.dimension)
            else { return }
            _ = try? index.search(queries, k: 5)
            _ = try? index.rangeSearch(queries, radius: 3)
            _ = try? index.reconstruct(1)
        case .binary(let index):
            guard index.dimension <= 1 << 15,
                let queries = try? BinaryRows(
                    Array(repeating: 0xA5, count: index.codeSize), codeSize: index.codeSize)
            else { return }
            _ = try? index.search(queries, k: 5)
            _ = try? index.rangeSearch(queries, radius: 9)
            _ = try? index.reconstruct(1)
        }
        _ = try? file.bytes()
    }

    @Test("changed in any byte of the header give an error or an index", arguments: names)
    func everyHeaderByte(_ name: String) throws {
        let original = try Fixtures.bytes("faiss/\(name)/index.faiss")
        for position in 0..<min(original.count, 360) {
            for value: UInt8 in [0x00, 0x01, 0x7F, 0x80, 0xFF, original[position] ^ 0x10] {
                var bytes = original
                bytes[position] = value
                Self.use(bytes)
            }
        }
    }

    @Test("Works when 3: damaged anywhere give an error or an index", arguments: FaissCase.all)
    func damage(_ example: FaissCase) throws {
        let original = try example.bytes()
        var flips = ByteFlips(original, seed: 41)
        flips.forEach("index \(example.name)", count: 100) { Self.use($0) }
    }

    @Test("Works when 3: cut short are an error that says where", arguments: FaissCase.all)
    func truncation(_ example: FaissCase) throws {
        let original = try example.bytes()
        for step in 0..<100 {
            let length = original.count * step / 100
            #expect(throws: IndexFileError.self, "\(length) bytes") {
                try IndexFile.read(Array(original.prefix(length)))
            }
        }
    }

    private func failure(_ bytes: [UInt8]) -> IndexFileError? {
        do {
            _ = try IndexFile.read(bytes)
            return nil
        } catch { return error as? IndexFileError }
    }

    @Test("with bytes behind the index are refused")
    func trailing() {
        var file = IndexBytes()
        file.flat([1, 2], 2)
        #expect(failure(file.bytes) == nil)
        #expect(failure(file.bytes + [0])?.reason == .trailingBytes(1))
    }

    @Test("of unknown types are refused by name")
    func unknownType() {
        #expect(failure(Array("IxXXrest".utf8))?.reason == .unknownType("IxXX"))
        #expect(failure([]) != nil)
    }

    @Test(
        "of Faiss's types that are not read are refused by what they hold",
        arguments: [
            ("IxEd", "EDEN codes"), ("IHNc", "a CAGRA graph"), ("ISVF", "SVS vectors"),
            ("IxLa", "lattice codes"), ("IBHc", "a CAGRA graph of bits"),
            ("IwPn", "inverted lists of Panorama vectors"),
        ])
    func unreadType(_ type: String, _ contents: String) {
        let error = failure(Array(type.utf8) + Array(repeating: 0, count: 100))
        #expect(error?.reason == .unreadType(type, holds: contents))
        #expect(error?.offset == 0)
        #expect(error?.description.contains("'\(type)', which holds \(contents)") == true)
    }

    @Test("that claim more than there is hold no more than that in memory")
    func hugeCounts() {
        for count: UInt64 in [1 << 40, 1 << 62, .max] {
            var file = IndexBytes()
            file.type("IxF2")
            file.header(4, count: 1 << 40)
            file.add(count)
            #expect(failure(file.bytes) != nil)
        }
        var overflow = IndexBytes()
        overflow.type("IxF2")
        overflow.header(1_000_000, count: .max)
        overflow.add(UInt64(0))
        #expect(failure(overflow.bytes)?.field == "codes")
    }

    @Test("with booleans, metrics and dimensions that are none are refused by name")
    func fields() {
        var file = IndexBytes()
        file.flat([1, 2], 2)
        func changed(_ offset: Int, _ value: UInt8) -> String? {
            var bytes = file.bytes
            bytes[offset] = value
            return failure(bytes)?.field
        }
        #expect(changed(32, 2) == "is_trained")
        #expect(changed(33, 17) == "metric_type")
        #expect(changed(4, 0) == "d")
        #expect(changed(15, 0x80) == "ntotal")
    }

    @Test("nested without end are refused before the stack is")
    func nesting() {
        var file = IndexBytes()
        for _ in 0..<20_000 {
            file.type("IxMp")
            file.header(2, count: 0)
        }
        #expect(failure(file.bytes)?.reason == .tooDeep(limit: 50))
    }

    @Test("whose graph leads out of it are refused")
    func links() throws {
        let original = try Fixtures.bytes("faiss/hnswflat_small_2adds/index.faiss")
        // The first neighbour of the first vector, behind five tables of known sizes.
        let count = 137
        var offset = 4 + 33
        for size in [8, 4, 4, 8] {
            let elements = original[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
            offset += 8 + elements * size
        }
        var bytes = original
        bytes.replaceSubrange(offset + 8..<offset + 12, with: [UInt8(count), 0, 0, 0])
        #expect(failure(bytes)?.field == "hnsw/neighbors")
    }

    @Test("look for a list file beside themselves, and nowhere else")
    func listFile() throws {
        let original = try Fixtures.bytes("faiss/ondisk_ivfsq8/index.faiss")
        #expect(failure(original)?.field.hasSuffix("filename") == true)
        let folder = try TemporaryFolder()
        let path = try folder.write(original, to: "index.faiss")
        // The list file is not there yet.
        #expect(throws: IndexFileError.self) { try IndexFile.read(path) }
        let name = "lists.ivfdata"
        _ = try folder.write(try Fixtures.bytes("faiss/ondisk_ivfsq8/\(name)"), to: name)
        _ = try IndexFile.read(path)
        // The size of the name, the name and the size of the file end the index.
        let end = original.count - 8
        func naming(_ other: String) throws -> IndexFile {
            var bytes = original
            let size = withUnsafeBytes(of: UInt64(other.utf8.count)) { Array($0) }
            bytes.replaceSubrange(end - name.utf8.count - 8..<end, with: size + other.utf8)
            return try IndexFile.read(try folder.write(bytes, to: "index.faiss"))
        }
        _ = try naming("/some/other/folder/" + name)
        for refused in ["", ".", "..", "../..", "lists/", "a\0b"] {
            let error = #expect(throws: IndexFileError.self) { try naming(refused) }
            #expect(error?.field.hasSuffix("filename") == true, "'\(refused)'")
        }
    }
}
