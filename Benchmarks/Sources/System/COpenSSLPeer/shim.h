// OpenSSL's digest interface, against which the hash kernels are measured.
#include <openssl/evp.h>
