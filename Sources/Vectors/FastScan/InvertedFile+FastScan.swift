extension InvertedFile {
    static let fastScanParameters: Set<SearchParameters.Name> = [.selector, .nprobe, .quantizer]

    /// Reads lists whose codes are in blocks of a certain shape.
    mutating func readLists(_ reader: inout IndexReader, blocks: FastScanBlocks) throws {
        try readLists(&reader, codeSize: nil)
        switch lists {
        case .none: break
        case .blocks(let lists):
            try reader.require(
                lists.blockRows == blocks.rows, "invlists/n_per_block", found: lists.blockRows,
                expected: "\(blocks.rows)")
            try reader.require(
                lists.blockSize == blocks.stride, "invlists/block_size", found: lists.blockSize,
                expected: "\(blocks.stride)")
        case .arrays, .disk:
            throw reader.failure("invlists", found: "plain lists", expected: "blocks")
        }
    }

    /// Scans lists of blocks with tables that were made for them.
    ///
    /// - Parameters:
    ///   - skipsBeyond: whether the rounded distance is the distance, smaller for nearer, so that
    ///     what is beyond the bound need not be looked at.
    ///   - distance: from the rounded distance of a row of a list's codes, by the place of
    ///     the list among the probes, and the bound to reach.
    func scan(
        _ probes: [Int], _ blocks: FastScanBlocks, _ table: QuantizedTable, normScale: Int32 = 1,
        _ parameters: SearchParameters, into top: inout TopK, skipsBeyond: Bool = false,
        distance: (
            _ probe: Int, _ codes: UnsafeRawPointer, _ row: Int, _ rounded: Float, _ bound: Float
        ) -> Float
    ) throws {
        for (probe, list) in probes.enumerated() {
            try parameters.limit?.check()
            let bias = table.biases.isEmpty ? 0 : table.biases[probe]
            lists.withList(list) { contents in
                guard let codes = contents.codes, let ids = contents.ids else { return }
                table.withTable(list: probe) { entries in
                    blocks.forEachSum(
                        codes, count: contents.count, table: entries, scale: normScale,
                        beyond: { skipsBeyond ? max(0, table.sumBeyond(top.bound) - bias) : .max }
                    ) { row, sum in
                        if let selector = parameters.selector, !selector.contains(ids[row]) {
                            return
                        }
                        let distance = distance(
                            probe, codes, row, table.distance(sum + bias), top.bound)
                        top.offer(distance, ids[row])
                    }
                }
            }
        }
        try lists.checkIntact()
    }
}
