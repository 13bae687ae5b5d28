// Starting and feeding worker processes. Everything here is safe in a process with threads: nothing runs between fork and exec
// but what posix_spawn itself does.
#define _GNU_SOURCE
#include "CSpawn.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { most_descriptors = 16 };

int assay_spawn(const char *path, char *const arguments[], char *const environment[], const int *descriptors, int count,
                pid_t *process) {
    if (count < 0 || count > most_descriptors) return EINVAL;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    // Copies above the target range, so that no dup2 overwrites a descriptor that a later one still needs.
    int copies[most_descriptors];
    int copied = 0;
    int error = 0;
    for (; copied < count; copied++) {
        copies[copied] = fcntl(descriptors[copied], F_DUPFD_CLOEXEC, most_descriptors);
        if (copies[copied] < 0) {
            error = errno;
            break;
        }
    }
    if (error == 0) error = posix_spawn_file_actions_init(&actions);
    if (error == 0) {
        error = posix_spawnattr_init(&attributes);
        if (error == 0) {
            for (int i = 0; i < count && error == 0; i++)
                error = posix_spawn_file_actions_adddup2(&actions, copies[i], i);
            if (error == 0) error = posix_spawn_file_actions_addclosefrom_np(&actions, count);
            sigset_t none, all;
            sigemptyset(&none);
            sigfillset(&all);
            if (error == 0) error = posix_spawnattr_setsigmask(&attributes, &none);
            if (error == 0) error = posix_spawnattr_setsigdefault(&attributes, &all);
            if (error == 0) error = posix_spawnattr_setpgroup(&attributes, 0);
            if (error == 0)
                error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                                  POSIX_SPAWN_SETSIGDEF);
            if (error == 0) error = posix_spawn(process, path, &actions, &attributes, arguments, environment);
            // A program that was written a moment ago counts as busy while a child that another thread started meanwhile
            // still holds the writer's descriptor, that is until that child's own exec.
            for (int attempt = 0; error == ETXTBSY && attempt < 50; attempt++) {
                usleep(10000);
                error = posix_spawn(process, path, &actions, &attributes, arguments, environment);
            }
            posix_spawnattr_destroy(&attributes);
        }
        posix_spawn_file_actions_destroy(&actions);
    }
    for (int i = 0; i < copied; i++) close(copies[i]);
    return error;
}

int assay_pipe(int descriptors[2]) {
    if (pipe2(descriptors, O_CLOEXEC) != 0) return errno;
    // A longer pipe lets a worker compute while its parent hashes; a refusal only costs speed.
    (void)fcntl(descriptors[1], F_SETPIPE_SZ, 1 << 20);
    return 0;
}

int assay_memory_file(const char *name) {
    int descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return descriptor >= 0 ? descriptor : -errno;
}

int assay_write_all(int descriptor, const void *bytes, size_t count) {
    const char *next = bytes;
    while (count > 0) {
        ssize_t written = write(descriptor, next, count);
        if (written < 0) {
            if (errno == EINTR) continue;
            return errno;
        }
        next += written;
        count -= (size_t)written;
    }
    return 0;
}

int assay_seal(int descriptor) {
    if (fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) return errno;
    return lseek(descriptor, 0, SEEK_SET) == 0 ? 0 : errno;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place) {
    (void)status, (void)type, (void)place;
    return remove(path);
}

int assay_remove_tree(const char *path) {
    return nftw(path, remove_entry, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0 ? 0 : errno;
}

int assay_socket_pair(int ends[2]) {
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0 ? 0 : errno;
}

int assay_send_descriptor(int socket, int descriptor) {
    char byte = 0;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
        if (errno != EINTR) return errno;
    return 0;
}

struct thread_start {
    void (*body)(void *);
    void *context;
};

static void *enter_thread(void *pointer) {
    struct thread_start start = *(struct thread_start *)pointer;
    free(pointer);
    start.body(start.context);
    return NULL;
}

int assay_start_thread(void (*body)(void *), void *context) {
    struct thread_start *start = malloc(sizeof *start);
    if (start == NULL) return ENOMEM;
    start->body = body;
    start->context = context;
    pthread_t thread;
    int error = pthread_create(&thread, NULL, enter_thread, start);
    if (error != 0) {
        free(start);
        return error;
    }
    return pthread_detach(thread);
}
