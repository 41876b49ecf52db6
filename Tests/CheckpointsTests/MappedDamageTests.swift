import FathomCheckpoints
import FathomTensors
import FathomTestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("A mapped checkpoint")
struct MappedDamageTests {
    @Test("that is cut short while open says so, and the process lives on")
    func cutShort() throws {
        let folder = try TemporaryFolder()
        let path = folder("model.safetensors")
        let tensor = Tensor.zeros([1 << 16])
        try SafetensorsWriter.write([("x", tensor)], to: path)
        let file = try SafetensorsFile(path: path)
        let view = try file.tensor("x")
        try file.checkIntact()
        #expect(truncate(path, 4096) == 0)
        #expect(view.withBytes { $0.last } == 0)
        #expect(throws: (any Error).self) { try file.checkIntact() }
    }

    @Test("that loses less than a page says so too")
    func cutWithinPage() throws {
        let folder = try TemporaryFolder()
        let path = folder("model.safetensors")
        try SafetensorsWriter.write([("x", Tensor.zeros([8]))], to: path)
        let file = try SafetensorsFile(path: path)
        #expect(truncate(path, off_t(file.fileByteCount - 1)) == 0)
        #expect(throws: CheckpointError.changedWhileOpen(path: path)) { try file.checkIntact() }
    }

    @Test("that is written over in place says so")
    func overwritten() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Fixtures.bytes("15-gguf-llama-q8_0/model.gguf"), to: "a.gguf")
        let file = try GGUFFile(path: path)
        try file.checkIntact()
        usleep(20_000)
        try folder.write(Fixtures.bytes("15-gguf-llama-q8_0/model.gguf"), to: "a.gguf")
        #expect(throws: CheckpointError.changedWhileOpen(path: path)) { try file.checkIntact() }
    }

    @Test("that is replaced or removed keeps the tensors it had")
    func replaced() throws {
        let folder = try TemporaryFolder()
        let path = folder("model.safetensors")
        try SafetensorsWriter.write([("x", Tensor([1.0, 2], shape: [2]))], to: path)
        let file = try SafetensorsFile(path: path)
        try SafetensorsWriter.write([("x", Tensor([3.0, 4], shape: [2]))], to: path)
        #expect(try file.tensor("x").floatArray() == [1, 2])
        try file.checkIntact()
        #expect(unlink(path) == 0)
        try file.checkIntact()
    }
}
