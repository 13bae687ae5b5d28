// What work costs: integer minor units, products in 128 bits, rounded up once.

/// Prices applied to work.
public enum Charge {
    /// ⌈workUnits × pricePerMegaUnit / 10^6⌉ minor units; `nil` above 2^63 − 1.
    public static func amount(workUnits: UInt64, pricePerMegaUnit: UInt64) -> UInt64? {
        let product = UInt128(workUnits) * UInt128(pricePerMegaUnit)
        let amount = (product + 999_999) / 1_000_000
        return amount <= UInt128(maxAmount) ? UInt64(amount) : nil
    }

    /// The most work units that an amount pays for; all there are for a price of 0.
    public static func units(coveredBy amount: UInt64, pricePerMegaUnit: UInt64) -> UInt64 {
        guard pricePerMegaUnit > 0 else { return .max }
        let units = UInt128(amount) * 1_000_000 / UInt128(pricePerMegaUnit)
        return UInt64(min(units, UInt128(UInt64.max)))
    }

    /// What a job that was accepted costs: its price, but never more than was set aside for it.
    public static func gross(held: UInt64, workUnits: UInt64, pricePerMegaUnit: UInt64) -> UInt64 {
        min(held, amount(workUnits: workUnits, pricePerMegaUnit: pricePerMegaUnit) ?? held)
    }
}
