// The system call filter, by libseccomp: an allow-list whose default is ENOSYS, and a list of calls that end the process.
// The lists name calls of every architecture; a name that this one does not have is passed over.
#define _GNU_SOURCE
#include "CSandbox.h"
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <unistd.h>

// What memory management, threads, clocks, reading of driver files and writing into the run's own folder need.
static const char *const allowed[] = {
    "read", "readv", "pread64", "preadv", "write", "writev", "pwrite64", "close", "close_range", "lseek", "dup", "dup2",
    "dup3", "pipe", "pipe2", "poll", "ppoll", "select", "pselect6", "epoll_create1", "epoll_ctl", "epoll_wait",
    "epoll_pwait", "eventfd2", "fcntl", "flock", "fsync", "fdatasync", "ftruncate", "fallocate", "truncate",
    "open", "openat", "stat", "fstat", "lstat", "newfstatat", "statx", "statfs", "fstatfs", "access", "faccessat",
    "faccessat2", "readlink", "readlinkat", "getdents", "getdents64", "getcwd", "chdir", "mkdir", "mkdirat", "rmdir",
    "unlink", "unlinkat", "rename", "renameat", "renameat2", "chmod", "fchmod", "fchmodat", "umask", "utimensat",
    "fadvise64", "copy_file_range", "sendfile",
    "mmap", "munmap", "mremap", "mprotect", "madvise", "mincore", "msync", "brk", "mlock", "munlock",
    "get_mempolicy", "mbind", "set_mempolicy", "membarrier",
    "futex", "set_robust_list", "get_robust_list", "rseq", "set_tid_address", "arch_prctl", "sched_yield",
    "sched_getaffinity", "sched_setaffinity", "sched_getparam", "sched_getscheduler", "sched_get_priority_max",
    "sched_get_priority_min", "getcpu", "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid",
    "getpgrp", "getpgid", "getsid", "getrusage", "getrlimit", "sysinfo", "uname", "times", "getrandom", "getpriority",
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "restart_syscall",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait", "sigaltstack",
    "exit", "exit_group", "wait4", "waitid", "capget",
};

// What only an attack asks for. The process ends at once, so that a probe leaves a trace in the exit status.
static const char *const fatal[] = {
    "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "recvfrom", "sendmsg", "recvmsg",
    "sendmmsg", "recvmmsg", "getsockname", "getpeername", "setsockopt", "getsockopt", "shutdown",
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_open", "pidfd_getfd",
    "pidfd_send_signal", "kill", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
    "mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsmount", "unshare", "setns",
    "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "keyctl",
    "add_key", "request_key", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
    "swapon", "swapoff", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "capset",
    "setsid", "setpgid", "personality", "acct", "quotactl", "syslog", "iopl", "ioperm", "clock_settime", "settimeofday",
    "sethostname", "setdomainname", "open_by_handle_at", "name_to_handle_at", "mknod", "mknodat", "link", "linkat",
    "symlink", "symlinkat", "chown", "fchown", "lchown", "fchownat", "fanotify_init", "inotify_init1",
};

static int add(scmp_filter_ctx filter, uint32_t action, const char *name) {
    int number = seccomp_syscall_resolve_name(name);
    // A name that this architecture does not have needs no rule.
    if (number == __NR_SCMP_ERROR) return 0;
    int error = seccomp_rule_add(filter, action, number, 0);
    return error == -EDOM ? 0 : -error;
}

static int add_process_rules(scmp_filter_ctx filter, enum assay_stage stage) {
    // Threads and nothing else in the run stage; the linker of the compile stage is a process.
    int clone = SCMP_SYS(clone);
    int error = -seccomp_rule_add(filter, SCMP_ACT_ALLOW, clone, 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    // clone3 hides its flags behind a pointer. It stays with the default, on which the C library falls back to clone.
    if (stage == assay_stage_compile) {
        if (error == 0)
            error = -seccomp_rule_add(filter, SCMP_ACT_ALLOW, clone, 1,
                                      SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_NEWUSER | CLONE_NEWNS, 0));
        if (error == 0) error = add(filter, SCMP_ACT_ALLOW, "vfork");
        if (error == 0) error = add(filter, SCMP_ACT_ALLOW, "execve");
    } else {
        if (error == 0)
            error = -seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, clone, 1,
                                      SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
        static const char *const starters[] = {"fork", "vfork", "execve", "execveat"};
        for (size_t i = 0; i < sizeof starters / sizeof *starters && error == 0; i++)
            error = add(filter, SCMP_ACT_KILL_PROCESS, starters[i]);
    }
    // abort() signals its own process and no other.
    if (error == 0)
        error = -seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                                  SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
    // Reading limits, never setting them.
    if (error == 0)
        error = -seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A2(SCMP_CMP_EQ, 0));
    return error;
}

int assay_filter_system_calls(enum assay_stage stage, int allow_device_control) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (filter == NULL) return ENOMEM;
    int error = -seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (error == 0) error = -seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed && error == 0; i++)
        error = add(filter, SCMP_ACT_ALLOW, allowed[i]);
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal && error == 0; i++)
        error = add(filter, SCMP_ACT_KILL_PROCESS, fatal[i]);
    if (error == 0) error = add_process_rules(filter, stage);
    // Memory files are outside the limit on address space, so that only a driver that needs them gets them.
    if (error == 0 && allow_device_control) error = add(filter, SCMP_ACT_ALLOW, "memfd_create");
    if (error == 0 && allow_device_control) error = add(filter, SCMP_ACT_ALLOW, "ioctl");
    if (error == 0) error = -seccomp_load(filter);
    seccomp_release(filter);
    return error;
}
