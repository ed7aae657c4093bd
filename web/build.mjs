// SPDX-License-Identifier: Apache-2.0
// node build.mjs FOLDER: bundles the web pages into that folder, in place of what was there. Scripts and styles have a hash
// of themselves in their names, and each file stands beside what gzip makes of it.
import { build } from "esbuild";
import { gzipSync } from "node:zlib";
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync, existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = resolve(process.argv[2] ?? join(here, "..", "build", "pages"));
const made = `${target}.new`;
const titles = { console: "tandem · console", client: "tandem", softphone: "tandem · softphone", style: "tandem · style" };

rmSync(made, { recursive: true, force: true });
mkdirSync(made, { recursive: true });

const done = await build({
	absWorkingDir: here,
	entryPoints: Object.keys(titles).map((name) => ({ in: `src/${name}/${name}.tsx`, out: name })),
	outdir: made,
	entryNames: "[name]-[hash]",
	chunkNames: "part-[hash]",
	bundle: true,
	splitting: true, // what is wanted later comes later
	format: "esm",
	target: ["es2021"],
	minify: true,
	legalComments: "linked",
	metafile: true,
	jsx: "automatic",
	jsxImportSource: "preact",
	logLevel: "warning",
});

/* The worker that takes pushes: one file, by a name that stays. */
await build({ absWorkingDir: here, entryPoints: ["src/worker/worker.ts"], outfile: join(made, "worker.js"), bundle: true, format: "iife", target: ["es2021"], minify: true, logLevel: "warning" });

/* Entry points, by the name of their page: {script, style}. */
const parts = {};
for (const [file, output] of Object.entries(done.metafile.outputs)) {
	const entry = output.entryPoint && basename(output.entryPoint, ".tsx");
	if (entry) parts[entry] = { script: basename(file), style: output.cssBundle && basename(output.cssBundle) };
}

for (const [name, title] of Object.entries(titles)) {
	const { script, style } = parts[name];
	writeFileSync(join(made, `${name}.html`), `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="/pages/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/pages/${style}">
<script type="module" src="/pages/${script}"></script>
</head>
<body>
<div id="page"></div>
<noscript><p>This page needs JavaScript.</p></noscript>
</body>
</html>
`);
}
/* What is bundled of others, with its licences. */
const packages = [...new Set(Object.keys(done.metafile.inputs).map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]).filter(Boolean))].sort();
writeFileSync(join(made, "licences.txt"), packages.map((name) => {
	const folder = join(here, "node_modules", name);
	const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
	const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
	return `${name} ${about.version} (${about.license})\n\n${file ? readFileSync(join(folder, file), "utf8") : ""}`;
}).join("\n----\n\n"));
writeFileSync(join(made, "icon.svg"), readFileSync(join(here, "src", "icon.svg")));

for (const name of readdirSync(made)) writeFileSync(join(made, `${name}.gz`), gzipSync(readFileSync(join(made, name)), { level: 9 }));

/* Whoever looks meanwhile finds the old folder or the new one. */
rmSync(`${target}.old`, { recursive: true, force: true });
if (existsSync(target)) renameSync(target, `${target}.old`);
renameSync(made, target);
rmSync(`${target}.old`, { recursive: true, force: true });
console.log(JSON.stringify({ pages: target }));
