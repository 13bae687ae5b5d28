// The walls that a worker puts up around itself before it touches anything that a job brought.
#pragma once
#include <stdint.h>

/// Resource limits of one stage; a value of 0 leaves that limit as it is.
struct assay_limits {
    /// Address space in bytes.
    uint64_t address_space;
    /// Processor time of all threads in seconds.
    uint64_t cpu_seconds;
    /// The longest file that can be written, in bytes.
    uint64_t file_bytes;
    /// Open descriptors.
    uint64_t descriptors;
    /// Processes and threads of the user; the kernel does not apply it to root.
    uint64_t processes;
};

/// Sets the limits and forbids core dumps. Returns 0 or an errno value.
int assay_limit_resources(const struct assay_limits *limits);

/// Gives up, for this process and its children, every way of gaining rights. Returns 0 or an errno value.
int assay_forbid_new_privileges(void);

/// What a stage may do beyond computing.
enum assay_stage {
    /// Compiling: may start the linker, has no input data.
    assay_stage_compile = 0,
    /// Running kernels: may start nothing.
    assay_stage_run = 1,
};

/// Installs the system call filter in every thread. Calls that an attack needs (sockets, tracing, signals to others, mounts,
/// keys, new programs in the run stage) end the process with SIGSYS; calls that are neither needed nor dangerous fail with
/// ENOSYS. `allow_device_control` permits ioctl and memory files, without which a GPU driver cannot work.
/// Returns 0 or an errno value.
int assay_filter_system_calls(enum assay_stage stage, int allow_device_control);

/// Confines file access by Landlock: below each of `readable` reading and executing, on each of `devices` reading and writing,
/// below `writable` everything. Missing paths are passed over.
/// Returns 0, or ENOSYS where the kernel has no Landlock that drivers can live with, or another errno value.
int assay_confine_files(const char *const *readable, int readable_count, const char *const *devices, int device_count,
                        const char *writable);

/// Waits on a socket for one descriptor and puts it in the socket's place. Returns 0, or an errno value, or ECONNRESET when the
/// other end is closed first.
int assay_await_descriptor(int socket);
