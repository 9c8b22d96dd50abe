"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { answer } = require("./server");

test("it greets and escapes who is greeted", () => {
  assert.match(answer("/hello/%3Cb%3E")[2], /Hello, &lt;b&gt;!/);
});

test("it is healthy", () => {
  assert.strictEqual(answer("/health")[0], 200);
});
