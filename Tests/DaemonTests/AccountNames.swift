// Names of ledger accounts that documents do not name.
import Ledger
import Signatures

enum AccountNames {
    static func stake(of node: VerifyingKey) -> String {
        AccountID(currency: "credit", kind: .stake, owner: node.bytes).text
    }
}
