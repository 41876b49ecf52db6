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
        try forEachSum(
            probes, blocks, table, normScale: normScale, parameters,
            beyond: { skipsBeyond ? table.sumBeyond(top.bound) : .max }
        ) { probe, codes, row, sum, label in
            top.offer(distance(probe, codes, row, table.distance(sum), top.bound), label)
        }
    }

    /// Calls a closure with the sum of each row of some lists that a selector contains.
    ///
    /// - Parameter beyond: asked before some rows at a time; sums from it on are passed over.
    func forEachSum(
        _ probes: [Int], _ blocks: FastScanBlocks, _ table: QuantizedTable,
        normScale: Int32 = 1, _ parameters: SearchParameters, beyond: () -> Int32 = { .max },
        _ body: (
            _ probe: Int, _ codes: UnsafeRawPointer, _ row: Int, _ sum: Int32, _ label: Int64
        ) -> Void
    ) throws {
        for (probe, list) in probes.enumerated() {
            try parameters.limit?.check()
            let bias = table.biases.isEmpty ? 0 : table.biases[probe]
            lists.withList(list) { contents in
                guard let codes = contents.codes, let ids = contents.ids else { return }
                table.withTable(list: probe) { entries in
                    blocks.forEachSum(
                        codes, count: contents.count, table: entries, scale: normScale,
                        beyond: {
                            let sum = beyond()
                            return sum == .max ? .max : max(0, sum - bias)
                        }
                    ) { row, sum in
                        if let selector = parameters.selector, !selector.contains(ids[row]) {
                            return
                        }
                        body(probe, codes, row, sum + bias, ids[row])
                    }
                }
            }
        }
        try lists.checkIntact()
    }
}
