extension InvertedLists {
    /// Changes one list. Lists in a file of their own are brought into memory first.
    mutating func modify(
        _ list: Int, _ body: (inout ArrayLists.List) -> Void
    ) {
        switch self {
        case .none: break
        case .arrays(var lists):
            self = .none
            body(&lists.lists[list])
            self = .arrays(lists)
        case .blocks(var lists):
            self = .none
            body(&lists.lists[list])
            self = .blocks(lists)
        case .disk(let lists):
            self = .arrays(lists.loaded())
            modify(list, body)
        }
    }

    /// Adds rows at the end of a list.
    ///
    /// - Parameter listCount: how many lists there are to be, where there are none yet.
    mutating func append(
        _ rows: [UInt8], ids added: [Int64], to list: Int, _ layout: CodeLayout, listCount: Int
    ) {
        if case .none = self {
            let lists = Array(repeating: ArrayLists.List(), count: listCount)
            switch layout {
            case .rows(let size): self = .arrays(ArrayLists(codeSize: size, lists: lists))
            case .blocks(let blocks):
                self = .blocks(
                    BlockLists(blockRows: blocks.rows, blockSize: blocks.stride, lists: lists))
            }
        }
        modify(list) { list in
            let count = list.ids.count
            list.codes.modify { layout.append(rows[...], to: &$0, count: count) }
            list.ids.modify { $0 += added }
        }
    }

    /// Puts the last row of a list in the place of another, which is gone then.
    mutating func swapOut(_ offset: Int, of list: Int, _ layout: CodeLayout) {
        modify(list) { list in
            let last = list.ids.count - 1
            list.codes.modify { codes in
                layout.copy(last, to: offset, of: &codes)
                layout.truncate(&codes, to: last, from: last + 1)
            }
            list.ids.modify { ids in
                ids[offset] = ids[last]
                ids.removeLast()
            }
        }
    }

    /// Keeps the rows of some places, in their order; a place is not before its own rank.
    mutating func keep(_ order: [Int], of list: Int, _ layout: CodeLayout) {
        modify(list) { list in
            let old = list.ids.count
            list.codes.modify { codes in
                for (target, source) in order.enumerated() {
                    layout.copy(source, to: target, of: &codes)
                }
                layout.truncate(&codes, to: order.count, from: old)
            }
            list.ids.modify { ids in ids = order.map { ids[$0] } }
        }
    }

    /// Empties all lists.
    mutating func removeAll() {
        switch self {
        case .none: break
        case .arrays(let lists):
            self = .arrays(
                ArrayLists(
                    codeSize: lists.codeSize,
                    lists: Array(repeating: .init(), count: lists.lists.count)))
        case .blocks(let lists):
            self = .blocks(lists.emptied())
        case .disk(let lists):
            self = .arrays(
                ArrayLists(
                    codeSize: lists.codeSize,
                    lists: Array(repeating: .init(), count: lists.lists.count)))
        }
    }

    func id(_ offset: Int, of list: Int) -> Int64 {
        withList(list) { $0.ids?[offset] ?? -1 }
    }

    /// One row of a list.
    func row(_ offset: Int, of list: Int, _ layout: CodeLayout) -> [UInt8] {
        withList(list) { contents in
            guard let codes = contents.codes else { return [] }
            return layout.row(
                offset,
                of: UnsafeRawBufferPointer(
                    start: codes, count: layout.byteCount(contents.count)))
        }
    }

    /// All rows of a list.
    func rows(of list: Int, _ layout: CodeLayout) -> [UInt8] {
        (0..<count(list)).flatMap { row($0, of: list, layout) }
    }
}
