# What a build and its tests need from the system: looked for first, installed only when missing.
# Sourced by Scripts/run and Scripts/test. Sets up: `say`, `fail`, `require_swift`, `require_space`, `require_packages`.

# Arithmetic and hash kernels optimised in every build (Package.swift says why this is not the default).
export ASSAY_OPTIMISED=1

say() { printf '==> %s\n' "$*" >&2; }

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# The Swift toolchain is the one thing that is never installed from here.
require_swift() {
    # `sudo` resets PATH, so the places where the installer puts a toolchain are looked at too.
    local place
    for place in "$HOME" "$(getent passwd "${SUDO_USER:-}" | cut -d: -f6)"; do
        PATH=$PATH:$place/.local/share/swiftly/bin
    done
    PATH=$PATH:/opt/swift/usr/bin:/usr/local/swift/usr/bin
    command -v swift >/dev/null 2>&1 ||
        fail "no Swift toolchain found: install Swift 6.2 or newer with the official installer, swiftly (https://www.swift.org/install/linux)"
    # An unpacked toolchain brings itself and not the system libraries that it links.
    swift --version >/dev/null 2>&1 ||
        require_packages "system libraries of the Swift toolchain" \
            libcurl4 libedit2 libncurses6 libsqlite3-0 libxml2 tzdata zlib1g
    local said version
    said=$(swift --version 2>&1) || fail "the Swift toolchain does not start: $(printf '%s' "$said" | tail -n 1)"
    version=$(printf '%s' "$said" | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    case "$version" in
    "" | [0-5].* | 6.[01]) fail "Swift 6.2 or newer is needed, found ${version:-an unknown version}: update it with swiftly (https://www.swift.org/install/linux)" ;;
    esac
}

# require_space GIB: free space where the build will stand.
require_space() {
    local free
    free=$(df -Pk . | awk 'NR == 2 { print int($4 / 1048576) }')
    [ "$free" -ge "$1" ] || fail "the build needs $1 GiB of free disk space here, found $free GiB"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        fail "installing packages needs root: run this as root or install sudo"
    fi
}

# require_packages REASON PACKAGE…: says in one line what is missing and why, and installs it.
require_packages() {
    local reason=$1 missing=() package
    shift
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    command -v apt-get >/dev/null 2>&1 ||
        fail "these packages are missing and there is no apt-get to install them: ${missing[*]}"
    say "installing ${missing[*]} ($reason)"
    local log
    log=$(mktemp)
    if ! { as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"; } \
        >"$log" 2>&1 </dev/null; then
        tail -n 5 "$log" >&2
        rm -f "$log"
        fail "could not install ${missing[*]}: is there a network connection and free disk space?"
    fi
    rm -f "$log"
}

# What every build links and every run uses.
require_build_packages() {
    require_packages "compiler support, OpenSSL, GMP, SQLite, libcurl, the PostgreSQL client library" \
        ca-certificates git pkg-config binutils libc6-dev g++ libssl-dev libgmp-dev libsqlite3-dev \
        libcurl4-openssl-dev libpq-dev
    require_packages "OpenCL: the loader, and PoCL as the device on machines without a GPU" \
        ocl-icd-opencl-dev pocl-opencl-icd
    require_packages "the sandbox around kernels" \
        bubblewrap libseccomp-dev
    # Admission works without the simulator, by fewer stages, and says so.
    if apt-cache show oclgrind >/dev/null 2>&1 || dpkg-query -W oclgrind >/dev/null 2>&1; then
        require_packages "the simulator of kernel admission" oclgrind
    else
        say "skipping Oclgrind, which this system does not offer: kernels are admitted without a dry run"
    fi
}

# prepare_peers [all]: other implementations from PyPI that judge random claims beside Assay, in an environment of their own
# below .tools: those of hashes and CBOR, with `all` those of curves too. A machine that cannot have them skips that comparison
# and says so.
prepare_peers() {
    [ -n "${ASSAY_PEERS:-}" ] && return
    local folder=.tools/peers some="blake3==1.0.11 cbor2==5.7.0 pycose==1.1.0" packages have
    local all="$some py-arkworks-bls12381==0.5.0 ckzg==2.1.8 py-ecc==8.0.0"
    packages=$some
    [ "${1:-}" = all ] && packages=$all
    have=$(cat "$folder/packages" 2>/dev/null || true)
    if [ "$have" = "$packages" ] || [ "$have" = "$all" ]; then return; fi
    require_packages "an environment for the peers" python3 python3-venv
    say "installing the peers: $packages"
    # shellcheck disable=SC2086
    if python3 -m venv "$folder" >/dev/null 2>&1 && "$folder/bin/pip" install -q $packages >/dev/null 2>&1 </dev/null; then
        printf '%s\n' "$packages" >"$folder/packages"
    else
        rm -rf "$folder"
        say "the peers could not be installed ($packages): random claims are not compared with them; those tests are skipped"
    fi
}

# A PostgreSQL server for the tests, which start it on a folder and a socket of their own. Without one they are skipped.
offer_postgresql() {
    local initdb
    for initdb in /usr/lib/postgresql/*/bin/initdb $(command -v initdb || true); do [ -x "$initdb" ] && return; done
    (require_packages "a private PostgreSQL server for the tests" postgresql) ||
        say "no PostgreSQL server: the suites that need one are skipped"
}

# build CONFIGURATION ARGUMENT…: builds, and says in one sentence when packages cannot be fetched.
build() {
    local configuration=$1 log
    shift
    log=$(mktemp)
    if ! swift build -c "$configuration" "$@" 2>&1 </dev/null | tee "$log" | progress; then
        if grep -qiE 'could not resolve host|failed to clone|unable to access|network' "$log"; then
            tail -n 5 "$log" >&2
            rm -f "$log"
            fail "the Swift packages that Assay builds on could not be fetched: is there a network connection?"
        fi
        if grep -qi 'no space left' "$log"; then
            rm -f "$log"
            fail "the disk is full"
        fi
        grep -E 'error:' "$log" | sort -u | head -n 20 >&2
        rm -f "$log"
        fail "the build failed"
    fi
    rm -f "$log"
}

# On a terminal the build's own lines; elsewhere one line in a hundred, so that a log shows life and stays short.
progress() {
    if [ -t 2 ]; then cat >&2; else awk 'NR % 100 == 1 || /warning: unre|error/' >&2; fi
}
