extension InvertedFile {
    /// The list of each vector: that of the nearest centroid.
    func assign(_ vectors: VectorRows) throws -> [Int] {
        if let flat = quantizer as? FlatIndex, flat.metric == .l2 || flat.metric == .innerProduct,
            flat.count > 0
        {
            return NearestCentroids(
                flat.vectors(decoding: flat.codes.array), isSimilarity: flat.metric.isSimilarity
            ).assign(vectors).numbers
        }
        // A search of a graph may come back with nothing.
        return try quantizer.search(vectors, k: 1).labels.map { label in
            label >= 0 && label < listCount ? Int(label) : 0
        }
    }

    /// The centroids of lists, a row each.
    func centers(of lists: [Int]) throws -> VectorRows {
        try quantizer.reconstruct(lists.map(Int64.init))
    }

    /// Throws unless the lists can be changed.
    func checkChangeable(_ type: String, givesIDs: Bool) throws {
        if listCount == 0 {
            throw IndexChangeError.refused(
                "take vectors", by: type, remedy: "it has no lists; build a new index")
        }
        if givesIDs, case .array = directMap {
            throw IndexChangeError.refused(
                "take labels while its direct map is an array", by: type,
                remedy: "set a direct map by hash table, or none, or leave the labels out")
        }
    }

    /// Adds rows to lists.
    mutating func append(_ rows: [UInt8], _ layout: CodeLayout, ids: [Int64], to lists: [Int]) {
        let size = layout.rowSize
        var places: [Int: [Int]] = [:]
        for (row, list) in lists.enumerated() { places[list, default: []].append(row) }
        directMap.grow(to: header.count + lists.count)
        for (list, members) in places.sorted(by: { $0.key < $1.key }) {
            let first = self.lists.count(list)
            var codes: [UInt8] = []
            codes.reserveCapacity(members.count * size)
            for row in members { codes += rows[row * size..<(row + 1) * size] }
            self.lists.append(
                codes, ids: members.map { ids[$0] }, to: list, layout, listCount: listCount)
            for (offset, row) in members.enumerated() {
                directMap.set(ids[row], list: list, offset: first + offset)
            }
        }
        header.count += lists.count
    }

    /// Removes vectors; the last one of a list fills a gap.
    mutating func remove(_ selector: IDSelector, _ layout: CodeLayout) throws -> Int {
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
                ?? (0..<listCount).flatMap { lists.ids($0) }.filter { selector.contains($0) }
            for id in ids {
                guard let place = knownPlace(of: id) else { continue }
                directMap.remove(id)
                takeOut(place.list, place.offset, layout)
                removed += 1
            }
        case .none:
            for list in 0..<lists.listCount {
                let ids = lists.ids(list)
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
                lists.keep(order, of: list, layout)
            }
        }
        header.count -= removed
        return removed
    }

    /// Where the direct map says that a label is, if it is there indeed.
    private func knownPlace(of id: Int64) -> (list: Int, offset: Int)? {
        guard let place = directMap.place(of: id), place.offset < lists.count(place.list),
            lists.id(place.offset, of: place.list) == id
        else { return nil }
        return place
    }

    /// Takes one vector out of a list.
    private mutating func takeOut(_ list: Int, _ offset: Int, _ layout: CodeLayout) {
        let last = lists.count(list) - 1
        if offset < last { directMap.set(lists.id(last, of: list), list: list, offset: offset) }
        lists.swapOut(offset, of: list, layout)
    }

    /// Moves labels to other rows.
    mutating func update(
        _ ids: [Int64], _ rows: [UInt8], _ layout: CodeLayout, to lists: [Int], by type: String
    ) throws {
        if case .none = directMap {
            throw IndexChangeError.refused(
                "replace vectors without a direct map", by: type,
                remedy: "set one by array or hash table")
        }
        for id in ids where knownPlace(of: id) == nil { throw VectorSearchError.noSuchID(id) }
        let size = layout.rowSize
        func insert(_ number: Int) {
            let (id, list) = (ids[number], lists[number])
            let offset = self.lists.count(list)
            self.lists.append(
                Array(rows[number * size..<(number + 1) * size]), ids: [id], to: list, layout,
                listCount: listCount)
            directMap.set(id, list: list, offset: offset)
        }
        func takeOut(_ id: Int64) {
            guard let place = knownPlace(of: id) else { return }
            if case .hashTable = directMap { directMap.remove(id) }
            self.takeOut(place.list, place.offset, layout)
        }
        if case .hashTable = directMap {
            ids.forEach(takeOut)
            ids.indices.forEach(insert)
        } else {
            for number in ids.indices {
                takeOut(ids[number])
                insert(number)
            }
        }
    }

    /// Appends the lists of another file to the lists of the same numbers.
    mutating func merge(
        _ other: InvertedFile, _ layout: CodeLayout, shiftingIDs shift: Int64
    ) throws {
        var moved: [[Int64]] = []
        for list in 0..<listCount {
            moved.append(
                try other.lists.ids(list).map { id in
                    let sum = id.addingReportingOverflow(shift)
                    guard !sum.overflow else {
                        throw IndexChangeError.idOverflow(id, shift: shift)
                    }
                    return sum.partialValue
                })
        }
        var merged = self
        for (list, ids) in moved.enumerated() where !ids.isEmpty {
            merged.lists.append(
                other.lists.rows(of: list, layout), ids: ids, to: list, layout,
                listCount: listCount)
        }
        merged.header.count += other.header.count
        merged.directMap = try DirectMap(directMap.kind, of: merged)
        self = merged
    }

    mutating func removeAll() {
        header.count = 0
        lists.removeAll()
        directMap.removeAll()
    }

    /// The places of several labels.
    func places(of ids: [Int64]) throws -> [(list: Int, offset: Int)] {
        if case .none = directMap {
            // One pass over the lists instead of one a label; the first place counts.
            var wanted: [Int64: (list: Int, offset: Int)?] = [:]
            for id in ids { wanted[id] = .some(nil) }
            for list in 0..<lists.listCount {
                lists.withList(list) { contents in
                    for offset in 0..<contents.count {
                        guard let id = contents.ids?[offset], let place = wanted[id], place == nil
                        else { continue }
                        wanted[id] = (list, offset)
                    }
                }
            }
            return try ids.map { id in
                guard let place = wanted[id] ?? nil else { throw VectorSearchError.noSuchID(id) }
                return place
            }
        }
        return try ids.map { try place(of: $0) }
    }
}
