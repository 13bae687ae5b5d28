// The VFS keeps, for each write since the last flush of its file, what was there before; a power cut puts it back.
#include "faulty_disk.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct undo {
    char *path;
    sqlite3_int64 offset, size_before;
    int length, old_length;
    unsigned char *old_bytes;
    struct undo *previous;
};

struct disk_file {
    sqlite3_file base;
    sqlite3_file *real;
    char *path; // null for files that are not on the disk
    int generation;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sqlite3_vfs *real_vfs, disk_vfs;
static sqlite3_io_methods methods;
static char *prefix;
static struct undo *undos;
static int lies, fails, writes_left, generation, is_cut;
static enum assay_disk_failure failure;

static struct disk_file *file_of(sqlite3_file *file) { return (struct disk_file *)file; }

// A handle from before the last cut stays dead.
static int is_dead(struct disk_file *file) { return file->path && (is_cut || file->generation != generation); }

static void drop(struct undo *undo) {
    free(undo->path);
    free(undo->old_bytes);
    free(undo);
}

static void remember(struct disk_file *file, sqlite3_int64 offset, int length) {
    struct undo *undo = calloc(1, sizeof *undo);
    undo->path = strdup(file->path);
    undo->offset = offset;
    undo->length = length;
    file->real->pMethods->xFileSize(file->real, &undo->size_before);
    undo->old_bytes = calloc(1, length > 0 ? length : 1);
    if (offset < undo->size_before && length > 0) {
        sqlite3_int64 there = undo->size_before - offset;
        undo->old_length = there < length ? (int)there : length;
        file->real->pMethods->xRead(file->real, undo->old_bytes, undo->old_length, offset);
    }
    undo->previous = undos;
    undos = undo;
}

static int disk_close(sqlite3_file *base) {
    struct disk_file *file = file_of(base);
    int code = file->real->pMethods ? file->real->pMethods->xClose(file->real) : SQLITE_OK;
    free(file->path);
    file->path = NULL;
    return code;
}

static int disk_read(sqlite3_file *base, void *bytes, int count, sqlite3_int64 offset) {
    struct disk_file *file = file_of(base);
    if (is_dead(file)) return SQLITE_IOERR_READ;
    return file->real->pMethods->xRead(file->real, bytes, count, offset);
}

static int disk_write(sqlite3_file *base, const void *bytes, int count, sqlite3_int64 offset) {
    struct disk_file *file = file_of(base);
    if (!file->path) return file->real->pMethods->xWrite(file->real, bytes, count, offset);
    pthread_mutex_lock(&lock);
    int code = is_dead(file) ? SQLITE_IOERR_WRITE : SQLITE_OK;
    if (code == SQLITE_OK && fails && --writes_left < 0)
        code = failure == ASSAY_DISK_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    if (code == SQLITE_OK) {
        remember(file, offset, count);
        code = file->real->pMethods->xWrite(file->real, bytes, count, offset);
    }
    pthread_mutex_unlock(&lock);
    return code;
}

static int disk_truncate(sqlite3_file *base, sqlite3_int64 size) {
    struct disk_file *file = file_of(base);
    if (!file->path) return file->real->pMethods->xTruncate(file->real, size);
    pthread_mutex_lock(&lock);
    int code = is_dead(file) ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
    sqlite3_int64 now = 0;
    if (code == SQLITE_OK) file->real->pMethods->xFileSize(file->real, &now);
    if (code == SQLITE_OK && now > size) {
        remember(file, size, (int)(now - size));
        code = file->real->pMethods->xTruncate(file->real, size);
    }
    pthread_mutex_unlock(&lock);
    return code;
}

static int disk_sync(sqlite3_file *base, int flags) {
    struct disk_file *file = file_of(base);
    if (!file->path) return file->real->pMethods->xSync(file->real, flags);
    pthread_mutex_lock(&lock);
    int code = is_dead(file) ? SQLITE_IOERR_FSYNC : SQLITE_OK;
    if (code == SQLITE_OK && !lies) {
        struct undo **place = &undos;
        while (*place) {
            struct undo *undo = *place;
            if (strcmp(undo->path, file->path) == 0) {
                *place = undo->previous;
                drop(undo);
            } else {
                place = &undo->previous;
            }
        }
    }
    pthread_mutex_unlock(&lock);
    return code;
}

// The rest asks the real file, as long as there is power.
#define PASS(name, parameters, arguments, error)                                 \
    static int disk_##name parameters {                                         \
        struct disk_file *file = file_of(base);                                 \
        if (is_dead(file)) return error;                                        \
        return file->real->pMethods->x##name arguments;                         \
    }
PASS(FileSize, (sqlite3_file *base, sqlite3_int64 *size), (file->real, size), SQLITE_IOERR_FSTAT)
PASS(Lock, (sqlite3_file *base, int level), (file->real, level), SQLITE_IOERR_LOCK)
PASS(CheckReservedLock, (sqlite3_file *base, int *out), (file->real, out), SQLITE_IOERR_CHECKRESERVEDLOCK)
PASS(ShmMap, (sqlite3_file *base, int page, int size, int extend, void volatile **out),
     (file->real, page, size, extend, out), SQLITE_IOERR_SHMMAP)
PASS(ShmLock, (sqlite3_file *base, int offset, int count, int flags), (file->real, offset, count, flags),
     SQLITE_IOERR_SHMLOCK)

static int disk_Unlock(sqlite3_file *base, int level) {
    return file_of(base)->real->pMethods->xUnlock(file_of(base)->real, level);
}
static int disk_FileControl(sqlite3_file *base, int op, void *value) {
    return file_of(base)->real->pMethods->xFileControl(file_of(base)->real, op, value);
}
static int disk_SectorSize(sqlite3_file *base) { return file_of(base)->real->pMethods->xSectorSize(file_of(base)->real); }
// No promises: no atomic writes, no safe appends.
static int disk_Characteristics(sqlite3_file *base) { (void)base; return 0; }
static void disk_ShmBarrier(sqlite3_file *base) { file_of(base)->real->pMethods->xShmBarrier(file_of(base)->real); }
static int disk_ShmUnmap(sqlite3_file *base, int gone) {
    return file_of(base)->real->pMethods->xShmUnmap(file_of(base)->real, gone);
}

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *out) {
    (void)vfs;
    struct disk_file *file = file_of(base);
    memset(file, 0, sizeof *file);
    file->real = (sqlite3_file *)(file + 1);
    pthread_mutex_lock(&lock);
    int is_here = name && prefix && strncmp(name, prefix, strlen(prefix)) == 0;
    int cut = is_here && is_cut;
    if (is_here) file->path = strdup(name);
    file->generation = generation;
    pthread_mutex_unlock(&lock);
    int code = cut ? SQLITE_CANTOPEN : real_vfs->xOpen(real_vfs, name, file->real, flags, out);
    if (code == SQLITE_OK) {
        base->pMethods = &methods;
    } else {
        free(file->path);
        file->path = NULL;
    }
    return code;
}

int assay_disk_install(const char *where) {
    pthread_mutex_lock(&lock);
    free(prefix);
    prefix = strdup(where);
    int code = SQLITE_OK;
    if (!real_vfs) {
        sqlite3_initialize();
        real_vfs = sqlite3_vfs_find(NULL);
        disk_vfs = *real_vfs;
        disk_vfs.zName = "assay-faulty-disk";
        disk_vfs.szOsFile = (int)sizeof(struct disk_file) + real_vfs->szOsFile;
        disk_vfs.xOpen = disk_open;
        disk_vfs.pNext = NULL;
        methods = (sqlite3_io_methods){
            .iVersion = 2, .xClose = disk_close, .xRead = disk_read, .xWrite = disk_write, .xTruncate = disk_truncate,
            .xSync = disk_sync, .xFileSize = disk_FileSize, .xLock = disk_Lock, .xUnlock = disk_Unlock,
            .xCheckReservedLock = disk_CheckReservedLock, .xFileControl = disk_FileControl,
            .xSectorSize = disk_SectorSize, .xDeviceCharacteristics = disk_Characteristics, .xShmMap = disk_ShmMap,
            .xShmLock = disk_ShmLock, .xShmBarrier = disk_ShmBarrier, .xShmUnmap = disk_ShmUnmap,
        };
        code = sqlite3_vfs_register(&disk_vfs, 1);
    }
    while (undos) {
        struct undo *undo = undos;
        undos = undo->previous;
        drop(undo);
    }
    lies = fails = is_cut = 0;
    pthread_mutex_unlock(&lock);
    return code;
}

void assay_disk_lie(int value) {
    pthread_mutex_lock(&lock);
    lies = value;
    pthread_mutex_unlock(&lock);
}

void assay_disk_fail(int writes, enum assay_disk_failure kind) {
    pthread_mutex_lock(&lock);
    fails = writes > 0;
    writes_left = writes;
    failure = kind;
    pthread_mutex_unlock(&lock);
}

static uint64_t mix(uint64_t word) {
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9u;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EBu;
    return word ^ (word >> 31);
}

// Puts back the bytes of a write from its `kept`th byte on.
static void put_back(const struct undo *undo, int kept) {
    int descriptor = open(undo->path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return;
    if (undo->old_length > kept) {
        ssize_t written =
            pwrite(descriptor, undo->old_bytes + kept, undo->old_length - kept, undo->offset + kept);
        (void)written;
    }
    sqlite3_int64 size = undo->size_before;
    if (kept > 0 && undo->offset + kept > size) size = undo->offset + kept;
    struct stat now;
    if (fstat(descriptor, &now) == 0 && now.st_size > size) {
        int ignored = ftruncate(descriptor, size);
        (void)ignored;
    }
    close(descriptor);
}

int assay_disk_cut(uint64_t seed) {
    pthread_mutex_lock(&lock);
    is_cut = 1;
    generation++;
    int lost = 0;
    // Files are flushed apart, so each loses its own number of last writes.
    while (undos) {
        const char *path = undos->path;
        int count = 0;
        for (struct undo *undo = undos; undo; undo = undo->previous) count += strcmp(undo->path, path) == 0;
        seed = mix(seed + 0x9E3779B97F4A7C15u);
        int gone = (int)(seed % (uint64_t)(count + 1)), seen = 0;
        char *name = strdup(path);
        struct undo **place = &undos;
        while (*place) {
            struct undo *undo = *place;
            if (strcmp(undo->path, name) != 0) {
                place = &undo->previous;
                continue;
            }
            if (seen < gone) {
                put_back(undo, seen == gone - 1 ? undo->length / 2 : 0);
                lost++;
            }
            seen++;
            *place = undo->previous;
            drop(undo);
        }
        free(name);
    }
    pthread_mutex_unlock(&lock);
    return lost;
}

void assay_disk_restore(void) {
    pthread_mutex_lock(&lock);
    is_cut = 0;
    fails = 0;
    lies = 0;
    pthread_mutex_unlock(&lock);
}
