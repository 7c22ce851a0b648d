# What stands around the commands of a page while a test runs them. STATE is a folder of the test's own, BIN the folder
# with the commands that may be run, STUBS the names of those that are only noted, USED the file in which they are noted.
#
# `localhost:3000` means the server that the page started last, at a free port, or else the one at SHARED. A feed that
# needs the network is checked and not started.
set -eu
everything=$PATH
site=$STATE/site
mkdir -p "$site/pkg"
export TICKERTAPE_SITE=$site

# Runs a program that is not among those of the page.
with() { PATH=$everything command "$@"; }

# Ends the server, and waits until it has ended: the next one may have the same archive.
stop() {
    [ -e "$STATE/ended" ] || return 0
    kill "$(<"$STATE/pid")" 2>/dev/null || :
    read -r _ <"$STATE/ended" || :
    with rm -f "$STATE/pid" "$STATE/address" "$STATE/out" "$STATE/ended"
}
trap stop EXIT

# Starts the server of the page and waits until every feed has published something.
serve() {
    stop
    with mkfifo "$STATE/out" "$STATE/ended"
    {
        with bash -c 'echo $$ >"$STATE/pid" && exec "$BIN/tickertape" --listen 127.0.0.1:0 "$@"' serve "$@" || :
        echo >"$STATE/ended"
    } <&0 >"$STATE/out" 2>"$STATE/log" &
    local line=
    read -r line <"$STATE/out" || :
    case $line in
    'Tickertape is at http://'*) echo "${line#*http://}" >"$STATE/address" ;;
    *)
        with cat "$STATE/log" >&2
        return 1
        ;;
    esac
    until with curl --silent --fail --max-time 10 --output /dev/null "http://$(<"$STATE/address")/health/ready"; do
        kill -0 "$(<"$STATE/pid")"
    done
}

# Whether options name a feed that needs the network, or an address of their own.
elsewhere() {
    local option
    for option in "$@"; do
        case $option in
        --config* | --listen* | --trusted-proxy* | \
            coinbase* | kraken* | binance* | alpaca* | finnhub* | sec* | nasdaq-halts* | rss* | json* | replay*) return 0 ;;
        esac
    done
    return 1
}

tickertape() {
    case ${1-} in
    check | import | export | repair | token | --help | --version) "$BIN/tickertape" "$@" ;;
    record) "$BIN/tickertape" check --feed "$2" ;;
    *) if elsewhere "$@"; then "$BIN/tickertape" check "$@"; else serve "$@"; fi ;;
    esac
}

# A target of the Makefile; `run` does what it would do, the others are only looked for.
make() {
    with grep -q "^$1:.*##" "$ROOT/Makefile" || {
        echo "make has no target $1" >&2
        return 1
    }
    local options=${2-}
    if [ "$1" = run ]; then eval "tickertape ${options#ARGS=}"; fi
}

# A stream is read up to its first data.
curl() {
    local address=$SHARED argument streams=
    local -a arguments=()
    [ ! -e "$STATE/address" ] || address=$(<"$STATE/address")
    for argument in "$@"; do
        case $argument in -N) streams=yes ;; esac
        arguments+=("${argument//localhost:3000/$address}")
    done
    if [ -z "$streams" ]; then
        with curl --silent --show-error --fail-with-body --max-time 30 "${arguments[@]}"
        return
    fi
    with rm -f "$STATE/stream"
    with mkfifo "$STATE/stream"
    PATH=$everything command curl --silent --show-error --fail --max-time 30 "${arguments[@]}" >"$STATE/stream" &
    local reading=$!
    with grep -m 1 '^data: ' "$STATE/stream"
    kill "$reading" 2>/dev/null || :
    wait "$reading" 2>/dev/null || :
}

# A browser.
open() { curl -H 'Accept: text/html' "$1"; }

for stub in $STUBS; do
    eval "$stub() { echo $stub >>\"\$USED\"; }"
done
PATH=$BIN
