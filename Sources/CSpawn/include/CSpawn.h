// Starts worker processes from a process that has threads: the calls that Swift cannot name or must not make after a fork.
#pragma once
#include <stddef.h>
#include <sys/types.h>

/// Starts the program at `path` in a process group of its own, with every signal at its default and unblocked.
/// The child's descriptors are exactly `descriptors[0..<count]`, as 0, 1, 2, ...; all others are closed.
/// Returns 0 or an errno value.
int assay_spawn(const char *path, char *const arguments[], char *const environment[], const int *descriptors, int count,
                pid_t *process);

/// A pipe whose two ends are closed on exec. Returns 0 or an errno value.
int assay_pipe(int descriptors[2]);

/// An anonymous file in memory that is closed on exec. Returns a descriptor, or a negated errno value.
int assay_memory_file(const char *name);

/// Writes all of `bytes` at the end. Returns 0 or an errno value.
int assay_write_all(int descriptor, const void *bytes, size_t count);

/// Forbids every later change of an anonymous file and moves its position to the start. Returns 0 or an errno value.
int assay_seal(int descriptor);

/// Removes a folder and everything in it, following no links. Returns 0 or an errno value.
int assay_remove_tree(const char *path);

/// A pair of connected sockets that are closed on exec. Returns 0 or an errno value.
int assay_socket_pair(int ends[2]);

/// Sends a descriptor over a socket of such a pair, never with a signal. Returns 0 or an errno value.
int assay_send_descriptor(int socket, int descriptor);

/// Starts `body(context)` on a detached thread of its own. Returns 0 or an errno value.
int assay_start_thread(void (*body)(void *), void *context);
