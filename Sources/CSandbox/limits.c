// Resource limits and privileges (setrlimit(2), prctl(2)).
#include "CSandbox.h"
#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static int set_limit(int resource, uint64_t value) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0) return errno;
    // A limit that already is lower stays.
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < value) value = limit.rlim_max;
    limit.rlim_cur = limit.rlim_max = value;
    return setrlimit(resource, &limit) == 0 ? 0 : errno;
}

int assay_limit_resources(const struct assay_limits *limits) {
    int error = set_limit(RLIMIT_CORE, 0);
    if (error == 0 && limits->address_space != 0) error = set_limit(RLIMIT_AS, limits->address_space);
    if (error == 0 && limits->cpu_seconds != 0) error = set_limit(RLIMIT_CPU, limits->cpu_seconds);
    if (error == 0 && limits->file_bytes != 0) error = set_limit(RLIMIT_FSIZE, limits->file_bytes);
    if (error == 0 && limits->descriptors != 0) error = set_limit(RLIMIT_NOFILE, limits->descriptors);
    if (error == 0 && limits->processes != 0) error = set_limit(RLIMIT_NPROC, limits->processes);
    return error;
}

int assay_forbid_new_privileges(void) {
    // A process that cannot be dumped cannot be read through /proc by another one of the same user.
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno;
}
