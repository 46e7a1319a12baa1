# Runs on a host, by `sh -c`: $1 is the action, $2 the name of the fleet. Prints "WORKER STATE PID NOTE", a line for each.
set -u
action=$1 state="$HOME/.hpsearch/fleet/$2"
shift 2

# The PID alone may belong to another process by now; the name of the store file is in the arguments of ours.
is_running() {
    [ -s "$state/$1.pid" ] && ps -o args= -p "$(cat "$state/$1.pid")" 2>/dev/null | grep -qF -- "$state/store"
}

show() { # WORKER STATE
    echo "$1 $2 $(cat "$state/$1.pid" 2>/dev/null) $(tail -n 1 "$state/$1.log" 2>/dev/null)"
}

workers() {
    for file in "$state"/*.pid; do
        [ -e "$file" ] && basename "$file" .pid
    done | sort -n
}

case $action in
start) # N DIRECTORY PROGRAM WORD..., with the URI of the database on stdin
    n=$1 directory=$2 program=$3
    shift 3
    case $program in
    /*) ;;
    */*) program="$HOME/$program" ;;
    esac
    umask 077
    mkdir -p "$state" && cat >"$state/store.new" && mv "$state/store.new" "$state/store" || exit 73
    cd && cd -- "$directory" || exit 73
    i=1
    while [ "$i" -le "$n" ]; do
        if is_running "$i"; then
            show "$i" running
        else
            nohup setsid "$program" "$@" --store-file "$state/store" >>"$state/$i.log" 2>&1 </dev/null &
            echo $! >"$state/$i.pid"
            echo "$i started $! "
        fi
        i=$((i + 1))
    done
    ;;
stop) # SECONDS: until then, a running trial may finish; afterwards its worker still drains
    deadline=$(($(date +%s) + $1))
    for i in $(workers); do
        is_running "$i" && kill -TERM "$(cat "$state/$i.pid")"
    done
    for i in $(workers); do
        while is_running "$i" && [ "$(date +%s)" -lt "$deadline" ]; do sleep 0.2; done
        if is_running "$i"; then show "$i" draining; else show "$i" stopped && rm -f "$state/$i.pid"; fi
    done
    [ -n "$(workers)" ] || rm -f "$state/store"
    ;;
status)
    for i in $(workers); do
        if is_running "$i"; then show "$i" running; else show "$i" ended; fi
    done
    ;;
logs) # LINES
    for log in "$state"/*.log; do
        [ -e "$log" ] && echo "== $(basename "$log" .log)" && tail -n "$1" "$log"
    done
    ;;
esac
exit 0
