// An HTTP server that greets by a template, and says which version answers.
"use strict";

const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const mustache = require("mustache");

const PAGE = "<!doctype html><title>{{name}}</title><h1>Hello, {{name}}!</h1>\n";

function revision() {
  const file = path.join(__dirname, "REVISION");
  const text = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "version=unknown\ncommit=unknown\n";
  return Object.fromEntries(text.trim().split("\n").map((line) => line.split("=")));
}

function answer(url) {
  if (url === "/health") return [200, "text/plain", "ok\n"];
  if (url === "/version") return [200, "application/json", JSON.stringify(revision())];
  if (url.startsWith("/hello/")) {
    return [200, "text/html; charset=utf-8", mustache.render(PAGE, { name: decodeURIComponent(url.slice(7)) })];
  }
  return [404, "text/plain", "not found\n"];
}

const server = http.createServer((request, response) => {
  const [status, type, body] = answer(request.url.split("?")[0]);
  response.writeHead(status, { "Content-Type": type });
  response.end(body);
});

if (require.main === module) {
  server.listen(Number(process.env.PORT || 8000), process.env.HOST || "127.0.0.1");
  process.on("SIGTERM", () => server.close());
}

module.exports = { answer };
