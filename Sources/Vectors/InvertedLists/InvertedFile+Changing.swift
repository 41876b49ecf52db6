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
        directMap.grow(to: header.count + lists.count)
        self.lists.append(rows, layout, ids: ids, to: lists, listCount: listCount, &directMap)
        header.count += lists.count
    }

    /// Removes vectors; the last one of a list fills a gap.
    mutating func remove(_ selector: IDSelector, _ layout: CodeLayout) throws -> Int {
        let removed = try lists.remove(selector, layout, &directMap)
        header.count -= removed
        return removed
    }

    /// Gives every vector another label.
    mutating func relabel(_ change: (Int64) -> Int64) throws {
        lists.relabel(change)
        directMap = try DirectMap(directMap.kind, of: self)
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
        for id in ids where self.lists.place(of: id, directMap) == nil {
            throw VectorSearchError.noSuchID(id)
        }
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
            guard let place = self.lists.place(of: id, directMap) else { return }
            if case .hashTable = directMap { directMap.remove(id) }
            self.lists.takeOut(place.list, place.offset, layout, &directMap)
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
        var merged = self
        try merged.lists.merge(
            other.lists, layout, shiftingIDs: shift, listCount: listCount)
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
