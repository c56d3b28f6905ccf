# SPDX-License-Identifier: GPL-2.0-only
# Reads the lines of tools/bench/guest, prints a table. Other lines pass.
# -v unit=instructions where a nanosecond of the measured clock is one.

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

END {
	print "Two processes on one CPU: " unit " per round trip, and (context switches)\n"
	printf "%-20s %17s %17s %17s   %s\n", "", "1 B", "1 KiB", "16 KiB", "64 KiB writes, per byte"
	for (i = 1; i <= rows; i++) {
		printf "%-20s", order[i]
		split("rtt1 rtt1024 rtt16384", sizes, " ")
		for (j = 1; j <= 3; j++)
			printf " %9s  (%s)", number(cell[order[i], sizes[j]]), vcsw[order[i], sizes[j]]
		printf "   %s\n", number(cell[order[i], "send65536"])
	}
}
