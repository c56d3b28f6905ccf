# SPDX-License-Identifier: GPL-2.0-only
# Reads the lines of tools/demo/redis, prints the table and the proof.

$1 == "rps" {
	n = ++count[$2, $3]
	value[$2, $3, n] = $4
	if (!($3 in known)) {
		known[$3]
		clients[++columns] = $3
	}
}

$1 == "stat" {
	if (!(($2, $3) in stat))
		names[$2] = names[$2] " " $3
	stat[$2, $3] += $4
}

# Sorts one cell's values; returns the median, and leaves the spread in "spread".
function median(v, c,    n, i, j, x, a)
{
	n = count[v, c]
	for (i = 1; i <= n; i++) {
		x = value[v, c, i]
		for (j = i - 1; j > 0 && a[j] > x; j--)
			a[j + 1] = a[j]
		a[j + 1] = x
	}
	x = n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
	spread = 100 * (a[n] - a[1]) / x
	return x
}

function row(title, v,    i)
{
	printf "  %-24s", title
	for (i = 1; i <= columns; i++) {
		middle[v, i] = median(v, clients[i])
		printf "%10.0f  (%3.0f %%) ", middle[v, i], spread
	}
	print ""
}

function ratio(title, v,    i)
{
	printf "  %-24s", title
	for (i = 1; i <= columns; i++)
		printf "%10.2f  %8s", middle["door", i] / middle[v, i], ""
	print ""
}

END {
	if (!count["tcp", clients[1]] || !count["unix", clients[1]] || !count["door", clients[1]]) {
		print "The runs did not finish."
		exit 1
	}
	printf "redis-benchmark GET, requests per second: median of %d interleaved rounds (spread)\n\n", \
		count["door", clients[1]]
	printf "  %-24s", ""
	for (i = 1; i <= columns; i++)
		printf "%12s%s", (clients[i] == 1 ? "1 client" : clients[i] " clients"), "        "
	print ""
	row("TCP loopback", "tcp")
	row("AF_UNIX", "unix")
	row("TCP loopback over doors", "door")
	ratio("doors : TCP", "tcp")
	ratio("doors : AF_UNIX", "unix")
	print "\nWhat the module counted meanwhile"
	split("tcp unix door", variants, " ")
	for (i = 1; i <= 3; i++) {
		v = variants[i]
		printf "  %-5s", v
		m = split(names[v], list, " ")
		if (!m)
			printf " nothing"
		for (j = 1; j <= m; j++)
			printf "%s %s %.0f", (j > 1 ? "," : ""), list[j], stat[v, list[j]]
		print ""
	}
	if (!stat["door", "streams_joined"]) {
		print "  The runs over doors did not use doors."
		exit 1
	}
}
