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

# The median of list[1..n]; leaves the extremes in "least" and "most".
function median(list, n,    i, j, x, a)
{
	for (i = 1; i <= n; i++) {
		x = list[i]
		for (j = i - 1; j > 0 && a[j] > x; j--)
			a[j + 1] = a[j]
		a[j + 1] = x
	}
	least = a[1]
	most = a[n]
	return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
}

function row(title, v,    i, j, n, list, m)
{
	printf "  %-26s", title
	for (i = 1; i <= columns; i++) {
		n = count[v, clients[i]]
		for (j = 1; j <= n; j++)
			list[j] = value[v, clients[i], j]
		m = median(list, n)
		printf "%8.0f  (%5.0f - %5.0f)", m, least, most
	}
	print ""
}

# What one round's runs share, such as other load on the machine, cancels out.
function ratio(title, v,    i, j, n, list, m)
{
	printf "  %-26s", title
	for (i = 1; i <= columns; i++) {
		n = count[v, clients[i]]
		for (j = 1; j <= n; j++)
			list[j] = value["door", clients[i], j] / value[v, clients[i], j]
		m = median(list, n)
		printf "%8.2f  (%5.2f - %5.2f)", m, least, most
	}
	print ""
}

END {
	if (!count["tcp", clients[1]] || !count["unix", clients[1]] || !count["door", clients[1]]) {
		print "The runs did not finish."
		exit 1
	}
	printf "redis-benchmark GET, requests per second: median of %d interleaved rounds (extremes)\n\n", \
		count["door", clients[1]]
	printf "  %-26s", ""
	for (i = 1; i <= columns; i++)
		printf "%25s", clients[i] (clients[i] == 1 ? " client" : " clients")
	print ""
	row("TCP loopback", "tcp")
	row("AF_UNIX", "unix")
	row("TCP loopback over doors", "door")
	ratio("doors : TCP, by round", "tcp")
	ratio("doors : AF_UNIX, by round", "unix")
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
