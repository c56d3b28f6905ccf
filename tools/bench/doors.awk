# SPDX-License-Identifier: GPL-2.0-only
# Reads the lines of tools/bench/doors, prints its tables. Other lines pass.

$1 == "rtt" {
	if (!($2 in called)) {
		called[$2]
		calls[++ncalls] = $2
	}
	if (!($4 in seen)) {
		seen[$4]
		sizes[++nsizes] = $4
	}
	cell[$2, $3, $4] = $6
	next
}

$1 == "curve" {
	if (!($4 in measured)) {
		measured[$4]
		points[++npoints] = $4
	}
	curve[$2, $3, $4] = $5
	next
}

$1 == "clients" || $1 == "normal" || $1 == "clock" {
	if (!($3 in crowd)) {
		crowd[$3]
		crowds[++ncrowds] = $3
	}
	if ($1 == "clock")
		rate[$2, $3, ++rounds[$2, $3]] = $7
	else
		per_call[$1, $2, $3] = $5
	if ($1 == "clients")
		threads[$2, $3] = $9
	next
}

{ print }

function number(x)
{
	return x == "" ? "-" : sprintf("%.0f", x)
}

function title(name)
{
	return name == "unix" ? "AF_UNIX" : name
}

# Of up to a few rounds.
function median(name, n,    count, i, j, v, t)
{
	count = rounds[name, n]
	for (i = 1; i <= count; i++)
		v[i] = rate[name, n, i]
	for (i = 1; i < count; i++)
		for (j = i + 1; j <= count; j++)
			if (v[j] < v[i]) {
				t = v[i]
				v[i] = v[j]
				v[j] = t
			}
	return count ? v[int((count + 1) / 2)] : ""
}

function by_size(kind,    i, j)
{
	printf "%10s", "bytes"
	for (j = 1; j <= ncalls; j++)
		printf " %12s", title(calls[j])
	print ""
	for (i = 1; i <= nsizes; i++) {
		if (kind == "res" && sizes[i] == 0)
			continue
		printf "%10d", sizes[i]
		for (j = 1; j <= ncalls; j++)
			printf " %12s", number(cell[calls[j], kind, sizes[i]])
		print ""
	}
}

END {
	print "Instructions of a call with an argument and an empty answer:\n"
	by_size("arg")
	print "\nInstructions of a call with an empty argument and an answer:\n"
	by_size("res")
	print "\nInstructions of a door_call() when bytes are copied or their pages pinned:\n"
	printf "%10s %12s %12s %12s %12s\n", "bytes", "arg. copied", "pinned", "answer copied", "pinned"
	for (i = 1; i <= npoints; i++)
		printf "%10d %12s %12s %12s %12s\n", points[i], \
			number(curve["copied", "arg", points[i]]), number(curve["pinned", "arg", points[i]]), \
			number(curve["copied", "res", points[i]]), number(curve["pinned", "res", points[i]])
	print "\nOne server, many clients, empty calls: instructions under SCHED_FIFO and under the"
	print "normal scheduler, and calls per second of two CPUs:\n"
	printf "%10s %20s %20s %20s %9s\n", "", "SCHED_FIFO", "normal", "calls/s", "server"
	printf "%10s %10s %9s %10s %9s %10s %9s %9s\n", "clients", "door", "AF_UNIX", "door", "AF_UNIX", \
		"door", "AF_UNIX", "threads"
	for (i = 1; i <= ncrowds; i++) {
		c = crowds[i]
		printf "%10d %10s %9s %10s %9s %10s %9s %9s\n", c, \
			number(per_call["clients", "door", c]), number(per_call["clients", "unix", c]), \
			number(per_call["normal", "door", c]), number(per_call["normal", "unix", c]), \
			number(median("door", c)), number(median("unix", c)), threads["door", c]
	}
}
