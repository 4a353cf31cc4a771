// The schema: named migrations in order; `user_version` is how many of them a file has seen. A migration that was
// released never changes: a new one is appended. Input: a connection inside a transaction. Output: a file of the
// current version. Fact tables are STRICT and WITHOUT ROWID, keyed by the digest of the row's content. Where a
// digest names one content (workloads, devices, calibrations, toolchains) the column is UNIQUE and SQL foreign keys
// point to it. A model or candidate digest may stand in several rows (two names, two predictions): those references
// are in `Reference.all`.

import GRDB

/// One step of the schema.
struct Migration: Sendable {
    var name: String
    var sql: String
}

/// What a file must look like.
struct Schema: Sendable {
    var migrations: [Migration]

    /// Bytes `IRNW` of the SQLite header say that a file is a catalog.
    static let applicationID = 0x4952_4e57

    static let current = Schema(migrations: [
        Migration(name: "facts", sql: facts + cacheAndEvents),
        Migration(name: "drift and objects", sql: driftAndObjects),
    ])

    /// The version that this program writes.
    var version: Int { migrations.count }

    /// Runs the migrations after `version` in the transaction of `db` and marks the file.
    func migrate(_ db: Database, from version: Int) throws {
        for (index, migration) in migrations.enumerated() where index >= version {
            try db.execute(sql: migration.sql)
            try db.execute(
                sql: "INSERT INTO meta (name, value) VALUES (?, ?)",
                arguments: ["migration.\(index + 1)", migration.name])
        }
        try db.execute(sql: "PRAGMA application_id = \(Schema.applicationID)")
        try db.execute(sql: "PRAGMA user_version = \(self.version)")
    }

    private static let facts = """
        CREATE TABLE jobs (
            key TEXT NOT NULL PRIMARY KEY,
            digest TEXT NOT NULL,
            name TEXT NOT NULL,
            text TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE models (
            key TEXT NOT NULL PRIMARY KEY,
            digest TEXT NOT NULL,
            name TEXT NOT NULL,
            graph_text TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE workloads (
            key TEXT NOT NULL PRIMARY KEY,
            digest TEXT NOT NULL UNIQUE,
            text TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE model_workloads (
            key TEXT NOT NULL PRIMARY KEY,
            model TEXT NOT NULL,
            workload TEXT NOT NULL REFERENCES workloads (digest) DEFERRABLE INITIALLY DEFERRED,
            weld_indexes TEXT NOT NULL,
            calls INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE device_classes (
            key TEXT NOT NULL PRIMARY KEY,
            digest TEXT NOT NULL UNIQUE,
            text TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE devices (
            key TEXT NOT NULL PRIMARY KEY,
            digest TEXT NOT NULL UNIQUE,
            device_class TEXT NOT NULL REFERENCES device_classes (digest) DEFERRABLE INITIALLY DEFERRED,
            text TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE calibrations (
            key TEXT NOT NULL PRIMARY KEY,
            digest TEXT NOT NULL UNIQUE,
            device_class TEXT NOT NULL REFERENCES device_classes (digest) DEFERRABLE INITIALLY DEFERRED,
            text TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE toolchains (
            key TEXT NOT NULL PRIMARY KEY,
            digest TEXT NOT NULL UNIQUE,
            text TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE expansions (
            key TEXT NOT NULL PRIMARY KEY,
            unit TEXT NOT NULL,
            workload TEXT NOT NULL REFERENCES workloads (digest) DEFERRABLE INITIALLY DEFERRED,
            calibration TEXT NOT NULL REFERENCES calibrations (digest) DEFERRABLE INITIALLY DEFERRED,
            interface TEXT NOT NULL,
            root TEXT NOT NULL,
            schedules TEXT NOT NULL,
            predicted_ns TEXT NOT NULL,
            lower_bound_ns TEXT NOT NULL,
            rejects TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE candidates (
            key TEXT NOT NULL PRIMARY KEY,
            digest TEXT NOT NULL,
            workload TEXT NOT NULL REFERENCES workloads (digest) DEFERRABLE INITIALLY DEFERRED,
            interface TEXT NOT NULL,
            schedule TEXT NOT NULL,
            source_digest TEXT NOT NULL,
            toolchain TEXT NOT NULL REFERENCES toolchains (digest) DEFERRABLE INITIALLY DEFERRED,
            scratch_bytes INTEGER NOT NULL,
            predicted_ns REAL NOT NULL,
            lower_bound_ns REAL NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE readings (
            key TEXT NOT NULL PRIMARY KEY,
            candidate TEXT NOT NULL,
            device_class TEXT NOT NULL REFERENCES device_classes (digest) DEFERRABLE INITIALLY DEFERRED,
            recipe TEXT NOT NULL,
            worker TEXT NOT NULL,
            samples_ns TEXT NOT NULL,
            lower_quartile_ns REAL NOT NULL,
            median_ns REAL NOT NULL,
            calls INTEGER NOT NULL,
            correction REAL NOT NULL,
            valid INTEGER NOT NULL,
            flags TEXT NOT NULL,
            executions INTEGER NOT NULL,
            attempt TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE verdicts (
            key TEXT NOT NULL PRIMARY KEY,
            candidate TEXT NOT NULL,
            device_class TEXT NOT NULL REFERENCES device_classes (digest) DEFERRABLE INITIALLY DEFERRED,
            input_class TEXT NOT NULL,
            seed INTEGER NOT NULL,
            is_right INTEGER NOT NULL,
            max_error REAL NOT NULL,
            tolerance REAL NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE failures (
            key TEXT NOT NULL PRIMARY KEY,
            candidate TEXT NOT NULL,
            device_class TEXT NOT NULL REFERENCES device_classes (digest) DEFERRABLE INITIALLY DEFERRED,
            kind TEXT NOT NULL,
            reason TEXT NOT NULL,
            attempt TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE finals (
            key TEXT NOT NULL PRIMARY KEY,
            workload TEXT NOT NULL REFERENCES workloads (digest) DEFERRABLE INITIALLY DEFERRED,
            device_class TEXT NOT NULL REFERENCES device_classes (digest) DEFERRABLE INITIALLY DEFERRED,
            recipe TEXT NOT NULL,
            interface TEXT NOT NULL,
            worker TEXT NOT NULL,
            contestants TEXT NOT NULL,
            rounds TEXT NOT NULL,
            valid INTEGER NOT NULL,
            attempt TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE programs (
            key TEXT NOT NULL PRIMARY KEY,
            model TEXT NOT NULL,
            digest TEXT NOT NULL,
            text TEXT NOT NULL,
            device_class TEXT NOT NULL REFERENCES device_classes (digest) DEFERRABLE INITIALLY DEFERRED,
            recipe TEXT NOT NULL,
            worker TEXT NOT NULL,
            latency_ns REAL NOT NULL,
            readings_ns TEXT NOT NULL,
            attempt TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE suspicions (
            key TEXT NOT NULL PRIMARY KEY,
            unit TEXT NOT NULL,
            worker TEXT NOT NULL,
            reason TEXT NOT NULL,
            attempt TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE voids (
            key TEXT NOT NULL PRIMARY KEY,
            target TEXT NOT NULL,
            reason TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE tags (
            key TEXT NOT NULL PRIMARY KEY,
            name TEXT NOT NULL,
            target TEXT NOT NULL,
            note TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX jobs_by_digest ON jobs (digest);
        CREATE INDEX models_by_digest ON models (digest);
        CREATE INDEX models_by_name ON models (name);
        CREATE INDEX model_workloads_by_model ON model_workloads (model);
        CREATE INDEX model_workloads_by_workload ON model_workloads (workload);
        CREATE INDEX expansions_by_workload ON expansions (workload);
        CREATE INDEX expansions_by_unit ON expansions (unit);
        CREATE INDEX candidates_by_digest ON candidates (digest);
        CREATE INDEX candidates_by_workload_interface ON candidates (workload, interface);
        CREATE INDEX readings_by_candidate_device_class_recipe ON readings (candidate, device_class, recipe);
        CREATE INDEX verdicts_by_candidate_device_class ON verdicts (candidate, device_class);
        CREATE INDEX failures_by_candidate_device_class ON failures (candidate, device_class);
        CREATE INDEX finals_by_workload_interface ON finals (workload, interface);
        CREATE INDEX programs_by_model ON programs (model);
        CREATE INDEX suspicions_by_unit ON suspicions (unit);
        CREATE INDEX voids_by_target ON voids (target);
        CREATE INDEX tags_by_name ON tags (name);
        """

    private static let driftAndObjects = """
        CREATE TABLE drifts (
            key TEXT NOT NULL PRIMARY KEY,
            device_class TEXT NOT NULL REFERENCES device_classes (digest) DEFERRABLE INITIALLY DEFERRED,
            worker TEXT NOT NULL,
            sequence INTEGER NOT NULL,
            before_ns REAL NOT NULL,
            after_ns REAL NOT NULL,
            valid INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE object_checks (
            key TEXT NOT NULL PRIMARY KEY,
            candidate TEXT NOT NULL,
            full_width_fmas INTEGER NOT NULL,
            narrow_fmas INTEGER NOT NULL,
            block_spills INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX drifts_by_worker_sequence ON drifts (worker, sequence);
        CREATE INDEX object_checks_by_candidate ON object_checks (candidate);
        """

    private static let cacheAndEvents = """
        CREATE TABLE meta (
            name TEXT NOT NULL PRIMARY KEY,
            value TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE winners (
            key TEXT NOT NULL PRIMARY KEY,
            workload TEXT NOT NULL,
            device_class TEXT NOT NULL,
            recipe TEXT NOT NULL,
            interface TEXT NOT NULL,
            candidate TEXT NOT NULL,
            screen_ns REAL NOT NULL,
            provisional INTEGER NOT NULL,
            UNIQUE (workload, device_class, recipe, interface)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE events (
            sequence INTEGER NOT NULL PRIMARY KEY,
            at TEXT NOT NULL,
            kind TEXT NOT NULL,
            text TEXT NOT NULL
        ) STRICT;
        """
}

/// A column whose digest another table must hold.
struct Reference: Sendable {
    var table: FactTable
    var column: String
    var parent: FactTable

    /// Every reference, SQL foreign keys included. Checked before each commit and by `verify`.
    static let all: [Reference] = [
        Reference(table: .modelWorkloads, column: "model", parent: .models),
        Reference(table: .modelWorkloads, column: "workload", parent: .workloads),
        Reference(table: .devices, column: "device_class", parent: .deviceClasses),
        Reference(table: .calibrations, column: "device_class", parent: .deviceClasses),
        Reference(table: .expansions, column: "workload", parent: .workloads),
        Reference(table: .expansions, column: "calibration", parent: .calibrations),
        Reference(table: .candidates, column: "workload", parent: .workloads),
        Reference(table: .candidates, column: "toolchain", parent: .toolchains),
        Reference(table: .readings, column: "candidate", parent: .candidates),
        Reference(table: .readings, column: "device_class", parent: .deviceClasses),
        Reference(table: .verdicts, column: "candidate", parent: .candidates),
        Reference(table: .verdicts, column: "device_class", parent: .deviceClasses),
        Reference(table: .failures, column: "candidate", parent: .candidates),
        Reference(table: .failures, column: "device_class", parent: .deviceClasses),
        Reference(table: .finals, column: "workload", parent: .workloads),
        Reference(table: .finals, column: "device_class", parent: .deviceClasses),
        Reference(table: .drifts, column: "device_class", parent: .deviceClasses),
        Reference(table: .objectChecks, column: "candidate", parent: .candidates),
        Reference(table: .programs, column: "model", parent: .models),
        Reference(table: .programs, column: "device_class", parent: .deviceClasses),
    ]
}
