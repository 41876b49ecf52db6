import FathomKernels
import FathomTensors
import FathomTestSupport
import Testing

@Suite struct TensorTests {
    @Test("a slice of rows is a view of them")
    func slicesRows() {
        let x = Tensor((0..<12).map(Float.init), shape: [4, 3])
        #expect(x[rows: 1..<3].floatArray() == [3, 4, 5, 6, 7, 8])
        #expect(x[rows: 1..<3].shape == [2, 3])
        #expect(x[rows: 2..<2].elementCount == 0)
    }

    @Test("reshaping keeps the elements")
    func reshapes() {
        let x = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
        #expect(x.reshaped([3, 2]).floatArray() == [1, 2, 3, 4, 5, 6])
        #expect(x.reshaped([6]).shape.rank == 1)
    }

    @Test("converting to a plain format and back rounds once", arguments: [DType.f16, .bf16])
    func convertsPlainFormats(type: DType) {
        let values: [Float] = [0, 1, -2.5, 0.099975586, 1024]
        let x = Tensor(values, shape: [5])
        let once = x.converted(to: type)
        #expect(once.dtype == type)
        #expect(once.dequantized().converted(to: type).floatArray() == once.floatArray())
    }

    @Test("every type knows its name, and its name finds it", arguments: DType.allCases)
    func namesRoundTrip(type: DType) {
        #expect(DType(named: type.name) == type)
        #expect(DType(named: type.name.lowercased()) == type)
    }

    @Test("bytes of a type are whole blocks or none")
    func countsBytes() {
        #expect(DType.q4_K.byteCount(elements: 512) == 288)
        #expect(DType.q4_K.byteCount(elements: 100) == nil)
        #expect(DType.f32.byteCount(elements: .max) == nil)
        #expect(DType.f32.byteCount(elements: -1) == nil)
    }

    @Test("the kernels lay types out and name them alike", arguments: DType.allCases)
    func agreesWithKernels(type: DType) {
        let kernel = fk_type(rawValue: UInt32(bitPattern: type.rawValue))
        // Types that only safetensors files hold are none of the kernels'.
        guard type.rawValue < 1000 || type == .f8e4m3 else {
            #expect(fk_block_elements(kernel) == 0)
            return
        }
        #expect(Int(fk_block_elements(kernel)) == type.blockElements)
        #expect(Int(fk_block_bytes(kernel)) == type.blockBytes)
        #expect(String(cString: fk_type_name(kernel)) == type.name)
    }

    @Test("counts what is not a number", arguments: [DType.f32, .f16, .bf16])
    func countsNonFinite(type: DType) {
        let x = Tensor([1, .nan, 3, .infinity, -.infinity, 6] as [Float], shape: [2, 3])
        #expect(x.converted(to: type).nonFiniteCount == 3)
        #expect(Tensor.zeros([4, 8]).nonFiniteCount == 0)
    }

    @Test("a quantised matrix decodes the same rows before and after it is packed")
    func packedRowsDecodeAlike() {
        var generator = SeededGenerator(seed: 7)
        let values = generator.floats(40 * 256)
        for type in [DType.q4_0, .q4_1, .q8_0, .q4_K, .q6_K] {
            let matrix = Matrix(Tensor(values, shape: [40, 256]).converted(to: type))
            let ids: [Int32] = [0, 39, 17, 17]
            let before = gather(ids, from: matrix).floatArray()
            _ = linear(Tensor.zeros([1, 256]), matrix)
            #expect(gather(ids, from: matrix).floatArray() == before, "\(type.name)")
        }
    }
}
