extension InvertedLists {
    /// Removes the vectors whose labels a selector contains; the last one of a list fills a gap.
    ///
    /// - Returns: how many were removed.
    mutating func remove(
        _ selector: IDSelector, _ layout: CodeLayout, _ directMap: inout DirectMap
    ) throws -> Int {
        var removed = 0
        switch directMap {
        case .array:
            throw IndexChangeError.refused(
                "lose vectors while its direct map is an array", by: "An inverted file",
                remedy: "set a direct map by hash table, or none")
        case .hashTable:
            // A list of labels is followed in its order, as in Faiss.
            let ids =
                selector.listedIDs
                ?? (0..<listCount).flatMap { self.ids($0) }.filter { selector.contains($0) }
            for id in ids {
                guard let place = place(of: id, directMap) else { continue }
                directMap.remove(id)
                takeOut(place.list, place.offset, layout, &directMap)
                removed += 1
            }
        case .none:
            for list in 0..<listCount {
                let ids = ids(list)
                // The places that those that stay come from, one after the other.
                var order = Array(ids.indices)
                var place = 0
                while place < order.count {
                    if selector.contains(ids[order[place]]) {
                        let last = order.removeLast()
                        if place < order.count { order[place] = last }
                    } else {
                        place += 1
                    }
                }
                guard order.count < ids.count else { continue }
                removed += ids.count - order.count
                keep(order, of: list, layout)
            }
        }
        return removed
    }

    /// Where a direct map says that a label is, if it is there indeed.
    func place(of id: Int64, _ directMap: DirectMap) -> (list: Int, offset: Int)? {
        guard let place = directMap.place(of: id), place.list < listCount,
            place.offset < count(place.list), self.id(place.offset, of: place.list) == id
        else { return nil }
        return place
    }

    /// Takes one vector out of a list.
    mutating func takeOut(
        _ list: Int, _ offset: Int, _ layout: CodeLayout, _ directMap: inout DirectMap
    ) {
        let last = count(list) - 1
        if offset < last { directMap.set(id(last, of: list), list: list, offset: offset) }
        swapOut(offset, of: list, layout)
    }

    /// Adds rows to lists and notes where they are.
    ///
    /// - Parameter listCount: how many lists there are to be, where there are none yet.
    mutating func append(
        _ rows: [UInt8], _ layout: CodeLayout, ids: [Int64], to numbers: [Int], listCount: Int,
        _ directMap: inout DirectMap
    ) {
        let size = layout.rowSize
        var places: [Int: [Int]] = [:]
        for (row, list) in numbers.enumerated() { places[list, default: []].append(row) }
        for (list, members) in places.sorted(by: { $0.key < $1.key }) {
            let first = count(list)
            var codes: [UInt8] = []
            codes.reserveCapacity(members.count * size)
            for row in members { codes += rows[row * size..<(row + 1) * size] }
            append(codes, ids: members.map { ids[$0] }, to: list, layout, listCount: listCount)
            for (offset, row) in members.enumerated() {
                directMap.set(ids[row], list: list, offset: first + offset)
            }
        }
    }

    /// Appends the lists of others to the lists of the same numbers.
    mutating func merge(
        _ other: InvertedLists, _ layout: CodeLayout, shiftingIDs shift: Int64, listCount: Int
    ) throws {
        var moved: [[Int64]] = []
        for list in 0..<other.listCount {
            moved.append(
                try other.ids(list).map { id in
                    let sum = id.addingReportingOverflow(shift)
                    guard !sum.overflow else {
                        throw IndexChangeError.idOverflow(id, shift: shift)
                    }
                    return sum.partialValue
                })
        }
        for (list, ids) in moved.enumerated() where !ids.isEmpty {
            append(
                other.rows(of: list, layout), ids: ids, to: list, layout, listCount: listCount)
        }
    }

    /// Gives every vector another label.
    mutating func relabel(_ change: (Int64) -> Int64) {
        for list in 0..<listCount where count(list) > 0 {
            modify(list) { list in list.ids.modify { $0 = $0.map(change) } }
        }
    }
}
