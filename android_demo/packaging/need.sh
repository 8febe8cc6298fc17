# Sourced: need TOOL PACKAGE… ends with one sentence where a tool is missing, naming the command that installs it.
need() {
    command -v "$1" >/dev/null && return 0
    echo "Expected the program $1 on the PATH, found none; on Debian or Ubuntu: apt-get install $2" >&2
    exit 2
}
