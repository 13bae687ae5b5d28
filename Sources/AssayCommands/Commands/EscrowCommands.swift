// `assay escrow`: accounts, and money in and out of them.
internal import ArgumentParser
internal import Codecs
internal import EngineAPI
internal import Ledger
internal import Receipts
internal import Signatures

struct EscrowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "escrow",
        abstract: "Open accounts, move money in and out, settle and refund jobs, sum up epochs.",
        subcommands: [
            EscrowOpen.self, EscrowTopUp.self, EscrowShow.self, EscrowSettle.self, EscrowRefund.self,
            EscrowWithdraw.self,
            EscrowEpoch.self,
        ]
    )
}

/// Which account.
struct AccountOptions: ParsableArguments {
    @Option(name: .long, help: "The account by its id: 32 hexadecimal digits.")
    var account: String?
    @Option(name: .long, help: ArgumentHelp("The payer account of the owner of this key.", valueName: "key"))
    var payer: String?
    @Option(name: .long, help: ArgumentHelp("The stake account of the node with this key.", valueName: "node"))
    var stake: String?

    /// The account that is named, if one is.
    func named(currency: String) throws(Failure) -> AccountName? {
        let given = [account, payer, stake].compactMap { $0 }
        guard given.count <= 1 else {
            let error = ParseError(field: "account", expected: "one of --account, --payer, --stake", actual: "several")
            throw Failure(option: "--account", error)
        }
        if let account {
            return try Failure.parsing("--account") { () throws(ParseError) in try AccountName(text: account) }
        }
        if let payer {
            let key = try Failure.parsing("--payer") { () throws(ParseError) in try VerifyingKey(text: payer) }
            return AccountName(currency: currency, purpose: .payer, owner: key)
        }
        if let stake {
            return try Failure.parsing("--stake") { () throws(ParseError) in
                let key = try VerifyingKey(text: stake)
                return try AccountName(text: AccountID(currency: currency, kind: .stake, owner: key.bytes).text)
            }
        }
        return nil
    }
}

extension AccountView {
    /// The answer that shows an account.
    func answer(_ more: JSONObject = [:]) -> Answer {
        var members: JSONObject = ["account": json]
        for member in more.members { members[member.name] = member.value }
        return Answer(
            members: members,
            lines: Table.facts([
                ("account", "\(id) (\(kind))"), ("owner", owner.text), ("available", "\(available) \(currency)"),
                ("held", "\(held) \(currency)"), ("balance", "\(balance) \(currency)"),
            ])
        )
    }
}

struct EscrowOpen: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "open",
        abstract: "Open the payer account of a key. Opening it again changes nothing."
    )

    @OptionGroup var engine: EngineOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let key = try keys.read(tool)
        let engine = try engine.connect(tool)
        let description = try await tool.call { () throws(EngineError) in try await engine.engine() }
        let request = try AccountRequest.sign(.open, id: nil, engine: description, key: key, tool: tool)
        return try await AccountRequest.send(request, engine, tool)
    }
}

struct EscrowTopUp: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "topup",
        abstract: "Credit an account, by the engine operator's signed order.",
        discussion: "The operator's key of a daemon is in its data folder: keys/operator.pem."
    )

    @Argument(help: "Minor units.")
    var amount: String
    @OptionGroup var accounts: AccountOptions
    @OptionGroup var request: RequestOptions
    @OptionGroup var engine: EngineOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let amount = try Failure.amount(amount, "amount")
        return try await AccountRequest.move(accounts, request, engine, keys, tool) { account in
            .credit(account: account, amount: amount)
        }
    }
}

struct EscrowWithdraw: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "withdraw",
        abstract: "Take money out of an account, by the engine operator's signed order."
    )

    @Argument(help: "Minor units.")
    var amount: String
    @OptionGroup var accounts: AccountOptions
    @OptionGroup var request: RequestOptions
    @OptionGroup var engine: EngineOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let amount = try Failure.amount(amount, "amount")
        return try await AccountRequest.move(accounts, request, engine, keys, tool) { account in
            .withdraw(account: account, amount: amount)
        }
    }
}

struct EscrowShow: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show an account; the payer account of the key that signs when none is named."
    )

    @OptionGroup var accounts: AccountOptions
    @OptionGroup var engine: EngineOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let engine = try engine.connect(tool)
        let description = try await tool.call { () throws(EngineError) in try await engine.engine() }
        let name: AccountName
        if let named = try accounts.named(currency: description.currency) {
            name = named
        } else {
            let owner = try keys.read(tool).verifyingKey
            name = AccountName(currency: description.currency, purpose: .payer, owner: owner)
        }
        return try await tool.call { () throws(EngineError) in try await engine.account(id: name.text) }.answer()
    }
}

/// Under which id a movement of money is asked for.
struct RequestOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The request's id, 32 hexadecimal digits. Give the id of a request whose answer was lost: it happens once.",
            valueName: "id"
        )
    )
    var requestId: String?

    func id() throws(Failure) -> [UInt8]? {
        guard let requestId else { return nil }
        return try Failure.parsing("--request-id") { () throws(ParseError) in
            try Hex.decode(requestId, count: EngineRequest.idBytes, field: "id")
        }
    }
}

/// Signs and sends requests about accounts.
enum AccountRequest {
    static func move(
        _ accounts: AccountOptions,
        _ request: RequestOptions,
        _ engine: EngineOptions,
        _ keys: KeyOptions,
        _ tool: Tool,
        _ action: (AccountName) -> EngineRequest.Action
    ) async throws(Failure) -> Answer {
        let id = try request.id()
        let key = try keys.read(tool)
        let engine = try engine.connect(tool)
        let description = try await tool.call { () throws(EngineError) in try await engine.engine() }
        guard let account = try accounts.named(currency: description.currency) else {
            let error = ParseError(field: "account", expected: "one of --account, --payer, --stake", actual: "none")
            throw Failure(option: "--account", error)
        }
        let signed = try sign(action(account), id: id, engine: description, key: key, tool: tool)
        return try await send(signed, engine, tool)
    }

    static func sign(
        _ action: EngineRequest.Action,
        id: [UInt8]?,
        engine: EngineDescription,
        key: SigningKey,
        tool: Tool
    ) throws(Failure) -> Signed<EngineRequest> {
        do throws(DocumentError) {
            return try EngineRequest.sign(action, engine: engine.engine, at: tool.now(), id: id, with: key)
        } catch {
            throw Failure(error, in: "request")
        }
    }

    static func send(
        _ request: Signed<EngineRequest>,
        _ engine: any EngineAPI,
        _ tool: Tool
    ) async throws(Failure) -> Answer {
        let view: AccountView
        do throws(EngineError) {
            view = try await engine.account(request: request.envelope)
        } catch {
            var failure = Failure(error)
            if case .credit = request.predicate.action, error.kind == .unavailable, error.id != "engine.unreachable" {
                failure.hint = "it may have happened; repeat it with --request-id \(Hex.encode(request.predicate.id))"
            }
            throw failure
        }
        return view.answer(["request": .string(Hex.encode(request.predicate.id))])
    }
}
