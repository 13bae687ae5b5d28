// Landlock (Linux 5.13; Documentation/userspace-api/landlock.rst) by its system calls: the C library has no wrappers.
#define _GNU_SOURCE
#include "CSandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__has_include) && __has_include(<linux/landlock.h>) && defined(SYS_landlock_create_ruleset)
#include <linux/landlock.h>

// Rights of later versions of the interface, which an older header does not name.
#define ACCESS_REFER (1ULL << 13)
#define ACCESS_TRUNCATE (1ULL << 14)

enum {
    read_rights = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
    // The rights of the first version of the interface.
    basic_rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1,
    file_rights = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE,
};

static int allow(int ruleset, const char *path, uint64_t rights) {
    struct landlock_path_beneath_attr rule = {.allowed_access = rights};
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0) return errno == ENOENT || errno == EACCES ? 0 : errno;
    int error = 0;
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
        error = errno;
        // A rule for a single file must not name rights on folders.
        rule.allowed_access = rights & file_rights;
        if (error == EINVAL && syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0)
            error = 0;
    }
    close(rule.parent_fd);
    return error;
}

int assay_confine_files(const char *const *readable, int readable_count, const char *const *devices, int device_count,
                        const char *writable) {
    int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    // The first version forbids every rename between folders, which drivers need for their temporary files.
    if (version < 2) return ENOSYS;
    uint64_t all_rights = basic_rights | ACCESS_REFER | (version >= 3 ? ACCESS_TRUNCATE : 0);
    struct landlock_ruleset_attr attributes = {.handled_access_fs = all_rights};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (ruleset < 0) return errno;
    int error = 0;
    for (int i = 0; i < readable_count && error == 0; i++) error = allow(ruleset, readable[i], read_rights);
    for (int i = 0; i < device_count && error == 0; i++)
        error = allow(ruleset, devices[i], read_rights | LANDLOCK_ACCESS_FS_WRITE_FILE);
    if (error == 0 && writable != 0) error = allow(ruleset, writable, all_rights);
    if (error == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) error = errno;
    close(ruleset);
    return error;
}
#else
int assay_confine_files(const char *const *readable, int readable_count, const char *const *devices, int device_count,
                        const char *writable) {
    (void)readable, (void)readable_count, (void)devices, (void)device_count, (void)writable;
    return ENOSYS;
}
#endif
