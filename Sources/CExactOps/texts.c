// The kernels' text as data.
#include <string.h>

#include "CExactOps.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const char functions[] = {
#embed "kernels/functions.cl"
};
static const char trigonometry[] = {
#embed "kernels/trigonometry.cl"
};
static const char matmul[] = {
#embed "kernels/matmul.cl"
};
static const char integer[] = {
#embed "kernels/integer.cl"
};
static const char rows[] = {
#embed "kernels/rows.cl"
};
static const char attention[] = {
#embed "kernels/attention.cl"
};
static const char grids[] = {
#embed "kernels/grids.cl"
};
static const char elements[] = {
#embed "kernels/elements.cl"
};
static const char random_numbers[] = {
#embed "kernels/random.cl"
};
static const char probe[] = {
#embed "kernels/probe.cl"
};
static const char vector[] = {
#embed "kernels/vector.cl"
};
static const char tiled[] = {
#embed "kernels/tiled.cl"
};

static const struct {
    const char *name;
    const char *text;
    size_t length;
} parts[] = {
    {"functions", functions, sizeof functions},
    {"trigonometry", trigonometry, sizeof trigonometry},
    {"matmul", matmul, sizeof matmul},
    {"integer", integer, sizeof integer},
    {"rows", rows, sizeof rows},
    {"attention", attention, sizeof attention},
    {"grids", grids, sizeof grids},
    {"elements", elements, sizeof elements},
    {"random", random_numbers, sizeof random_numbers},
    {"probe", probe, sizeof probe},
    {"vector", vector, sizeof vector},
    {"tiled", tiled, sizeof tiled},
};

const char *assay_exact_text(const char *part, size_t *length) {
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (strcmp(parts[i].name, part) == 0) {
            *length = parts[i].length;
            return parts[i].text;
        }
    }
    *length = 0;
    return NULL;
}
