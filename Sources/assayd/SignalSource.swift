// Signals as events: the process is asked to end, and ends in order.
import Dispatch
import Glibc

/// Calls a function when the process gets a signal, instead of dying by it.
final class SignalSource {
    private let source: any DispatchSourceSignal

    init(_ number: Int32, _ handler: @escaping @Sendable (Int32) -> Void) {
        signal(number, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler { handler(number) }
        source.resume()
    }

    deinit {
        source.cancel()
    }
}
