// An ordered set for indexes of a million entries: runs of sorted elements, so that an insertion moves a few hundred of them.

/// Elements in ascending order, each once. Insertion, removal and look-up cost a binary search and one short move.
struct SortedSet<Element: Comparable & Sendable>: Sendable {
    /// Non-empty runs, each sorted, each before the next.
    private var runs: [[Element]] = []
    /// How many elements there are.
    private(set) var count = 0

    private static var runMax: Int { 512 }

    /// No elements.
    init() {}

    /// Takes elements in any order; equal ones count once.
    init(_ elements: some Sequence<Element>) {
        var run: [Element] = []
        var last: Element?
        for element in elements.sorted() where element != last {
            last = element
            run.append(element)
            count += 1
            guard run.count == Self.runMax / 2 else { continue }
            runs.append(run)
            run = []
        }
        if !run.isEmpty { runs.append(run) }
    }

    var isEmpty: Bool { count == 0 }
    /// The least element.
    var first: Element? { runs.first?.first }

    func contains(_ element: Element) -> Bool {
        guard let run = run(of: element) else { return false }
        let place = Self.place(of: element, in: runs[run])
        return place < runs[run].count && runs[run][place] == element
    }

    /// Adds an element; one that is there stays.
    mutating func insert(_ element: Element) {
        guard let run = run(of: element) ?? runs.indices.last else {
            runs = [[element]]
            count = 1
            return
        }
        let place = Self.place(of: element, in: runs[run])
        guard place == runs[run].count || runs[run][place] != element else { return }
        runs[run].insert(element, at: place)
        count += 1
        guard runs[run].count > Self.runMax else { return }
        let tail = Array(runs[run][(Self.runMax / 2)...])
        runs[run].removeSubrange((Self.runMax / 2)...)
        runs.insert(tail, at: run + 1)
    }

    /// Takes an element out, if it is there.
    mutating func remove(_ element: Element) {
        guard let run = run(of: element) else { return }
        let place = Self.place(of: element, in: runs[run])
        guard place < runs[run].count, runs[run][place] == element else { return }
        runs[run].remove(at: place)
        count -= 1
        if runs[run].isEmpty { runs.remove(at: run) }
    }

    /// The greatest `limit` elements, greatest first.
    func last(_ limit: Int) -> [Element] {
        var found: [Element] = []
        for run in runs.reversed() {
            for element in run.reversed() {
                guard found.count < limit else { return found }
                found.append(element)
            }
        }
        return found
    }

    /// The first run whose last element is not less than `element`.
    private func run(of element: Element) -> Int? {
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if let last = runs[middle].last, last < element { low = middle + 1 } else { high = middle }
        }
        return low < runs.count ? low : nil
    }

    private static func place(of element: Element, in run: [Element]) -> Int {
        var low = 0
        var high = run.count
        while low < high {
            let middle = (low + high) / 2
            if run[middle] < element { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension SortedSet: Sequence {
    func makeIterator() -> AnyIterator<Element> {
        var run = 0
        var place = 0
        return AnyIterator {
            guard run < runs.count else { return nil }
            let element = runs[run][place]
            place += 1
            if place == runs[run].count { (run, place) = (run + 1, 0) }
            return element
        }
    }
}
