// A SQLite VFS (sqlite.org/vfs.html) that fails as disks do: writes that were never flushed vanish in a power cut, the last
// of them is torn, flushes lie, input and output fail, the disk is full. For tests only; one disk for each process.
#pragma once
#include <stdint.h>

/// What a failing write answers.
enum assay_disk_failure { ASSAY_DISK_IO_ERROR = 1, ASSAY_DISK_FULL = 2 };

/// Makes the disk the default of databases opened from now on. Only files whose path begins with `prefix` are on it; the
/// others go through untouched. Returns a SQLite result code.
int assay_disk_install(const char *prefix);

/// Whether flushes only say that they flushed.
void assay_disk_lie(int lies);

/// After `writes` further writes each write fails, until it is called with 0.
void assay_disk_fail(int writes, enum assay_disk_failure failure);

/// Cuts the power: from now on everything fails, and of what was not flushed each file keeps a random number of its first
/// writes and half of the next. Returns how many writes were lost.
int assay_disk_cut(uint64_t seed);

/// Power is back: files that are opened from now on work again.
void assay_disk_restore(void);
