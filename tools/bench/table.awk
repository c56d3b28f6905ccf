# SPDX-License-Identifier: GPL-2.0-only
# Reads the lines of tools/bench/guest, prints two tables. Other lines pass.
# -v unit=instructions where a nanosecond of the measured clock is one.

$1 == "rtt" && ($3 == "arg" || $3 == "res") {
	name = $2 == "tcp" ? "TCP" : $2 == "unix" ? "AF_UNIX" : $2 == "door" ? "door_call" : $2
	if (!(name in called)) {
		called[name]
		calls[++ncalls] = name
	}
	cell[name, $3 $4] = $6
	vcsw[name, $3 $4] = $8
	next
}

$1 == "rtt" || $1 == "send" {
	name = $2 == "tcp" ? "TCP" : $2 == "unix" ? "AF_UNIX" : $2
	name = name ($3 == "door" ? " over doors" : "")
	if (!(name in known)) {
		known[name]
		order[++rows] = name
	}
	cell[name, $1 $4] = $6
	vcsw[name, $1 $4] = $8
	next
}

{ print }

function number(x)
{
	return x == "" ? "-" : x < 100 ? sprintf("%.2f", x) : sprintf("%.0f", x)
}

function row(title, names,    sizes, j, n)
{
	printf "%-20s", title
	n = split(names, sizes, " ")
	for (j = 1; j <= n; j++)
		printf " %8s %7s", number(cell[title, sizes[j]]), \
			vcsw[title, sizes[j]] == "" ? "" : "(" vcsw[title, sizes[j]] ")"
}

END {
	print "Request and answer of one size, two processes on one CPU:"
	print unit " per round trip (context switches)\n"
	printf "%-20s %16s %16s %16s   %s\n", "", "1 B", "1 KiB", "16 KiB", "64 KiB writes, per byte"
	for (i = 1; i <= rows; i++) {
		row(order[i], "rtt1 rtt1024 rtt16384")
		printf "   %s\n", number(cell[order[i], "send65536"])
	}
	if (!ncalls)
		exit
	for (part = 1; part <= 2; part++) {
		kind = part == 1 ? "arg" : "res"
		print part == 1 ? "\nThe same, a request with an argument and an empty answer:\n" : \
			"\nThe same, an empty request and an answer with a result:\n"
		printf "%-20s %16s %16s %16s %16s\n", "", "1 KiB", "16 KiB", "1 MiB", part == 1 ? "nothing" : ""
		for (i = 1; i <= ncalls; i++) {
			row(calls[i], kind "1024 " kind "16384 " kind "1048576" (part == 1 ? " arg0" : ""))
			print ""
		}
	}
}
