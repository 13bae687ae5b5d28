// Who is in charge: a named lease whose epoch every write of the holder is checked against.
internal import Codecs

/// The right to act under a name, such as to be the one scheduler. A holder that was taken over still has its fence, and
/// finds out when a write under it is refused.
public struct Fence: Sendable, Equatable {
    /// What is guarded: 1 to 32 bytes.
    public let name: String
    /// Who holds it: 1 to 128 bytes.
    public let holder: [UInt8]
    /// Rises with every acquisition, by the same holder too.
    public let epoch: Int64

    /// A fence as it was acquired.
    public init(name: String, holder: [UInt8], epoch: Int64) {
        self.name = name
        self.holder = holder
        self.epoch = epoch
    }
}

/// Fences in one database, shared by any number of processes.
public protocol FenceStore: Sendable {
    /// Takes the fence if nobody holds it, its lease has expired, or `holder` itself holds it (after a restart).
    /// - Returns: the fence with a new epoch; `nil` while another holds it.
    func acquire(_ name: String, holder: [UInt8], leaseMilliseconds: Int64) throws(LedgerError) -> Fence?

    /// Prolongs the lease from now on. `false` means that another has taken the fence: stop at once.
    func renew(_ fence: Fence, leaseMilliseconds: Int64) throws(LedgerError) -> Bool

    /// Lets the next in line acquire the fence at once. Writes under it are still accepted until then.
    func resign(_ fence: Fence) throws(LedgerError)

    /// The latest acquisition; `nil` when there was none.
    func present(_ name: String) throws(LedgerError) -> Fence?
}
