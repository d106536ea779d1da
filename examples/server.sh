# Sourced by the scripts here: starts rump_server on a fresh root and stops it
# when the script ends.  Sets RUMP_SERVER and $root.
#
#	start_server BUILD_DIR [rump_server options]

server_pid=
server_dir=$(mktemp -d "${TMPDIR:-/tmp}/rumpgen.XXXXXX")
root=$server_dir/root
mkdir "$root"

stop_server() {
	if [ -n "$server_pid" ]; then
		kill -TERM "$server_pid" 2>/dev/null
		wait "$server_pid"
		server_status=$?
		server_pid=
		# What it needs and its filter does not let through.
		! grep 'refused host call' "$server_dir/said" >&2 ||
		    server_status=1
	fi
}

finish_server() {
	stop_server
	rm -rf "$server_dir"
}
trap finish_server EXIT
trap 'exit 130' INT TERM

start_server() {
	local build=$1 line
	shift
	export RUMP_SERVER=unix://$server_dir/sock
	mkfifo "$server_dir/ready"
	"$build/bin/rump_server" --root "$root" --ready-fd 3 "$@" \
	    "$RUMP_SERVER" 3>"$server_dir/ready" 2>"$server_dir/said" &
	server_pid=$!
	# Blocks until the server says so or is gone; no polling.
	read -r line <"$server_dir/ready" || {
		echo "rump_server did not start" >&2
		cat "$server_dir/said" >&2
		exit 1
	}
}
