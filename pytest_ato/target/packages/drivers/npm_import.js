"use strict";
// Loads the package in /opt/package as a program does that depends on it: by require, or by import
// where it is an ES module.

const fs = require("node:fs");
const { createRequire } = require("node:module");
const path = require("node:path");
const { pathToFileURL } = require("node:url");

const source = "/opt/package/package";
const manifest = JSON.parse(fs.readFileSync(`${source}/package.json`, "utf8").replace(/^\uFEFF/, ""));
const name = String(manifest.name);
const place = path.resolve("node_modules", name);
const index = ["index.js", "index.json", "index.node"];
const asModule = ["ERR_REQUIRE_ESM", "ERR_REQUIRE_ASYNC_MODULE", "ERR_PACKAGE_PATH_NOT_EXPORTED"];

fs.mkdirSync(path.dirname(place), { recursive: true });
fs.symlinkSync(source, place);
if (!manifest.main && !manifest.exports && !index.some((one) => fs.existsSync(`${source}/${one}`))) {
  console.log("nothing to load: no main, no exports, no index");
} else {
  try {
    createRequire(path.resolve("program.js"))(name);
  } catch (error) {
    if (!asModule.includes(error?.code)) throw error;
    const program = path.resolve("program.mjs");
    fs.writeFileSync(program, `import ${JSON.stringify(name)};\n`);
    import(pathToFileURL(program));
  }
}
