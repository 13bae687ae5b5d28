// libpq for Swift. The only thing added is a sentence for machines that do not have it.
#ifndef ASSAY_CPOSTGRES_SHIM_H
#define ASSAY_CPOSTGRES_SHIM_H

#if __has_include(<libpq-fe.h>)
#include <libpq-fe.h>
#elif __has_include(<postgresql/libpq-fe.h>)
#include <postgresql/libpq-fe.h>
#else
#error "libpq, the PostgreSQL client library, is missing: install the Debian package libpq-dev (Scripts/run and Scripts/test do)"
#endif

#endif
