"use strict";
// Runs the lifecycle scripts of the package in /opt/package as `npm install` does: in a writable
// copy, by sh, with npm's variables. npm itself asks a registry first, and is not wherever node is.

const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const source = "/opt/package/package";
const manifest = JSON.parse(fs.readFileSync(`${source}/package.json`, "utf8").replace(/^\uFEFF/, ""));
const top = process.cwd();
const place = path.join(top, "node_modules", String(manifest.name));
fs.cpSync(source, place, { recursive: true });

const scripts = { ...manifest.scripts };
if (!scripts.preinstall && !scripts.install && fs.existsSync(path.join(place, "binding.gyp"))) {
  scripts.install = "node-gyp rebuild";
}
for (const name of ["preinstall", "install", "postinstall"]) {
  const script = scripts[name];
  if (!script) continue;
  console.log(`> ${name}: ${script}`);
  const bins = [path.join(place, "node_modules", ".bin"), path.join(top, "node_modules", ".bin")];
  const { status, signal } = spawnSync("sh", ["-c", script], {
    cwd: place,
    stdio: "inherit",
    env: {
      ...process.env,
      INIT_CWD: top,
      NODE: process.execPath,
      PATH: [...bins, process.env.PATH].join(path.delimiter),
      npm_command: "install",
      npm_config_global: "",
      npm_config_user_agent: `npm/10 node/${process.version} ${process.platform} ${process.arch}`,
      npm_lifecycle_event: name,
      npm_lifecycle_script: script,
      npm_node_execpath: process.execPath,
      npm_package_json: path.join(place, "package.json"),
      npm_package_name: String(manifest.name),
      npm_package_version: String(manifest.version),
    },
  });
  if (status !== 0) {
    console.error(`${name} failed: ${signal ?? status}`);
    process.exit(status || 1);
  }
}
