# Shared by ./run and ./check; POSIX sh, sourced with $here set to this folder. Finds Node.js and installs llama.cpp.

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# ready ARGUMENT…: ends with one sentence where Node.js or npm is missing; installs on first use and when the versions
# changed, unless the arguments only ask for help.
ready() {
    command -v node >/dev/null 2>&1 ||
        fail "The comparison runs llama.cpp through Node.js 20 or newer, and there is no node on the PATH: install Node.js."
    major=$(node -p 'process.versions.node.split(".")[0]')
    [ "$major" -ge 20 ] ||
        fail "The comparison needs Node.js 20 or newer, found $(node --version): install a newer one."
    for argument in "$@"; do
        case $argument in
            -h | --help) return 0 ;;
            --) break ;;
        esac
    done
    # npm writes this file last, so it also tells whether an installation was cut short.
    [ "$here/node_modules/.package-lock.json" -nt "$here/package-lock.json" ] && return 0
    command -v npm >/dev/null 2>&1 ||
        fail "Installing llama.cpp needs npm, and there is none on the PATH: install npm."
    echo "peer: installing llama.cpp (node-llama-cpp, about 750 MB in benchmarks/peer/node_modules)" >&2
    # Not `npm ci`, which refuses a lock without the packages of every platform. --no-save leaves the lock as it is.
    (cd "$here" && npm install --no-save --loglevel=error >&2) ||
        fail "npm could not install node-llama-cpp; the reason stands above."
    touch "$here/node_modules/.package-lock.json"
}
