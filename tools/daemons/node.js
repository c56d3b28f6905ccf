// SPDX-License-Identifier: GPL-2.0-only
// What tools/daemons/node.sh runs: servers and clients in one program and its children.
const cluster = require("cluster"), crypto = require("crypto"), fs = require("fs");
const http = require("http"), net = require("net");
const md5 = (data) => crypto.createHash("md5").update(data).digest("hex");
const sum = async (stream) => {
	const parts = [];
	for await (const part of stream) parts.push(part);
	return md5(Buffer.concat(parts));
};
const get = (options) => new Promise((done, fail) => http.get(options, (r) => done(sum(r))).on("error", fail));

const serve = () => http.createServer((request, response) => fs.createReadStream("big").pipe(response));

async function main() {
	const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
	const server = serve().listen(8501, "127.0.0.1");
	const all = await Promise.all(Array.from({ length: 8 }, () => get({ port: 8501, host: "127.0.0.1", agent })));
	console.log("http", new Set(all));
	server.close();
	agent.destroy();

	const echo = net.createServer({ allowHalfOpen: true }, (c) => c.pipe(c)).listen("sock");
	for (let i = 0; i < 3; i++) {
		const c = net.connect("sock");
		c.end(fs.readFileSync("big"));
		console.log("unix", await sum(c));
	}
	echo.close();

	for (let i = 0; i < 2; i++) cluster.fork();
	await new Promise((done) => cluster.once("listening", done));
	for (let i = 0; i < 4; i++) console.log("cluster", await get({ port: 8502, host: "127.0.0.1" }));
	cluster.disconnect(() => process.exit(0));
}

if (cluster.isPrimary) main();
else serve().listen(8502, "127.0.0.1");
