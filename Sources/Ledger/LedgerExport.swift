// The ledger in the forms that accountants' programs read: one row per transfer, or plain-text double entry.
internal import Codecs
internal import Commitments

/// Writes every transfer of a stored ledger as text.
public struct LedgerExport: Sendable {
    /// What is written.
    public enum Format: String, Sendable, CaseIterable {
        /// All transfers, holds and returns too; RFC 4180 with a header line.
        case csv
        /// Beancount's language (Beancount Language Syntax): posted money only, with a balance assertion for each account.
        case beancount
        /// The format of ledger-cli (Ledger 3 manual, "Journal Format"): posted money only.
        case ledger
    }

    public let format: Format

    /// An export in one format.
    public init(_ format: Format) { self.format = format }

    /// Writes one consistent state of `store`, piece by piece.
    ///
    /// Money that entered through an issuer is an asset, what belongs to others a liability; a debit is positive, a credit
    /// negative. Holds move nothing until they are posted.
    /// - Returns: how many transfers were written.
    /// - Throws: `LedgerError.storage` when rows cannot be read, or what `write` throws.
    public func run(_ store: some LedgerStore, write: (String) throws -> Void) throws -> Int {
        var failure: (any Error)?
        let count = try store.snapshot { snapshot throws(LedgerError) in
            do {
                return try text(snapshot, write)
            } catch let error as LedgerError {
                throw error
            } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
        return count
    }

    private func text(_ snapshot: any LedgerSnapshot, _ write: (String) throws -> Void) throws -> Int {
        let accounts = try snapshot.accounts()
        let names = Dictionary(accounts.map { ($0.id, Self.name($0)) }) { first, _ in first }
        var count = 0
        var last = Int64.min
        var pending: [String] = []
        var failure: (any Error)?
        try write(head(accounts))
        try snapshot.forEachTransfer { transfer in
            guard failure == nil, format == .csv || transfer.movesPostedMoney else { return }
            pending.append(line(transfer, names))
            count += 1
            last = max(last, transfer.at)
            guard pending.count == 1000 else { return }
            do { try write(pending.joined()) } catch { failure = error }
            pending = []
        }
        if let failure { throw failure }
        try write(pending.joined() + foot(accounts, names, last))
        return count
    }

    // MARK: Parts

    private func head(_ accounts: [Account]) -> String {
        switch format {
        case .csv:
            return "time,id,kind,debit,credit,amount,currency,job,attempt,leg,hold,verdict,ruleset\r\n"
        case .ledger: return "; Assay ledger, posted transfers\n"
        case .beancount:
            let opened = accounts.map { "1970-01-01 open \(Self.name($0)) \(Self.commodity($0.currency))\n" }
            return "; Assay ledger, posted transfers\n" + opened.joined()
        }
    }

    private func line(_ transfer: Transfer, _ names: [AccountID: String]) -> String {
        let debit = names[transfer.debit] ?? "Equity:Unknown"
        let credit = names[transfer.credit] ?? "Equity:Unknown"
        let money = "\(transfer.amount) \(Self.commodity(transfer.currency))"
        switch format {
        case .csv:
            let fields = [
                CivilTime(seconds: transfer.at).text, transfer.id.text, transfer.kind.rawValue, transfer.debit.text,
                transfer.credit.text, String(transfer.amount), transfer.currency, transfer.job?.hex ?? "",
                String(transfer.attempt), transfer.leg, transfer.pendingID?.text ?? "", transfer.verdict?.hex ?? "",
                transfer.ruleset?.hex ?? "",
            ]
            return fields.map(Self.quoted).joined(separator: ",") + "\r\n"
        case .beancount:
            let day = CivilTime(seconds: transfer.at).date(separator: "-")
            let job = transfer.job.map { "\n  job: \"\($0.hex)\"" } ?? ""
            let leg = transfer.leg.isEmpty ? transfer.kind.rawValue : transfer.leg
            return """
                \(day) * "\(Self.escaped(leg))"
                  transfer: "\(transfer.id.text)"\(job)
                  \(debit)  \(money)
                  \(credit)  -\(money)

                """
        case .ledger:
            let day = CivilTime(seconds: transfer.at).date(separator: "/")
            let leg = transfer.leg.isEmpty ? transfer.kind.rawValue : transfer.leg
            let job = transfer.job.map { "\n    ; job: \($0.hex)" } ?? ""
            return """
                \(day) * \(leg)
                    ; transfer: \(transfer.id.text)\(job)
                    \(debit)  \(money)
                    \(credit)  -\(money)

                """
        }
    }

    /// Beancount checks a balance at the start of a day, so the assertions are of the day after the last transfer.
    private func foot(_ accounts: [Account], _ names: [AccountID: String], _ last: Int64) -> String {
        guard format == .beancount, last > .min else { return "" }
        let day = CivilTime(seconds: last + 86_400).date(separator: "-")
        return accounts.map { account in
            let balance = account.debitsPosted - account.creditsPosted
            return "\(day) balance \(names[account.id] ?? "")  \(balance) \(Self.commodity(account.currency))\n"
        }.joined()
    }

    private static func name(_ account: Account) -> String {
        let root =
            switch account.kind {
            case .issuer: "Assets:Issuer"
            case .fee: "Income:Fees"
            case .treasury: "Income:Treasury"
            case .payer: "Liabilities:Payer"
            case .provider: "Liabilities:Provider"
            case .stake: "Liabilities:Stake"
            case .validator: "Liabilities:Validator"
            case .vesting: "Liabilities:Vesting"
            case .escrow: "Liabilities:Escrow"
            }
        // A part of a name starts with a capital in both formats.
        return "\(root):A\(account.id.text)"
    }

    /// A commodity of both formats: capitals and digits, starting and ending with a letter.
    private static func commodity(_ currency: String) -> String {
        let letters = currency.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        let text = String(letters)
        let isPlain = text.first?.isLetter == true && text.last?.isLetter == true && text.count > 1
        return isPlain ? text : "C-\(text)-X"
    }

    private static func quoted(_ field: String) -> String {
        guard field.contains(where: { ",\"\r\n".contains($0) }) else { return field }
        return "\"" + field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    private static func escaped(_ text: String) -> String {
        String(text.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] })
    }
}

extension Transfer {
    /// Whether posted balances change, as they do not by a hold or its return.
    fileprivate var movesPostedMoney: Bool {
        switch kind {
        case .credit, .withdraw, .direct, .post: true
        case .hold, .void, .expire: false
        }
    }
}

/// Seconds since 1970 as a date of the Gregorian calendar in UTC (RFC 3339), without a calendar library.
struct CivilTime {
    let year: Int64
    let month: Int64
    let day: Int64
    let second: Int64

    /// Days are counted from 1 March of year 0, so that the leap day is the last of its year.
    init(seconds: Int64) {
        let days = (seconds >= 0 ? seconds : seconds - 86_399) / 86_400
        second = seconds - days * 86_400
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    func date(separator: String) -> String {
        [Self.padded(year, 4), Self.padded(month, 2), Self.padded(day, 2)].joined(separator: separator)
    }

    var text: String {
        let parts = [second / 3600, second / 60 % 60, second % 60].map { Self.padded($0, 2) }
        return "\(date(separator: "-"))T\(parts.joined(separator: ":"))Z"
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
