// The entry points that libFuzzer calls. One program holds every fuzzer, so that the libraries are instrumented once: its
// first argument is a fuzzer's name, and everything after it is libFuzzer's.
//
//     assay-fuzz --list                 names, one to a line
//     assay-fuzz --seeds NAME FOLDER    writes the seed corpus
//     assay-fuzz NAME OPTION… FOLDER…   fuzzes
import Commitments
import Foundation

/// The chosen fuzzer. libFuzzer sets it up before the first input and runs everything on one thread.
nonisolated(unsafe) private var chosen: FuzzTarget?

/// Where each argument stands in memory, as C's `main` has it.
public typealias Arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<Arguments>) -> CInt {
    let words = (0..<Int(count.pointee)).compactMap { arguments.pointee[$0].map { String(cString: $0) } }
    switch words.dropFirst().first {
    case "--list":
        for target in Registry.targets { print(target.name) }
        exit(0)
    case "--seeds" where words.count == 4:
        write(seedsOf: target(words[2]), to: words[3])
        exit(0)
    case let name?:
        let target = target(name)
        chosen = target
        // libFuzzer would take the name for a corpus folder; the bound on the length takes its place.
        arguments.pointee[1] = strdup("-max_len=\(target.maxBytes)")
        return 0
    case nil: fail("usage: assay-fuzz --list | --seeds NAME FOLDER | NAME [LIBFUZZER OPTION | FOLDER]…")
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // libFuzzer owns the buffer for the time of the call; the copy is what readers take.
    chosen?.run(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

private func target(_ name: String) -> FuzzTarget {
    guard let target = Registry.targets.first(where: { $0.name == name }) else { fail("no fuzzer is called '\(name)'") }
    return target
}

private func write(seedsOf target: FuzzTarget, to folder: String) {
    let url = URL(fileURLWithPath: folder, isDirectory: true)
    let inputs = target.seeds.flatMap { $0.inputs() }.filter { $0.count <= min(target.maxBytes, Seeds.maxBytes) }
    do {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        for input in inputs {
            try Data(input).write(to: url.appendingPathComponent("seed-" + SHA256.hash(input).hex.prefix(16)))
        }
    } catch {
        fail("\(folder): \(error.localizedDescription)")
    }
}

private func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data((message + "\n").utf8))
    exit(64)
}
