// The tables of the ledger's database file. Every invariant that SQL can state is stated here a second time, so that no
// code path can write past it.
internal import GRDB

enum Schema {
    /// "ASLG": marks the file as an Assay ledger.
    static let applicationID: Int32 = 0x4153_4C47

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 accounts, transfers, holds") { db in
            try db.execute(sql: "PRAGMA application_id = \(applicationID)")
            try db.execute(sql: money)
        }
        migrator.registerMigration("2 records, receipts") { db in
            try db.execute(sql: documents)
        }
        migrator.registerMigration("3 outbox") { db in
            try db.execute(sql: outbox)
        }
        // Which kinds of account there are is the book's business; a list in the table would have to be copied each time.
        migrator.registerMigration("4 any kind of account") { db in
            try db.execute(sql: anyKind)
        }
        // A settlement writes few pages only when little of what it writes is sorted by random ids.
        migrator.registerMigration("5 transfers in chains") { db in
            try db.execute(sql: chains)
        }
        // Who delivers messages of one kind reads none of another.
        migrator.registerMigration("6 outbox by kind") { db in
            try db.execute(sql: "CREATE INDEX outbox_kind ON outbox (kind, seq)")
        }
        return migrator
    }

    private static let money = """
        CREATE TABLE account (
            id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
            currency TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN (\(list(AccountKind.allCases)))),
            owner BLOB NOT NULL,
            debits_pending INTEGER NOT NULL DEFAULT 0,
            debits_posted INTEGER NOT NULL DEFAULT 0,
            credits_pending INTEGER NOT NULL DEFAULT 0,
            credits_posted INTEGER NOT NULL DEFAULT 0,
            CONSTRAINT I7_negative_counter CHECK (
                debits_pending >= 0 AND debits_posted >= 0 AND credits_pending >= 0 AND credits_posted >= 0),
            CONSTRAINT I2_overdraft CHECK (kind = 'issuer' OR debits_posted + debits_pending <= credits_posted)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX account_owner ON account (owner);

        CREATE TABLE transfer (
            seq INTEGER PRIMARY KEY,
            id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
            debit BLOB NOT NULL REFERENCES account (id),
            credit BLOB NOT NULL REFERENCES account (id),
            amount INTEGER NOT NULL,
            currency TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN (\(list(TransferKind.allCases)))),
            pending_id BLOB REFERENCES transfer (id),
            job BLOB CHECK (length(job) = 32),
            attempt INTEGER NOT NULL CHECK (attempt BETWEEN 0 AND 4294967295),
            leg TEXT NOT NULL,
            verdict BLOB CHECK (length(verdict) = 32),
            ruleset BLOB CHECK (length(ruleset) = 32),
            at INTEGER NOT NULL,
            CONSTRAINT I6_amount CHECK (amount > 0),
            CONSTRAINT I1_one_account CHECK (debit <> credit),
            CONSTRAINT I3_pending CHECK ((kind IN ('post', 'void', 'expire')) = (pending_id IS NOT NULL)),
            CONSTRAINT I5_verdict CHECK (kind <> 'post' OR verdict IS NOT NULL)
        ) STRICT;
        CREATE UNIQUE INDEX transfer_leg ON transfer (job, attempt, leg) WHERE job IS NOT NULL;
        CREATE INDEX transfer_debit ON transfer (debit);
        CREATE INDEX transfer_credit ON transfer (credit);
        CREATE INDEX transfer_pending ON transfer (pending_id) WHERE pending_id IS NOT NULL;

        CREATE TABLE hold (
            id BLOB NOT NULL PRIMARY KEY REFERENCES transfer (id),
            expires_at INTEGER NOT NULL,
            resolution BLOB UNIQUE CHECK (length(resolution) = 16),
            outcome TEXT CHECK (outcome IN ('post', 'void', 'expire')),
            resolved_at INTEGER,
            CHECK ((resolution IS NULL) = (outcome IS NULL) AND (resolution IS NULL) = (resolved_at IS NULL))
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX hold_open ON hold (expires_at) WHERE resolution IS NULL;
        """

    private static let documents = """
        CREATE TABLE record (
            kind TEXT NOT NULL,
            id BLOB NOT NULL,
            body BLOB NOT NULL,
            PRIMARY KEY (kind, id)
        ) STRICT;

        CREATE TABLE receipt (
            seq INTEGER PRIMARY KEY,
            job BLOB NOT NULL CHECK (length(job) = 32),
            attempt INTEGER NOT NULL CHECK (attempt BETWEEN 0 AND 4294967295),
            bundle_cid TEXT NOT NULL,
            verdict BLOB NOT NULL CHECK (length(verdict) = 32),
            outcome TEXT NOT NULL,
            at INTEGER NOT NULL,
            UNIQUE (job, attempt)
        ) STRICT;
        CREATE INDEX receipt_verdict ON receipt (verdict);

        CREATE TABLE bundle (
            receipt INTEGER PRIMARY KEY REFERENCES receipt (seq),
            bytes BLOB NOT NULL
        ) STRICT;
        """

    private static let anyKind = """
        CREATE TABLE account_next (
            id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
            currency TEXT NOT NULL,
            kind TEXT NOT NULL,
            owner BLOB NOT NULL,
            debits_pending INTEGER NOT NULL DEFAULT 0,
            debits_posted INTEGER NOT NULL DEFAULT 0,
            credits_pending INTEGER NOT NULL DEFAULT 0,
            credits_posted INTEGER NOT NULL DEFAULT 0,
            CONSTRAINT I7_negative_counter CHECK (
                debits_pending >= 0 AND debits_posted >= 0 AND credits_pending >= 0 AND credits_posted >= 0),
            CONSTRAINT I2_overdraft CHECK (kind = 'issuer' OR debits_posted + debits_pending <= credits_posted)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO account_next SELECT * FROM account;
        DROP TABLE account;
        ALTER TABLE account_next RENAME TO account;
        CREATE INDEX account_owner ON account (owner);
        """

    private static let outbox = """
        CREATE TABLE outbox (
            seq INTEGER PRIMARY KEY,
            id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
            kind TEXT NOT NULL,
            body BLOB NOT NULL,
            at INTEGER NOT NULL
        ) STRICT;
        """

    /// - `transfer`: sequential but for the index over (job, attempt, leg). The transfers of one account form a chain: each
    ///   row has the place of the one before it on either side, `account.latest` the place of the last. The parts of a hold
    ///   lie together, so the hold has their places.
    /// - `operation`: the ids of operations, each once. Those of a resolution's parts follow from the resolution's.
    /// - `receipt`: found by its job, which is what every payout for a job names beside the verdict.
    private static let chains = """
        CREATE TABLE transfer_next (
            seq INTEGER PRIMARY KEY,
            id BLOB NOT NULL CHECK (length(id) = 16),
            debit BLOB NOT NULL,
            credit BLOB NOT NULL,
            amount INTEGER NOT NULL,
            currency TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN (\(list(TransferKind.allCases)))),
            pending_id BLOB,
            job BLOB CHECK (length(job) = 32),
            attempt INTEGER NOT NULL CHECK (attempt BETWEEN 0 AND 4294967295),
            leg TEXT NOT NULL,
            verdict BLOB CHECK (length(verdict) = 32),
            ruleset BLOB CHECK (length(ruleset) = 32),
            at INTEGER NOT NULL,
            debit_before INTEGER,
            credit_before INTEGER,
            CONSTRAINT I6_amount CHECK (amount > 0),
            CONSTRAINT I1_one_account CHECK (debit <> credit),
            CONSTRAINT I3_pending CHECK ((kind IN ('post', 'void', 'expire')) = (pending_id IS NOT NULL)),
            CONSTRAINT I5_verdict CHECK (kind <> 'post' OR verdict IS NOT NULL)
        ) STRICT;
        INSERT INTO transfer_next SELECT seq, id, debit, credit, amount, currency, kind, pending_id, job, attempt, leg,
            verdict, ruleset, at,
            nullif(max(
                coalesce((SELECT max(seq) FROM transfer AS e WHERE e.debit = t.debit AND e.seq < t.seq), 0),
                coalesce((SELECT max(seq) FROM transfer AS e WHERE e.credit = t.debit AND e.seq < t.seq), 0)), 0),
            nullif(max(
                coalesce((SELECT max(seq) FROM transfer AS e WHERE e.debit = t.credit AND e.seq < t.seq), 0),
                coalesce((SELECT max(seq) FROM transfer AS e WHERE e.credit = t.credit AND e.seq < t.seq), 0)), 0)
            FROM transfer AS t ORDER BY seq;

        ALTER TABLE account ADD COLUMN latest INTEGER;
        UPDATE account SET latest = nullif(max(
            coalesce((SELECT max(seq) FROM transfer WHERE debit = account.id), 0),
            coalesce((SELECT max(seq) FROM transfer WHERE credit = account.id), 0)), 0);

        CREATE TABLE hold_next (
            seq INTEGER PRIMARY KEY REFERENCES transfer_next (seq),
            expires_at INTEGER NOT NULL,
            resolution BLOB CHECK (length(resolution) = 16),
            outcome TEXT CHECK (outcome IN ('post', 'void', 'expire')),
            resolved_at INTEGER,
            part_first INTEGER,
            part_last INTEGER,
            CHECK ((resolution IS NULL) = (outcome IS NULL) AND (resolution IS NULL) = (resolved_at IS NULL))
        ) STRICT;
        INSERT INTO hold_next SELECT transfer.seq, expires_at, resolution, outcome, resolved_at,
            (SELECT min(seq) FROM transfer AS part WHERE part.pending_id = hold.id),
            (SELECT max(seq) FROM transfer AS part WHERE part.pending_id = hold.id)
            FROM hold JOIN transfer ON transfer.id = hold.id ORDER BY transfer.seq;

        CREATE TABLE operation (
            id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
            seq INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        INSERT INTO operation
            SELECT id, seq FROM transfer WHERE pending_id IS NULL
            UNION ALL
            SELECT resolution, transfer.seq FROM hold JOIN transfer ON transfer.id = hold.id WHERE resolution IS NOT NULL;

        DROP TABLE hold;
        DROP TABLE transfer;
        ALTER TABLE transfer_next RENAME TO transfer;
        ALTER TABLE hold_next RENAME TO hold;
        CREATE UNIQUE INDEX transfer_leg ON transfer (job, attempt, leg) WHERE job IS NOT NULL;
        CREATE INDEX hold_open ON hold (expires_at) WHERE resolution IS NULL;
        DROP INDEX receipt_verdict;
        """

    private static func list<Kind: RawRepresentable<String>>(_ kinds: [Kind]) -> String {
        kinds.map { "'\($0.rawValue)'" }.joined(separator: ", ")
    }
}
