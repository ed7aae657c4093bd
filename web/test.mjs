// SPDX-License-Identifier: Apache-2.0
// node --test test.mjs: what needs no browser. Sources are bundled as they are.
import { buildSync } from "esbuild";
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
globalThis.localStorage ??= { getItem: () => null, setItem: () => undefined }; // what the texts ask of a browser
globalThis.navigator ??= { language: "en" };

async function load(name) {
	const made = buildSync({ absWorkingDir: here, entryPoints: [`src/${name}`], bundle: true, write: false, format: "esm", jsx: "automatic", jsxImportSource: "preact", loader: { ".css": "empty" } });
	return import(`data:text/javascript;base64,${Buffer.from(made.outputFiles[0].contents).toString("base64")}`);
}

const files = readdirSync(join(here, "src"), { recursive: true, withFileTypes: true });
const texts = files.filter((file) => /\.tsx?$/.test(file.name)).map((file) => readFileSync(join(file.parentPath ?? file.path, file.name), "utf8"));

test("each text is there in German, and none is left over", async () => {
	const { de } = await load("de.ts");
	const said = new Set();
	for (const text of texts) {
		for (const [, found] of text.matchAll(/\bt\(\s*("(?:[^"\\]|\\.)*")/g)) said.add(JSON.parse(found));
		for (const [, found] of text.matchAll(/^\t\w+: \[("[^"]+"), "\w*"\],$/gm)) said.add(JSON.parse(found));      // words.ts
		for (const [, found] of text.matchAll(/^const ENDS = .*?"([^"]+)".*?"([^"]+)"/gm)) said.add(found);
		for (const found of /^const ENDS = .*/m.exec(text)?.[0].match(/"([^"]+)"/g) ?? []) said.add(JSON.parse(found));
		for (const [, one, other] of text.matchAll(/\bt\(\w+ \? "([^"]+)" : "([^"]+)"\)/g)) said.add(one).add(other);
	}
	assert.deepEqual([...said].filter((text) => !(text in de)), []);
	assert.deepEqual(Object.keys(de).filter((text) => !said.has(text)), []);
	for (const [english, german] of Object.entries(de)) {
		assert.deepEqual((german.match(/\{\w+\}/g) ?? []).sort(), (english.match(/\{\w+\}/g) ?? []).sort(), english);
	}
});

test("nothing becomes markup but by preact", () => {
	for (const text of texts) assert.doesNotMatch(text, /innerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/);
});

test("a CRM: both spellings of its answers, what is dialled, and which records fit", async () => {
	const { foundOf, settingsOf, dialOf } = await load("softphone/host.ts");
	const row = { Id: "003000000000001", Name: "Ann", RecordType: "Contact" };
	const found = [{ id: row.Id, name: "Ann", type: "Contact" }];
	assert.deepEqual(foundOf({ [row.Id]: row, SCREEN_POP_DATA: { Id: "003000000000009" } }), found);
	assert.deepEqual(foundOf(JSON.stringify({ screenPopUrl: "/", screenPopObject: { [row.Id]: { Name: "Ann", object: "Contact" } } })), found);
	assert.equal(foundOf({ [row.Id]: { Name: "Ann", RecordType: "Partner" } })[0].type, "Contact");
	assert.deepEqual(foundOf({ [row.Id]: { Id: "../admin", Name: "x" } }), []);
	for (const bad of [null, "", "{", "[1]", 7, { a: null }]) assert.deepEqual(foundOf(bad), []);
	const settings = settingsOf({ "/reqDialingOptions/reqOutsidePrefix": "9", "/reqDialingOptions/reqOutsidePrefix/label": "x", "/reqDialingOptions/reqLongDistPrefix": "1", "/reqDialingOptions/reqInternationalPrefix": "01" });
	for (const [number, dialled] of [["+1 (555) 010-0199", "915550100199"], ["555-010-0199", "915550100199"], ["010-0199", "90100199"], ["+49 30 1234567", "90149301234567"], ["1002", "1002"]]) {
		assert.equal(dialOf(number, settings), dialled);
	}
	for (const number of ["1 (555) 010-0199", "1-555-010-0199", "+1 555 010 0199 ext. 12", "(555) 010-0199 x12", "001 555 0100199", "011 1 555 0100199"]) assert.equal(dialOf(number, settings), "915550100199", number);
	for (const number of ["0049 30 1234567", "011 49 30 1234567", "+49 (0)30 1234567"]) assert.equal(dialOf(number, settings), "90149301234567", number);
	const german = { reqOutsidePrefix: "0", reqLongDistPrefix: "0", reqInternationalPrefix: "00" };
	for (const [number, dialled] of [["+1 555 010 0199", "00015550100199"], ["030 1234567", "00301234567"], ["0113 4960000", "001134960000"], ["*97", "*97"], ["911", "911"]]) assert.equal(dialOf(number, german), dialled);
	assert.equal(dialOf("+49 30 1234567", {}), "49301234567");
	const { valuesOf, fitting, typeOf } = await load("softphone/pop.ts");
	assert.deepEqual(valuesOf({ remote: "1002" }, { data: "Case.CaseNumber=00001234;Lead.X=7" }), [{ field: "Case.CaseNumber", value: "00001234" }, { field: "", value: "1002" }]);
	assert.deepEqual(valuesOf({ remote: "1" }, { data: "account.code=4711;lang=de;Account.Name=Acme & Sons = x;Case.Origin=" }), [{ field: "Account.Name", value: "Acme & Sons = x" }]);
	assert.deepEqual(fitting([...found, { id: "1", name: "", type: "Lead" }, { id: "2", name: "", type: "Case" }], ["Lead"]).map((one) => one.type), ["Lead", "Case"]);
	assert.deepEqual([typeOf({ direction: "in" }, { outside: false }), typeOf({ direction: "in" }, { outside: true }), typeOf({ direction: "out" }, { outside: true })], ["internal", "inbound", "outbound"]);
});

test("a node that stands still is waited for no longer than that", async () => {
	const { ask, Problem } = await load("api.ts");
	const { fetch, location } = globalThis;
	globalThis.location = { origin: "http://node" };
	globalThis.fetch = (_, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
	await assert.rejects(ask("/v1/calls", { patience_ms: 20 }), (error) => error instanceof Problem && error.code === "unreachable");
	const given = new AbortController();
	const asked = ask("/v1/calls", { signal: given.signal });
	given.abort();
	await assert.rejects(asked, /aborted/);
	Object.assign(globalThis, { fetch, location });
});

test("logs: what needs none any more", async () => {
	const { doneUntil } = await load("softphone/logs.ts");
	const minute = 60000, day = 1440 * minute, now = 1000 * day;
	assert.equal(doneUntil([], [], now), 0);
	assert.equal(doneUntil([], [now - 100 * day], now), 0);
	assert.equal(doneUntil([now - minute], [], now), now - 11 * minute); // one may come late into the history
	assert.equal(doneUntil([now - minute, now - day], [now - 20 * minute], now), now - 20 * minute - 1);
	assert.equal(doneUntil([now - minute], [now - 100 * day], now), now - 90 * day);
	assert.ok(doneUntil([minute], [], minute) <= 0);
});

test("the page around the softphone: who is heard, and what it is told", async () => {
	const { isListed, changes } = await load("softphone/frame.ts");
	const hosts = ["https://CRM.example.org", "https://*.example.com"];
	for (const origin of ["https://crm.example.org", "https://a.example.com", "https://a.b.example.com"]) assert.ok(isListed(origin, hosts), origin);
	for (const origin of ["http://crm.example.org", "https://crm.example.org:8443", "https://example.com", "https://.example.com", "https://xexample.com", "https://a.example.com.evil.org", "null", ""]) assert.ok(!isListed(origin, hosts), origin);
	const call = { call: "a", direction: "in", remote: "1002", remote_name: "Bob", state: "early" };
	const told = (before, now) => changes(before, now).map((event) => `${event.call} ${event.state}`);
	assert.deepEqual(changes([], [call]), [{ tandem: 1, event: "call", call: "a", state: "ringing", direction: "in", number: "1002", name: "Bob" }]);
	assert.deepEqual(told([call], [call]), []);
	assert.deepEqual(told([call], [{ ...call, state: "confirmed" }]), ["a connected"]);
	assert.deepEqual(told([{ ...call, state: "confirmed" }], [{ ...call, state: "confirmed", held: true }, { ...call, call: "b", direction: "out" }]), ["a held", "b calling"]);
	assert.deepEqual(told([call], []), ["a ended"]);
});

test("tables as CSV", async () => {
	const { csv } = await load("format.ts");
	const rows = [{ a: 'x,"y"', b: "=1+1", c: -5 }, { a: "line\nbreak", b: "@x", c: null }];
	assert.equal(csv(["a", "b", "c"], rows), 'a,b,c\r\n"x,""y""",\'=1+1,-5\r\n"line\nbreak",\'@x,\r\n');
});

test("the thirteen states of a party, as a user's page has them", async () => {
	const { ownState } = await load("words.ts");
	const words = readFileSync(join(here, "src", "words.ts"), "utf8");
	const states = ["aa", "busy", "call_pending", "conference", "connect", "error", "hold", "hold_pending", "idle", "play_vm", "record", "ringback", "ringing"];
	for (const state of states) {
		assert.match(words, new RegExp(`^\\t${state}: \\["`, "m"));
		for (const direction of ["in", "out"]) {
			const listed = { a_state: direction === "out" ? state : "idle", b_state: direction === "in" ? state : "idle" };
			const told = { direction, state: "confirmed" };
			assert.equal(ownState(told, listed), state === "idle" ? "connect" : state);
			assert.equal(ownState({ ...told, held: true }, listed), "hold");
		}
	}
	const early = (direction) => ({ direction, state: "early" });
	assert.deepEqual([ownState(early("in")), ownState(early("out")), ownState({ ...early("in"), state: "confirmed" }), ownState({ direction: "in", state: "confirmed", conference: "r1" })], ["ringing", "ringback", "connect", "conference"]);
});

test("a notice comes behind another window, where it is wanted and allowed, and in none of the seven other cases", async () => {
	const { tells } = await load("client/media.ts");
	const both = [false, true];
	const told = both.flatMap((behind) => both.flatMap((wanted) => both.filter((allowed) => tells({ behind, wanted, allowed })).map((allowed) => [behind, wanted, allowed])));
	assert.deepEqual(told, [[true, true, true]]);
});

test("what is said into the page is a WAV file", async () => {
	const { wav } = await load("client/greeting.ts");
	const view = new DataView(wav(new Float32Array([0, 1, -2, 0.5]), 8000));
	const words = (at, n) => String.fromCharCode(...new Uint8Array(view.buffer, at, n));
	assert.deepEqual([words(0, 4), words(8, 8), words(36, 4)], ["RIFF", "WAVEfmt ", "data"]);
	assert.deepEqual([view.byteLength, view.getUint32(4, true), view.getUint16(20, true), view.getUint16(22, true), view.getUint32(24, true), view.getUint32(28, true), view.getUint16(32, true), view.getUint16(34, true), view.getUint32(40, true)], [52, 44, 1, 1, 8000, 16000, 2, 16, 8]);
	assert.deepEqual([44, 46, 48, 50].map((at) => view.getInt16(at, true)), [0, 32767, -32767, 16384]);
});

test("digits go in the order in which they were pressed, also where the first ones wait for the media of their call", async (test) => {
	globalThis.matchMedia ??= () => ({ matches: false });
	globalThis.addEventListener ??= () => undefined;
	test.mock.timers.enable({ apis: ["setTimeout", "Date"] });
	const { Phone } = await load("client/phone.ts");
	const phone = new Phone(() => undefined);
	const sent = [];
	const sender = { dtmf: { canInsertDTMF: false } };
	phone.sessions.set(1, { connection: { getSenders: () => [sender] }, sendDTMF: (digits) => sent.push(digits) });
	phone.key(1, "1");
	sender.dtmf.canInsertDTMF = true;
	phone.key(1, "2");
	test.mock.timers.tick(200);
	phone.key(1, "3");
	assert.equal(sent.join(""), "123");
	sender.dtmf.canInsertDTMF = false;
	phone.key(1, "4");
	test.mock.timers.tick(6000); // its call is none any more
	sender.dtmf.canInsertDTMF = true;
	phone.key(1, "5");
	test.mock.timers.tick(200);
	assert.equal(sent.join(""), "1235");
});

test("durations", async () => {
	const { duration } = await load("format.ts");
	assert.deepEqual([0, 59999, 60000, 65000, 3599000, 3600000, -5].map(duration), ["0:00", "0:59", "1:00", "1:05", "59:59", "1:00:00", "0:00"]);
});

test("times are as the browser would say them, in either language", async () => {
	const { time } = await load("format.ts");
	const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
	for (const language of ["en", "de", "en"]) {
		const then = new Date(2001, 1, 3, 4, 5, 6);
		const now = new Date();
		assert.equal(time(+then, language), `${then.toLocaleDateString(language, { day: "2-digit", month: "short" })} ${then.toLocaleTimeString(language, clock)}`);
		assert.equal(time(+now, language), now.toLocaleTimeString(language, clock));
	}
	assert.equal(time(0, "en"), "");
});

test("a ladder goes by sequence, also within a millisecond", async () => {
	const { ladder } = await load("ladder.ts");
	const message = (first, sdp) => `${first}\r\nCSeq: 1 INVITE\r\n\r\n${sdp ? "v=0\r\n" : ""}`;
	const rows = [
		{ utc_ms: 5, sent: true, remote: "a", transport: "UDP", message: message("SIP/2.0 180 Ringing") },
		{ utc_ms: 5, sent: false, remote: "b", transport: "UDP", message: message("SIP/2.0 180 Ringing") },
		{ utc_ms: 5, sent: true, remote: "b", transport: "UDP", message: message("INVITE sip:b SIP/2.0", true) },
		{ utc_ms: 5, sent: false, remote: "a", transport: "UDP", message: message("INVITE sip:b SIP/2.0", true) },
	];
	const { lanes, steps } = ladder(rows);
	assert.deepEqual(lanes, ["a", "b"]);
	assert.deepEqual(steps.map((step) => [step.lane, step.out, step.what, step.sdp]), [[0, false, "INVITE", true], [1, true, "INVITE", true], [1, false, "180 Ringing", false], [0, true, "180 Ringing", false]]);
	assert.equal(ladder([{ message: "" }]).steps.length, 1);
});

test("events of calls: what has ended does not come back by an older list", async () => {
	const { apply, replace } = await load("live.ts");
	const rows = new Map();
	const gone = new Map();
	apply(rows, gone, { type: "call.new", call: "c1", id: "1000-0", from: "1", to: "2" });
	apply(rows, gone, { type: "call.answered", call: "c1", id: "3000-0" });
	assert.deepEqual(rows.get("c1"), { id: "c1", from: "1", to: "2", state: "established", setup_utc_ms: 1000, answer_utc_ms: 3000 });
	apply(rows, gone, { type: "call.held", call: "c9", id: "4000-0" });
	assert.equal(rows.size, 1);
	apply(rows, gone, { type: "call.ended", call: "c1", id: "5000-0" });
	apply(rows, gone, { type: "call.state", call: "c1", id: "5000-1" });
	assert.equal(rows.size, 0);
	assert.equal(replace([{ id: "c1" }, { id: "c2" }], gone).size, 1);
});

test("many rows are sorted and sought in slices as at once", async () => {
	const { arrange, arrangeSlowly } = await load("arrange.ts");
	const rows = Array.from({ length: 5000 }, (_, i) => ({ i, name: `Person ${(i * 7919) % 1009}`, number: String((i * 31) % 977), at: i % 7 }));
	for (const key of ["name", "number", "at", ""]) {
		for (const down of [false, true]) {
			for (const words of [[], ["person 4"], ["nobody"]]) {
				const wish = { words, down, textOf: (row) => row.name.toLowerCase(), valueOf: key ? (row) => row[key] : null };
				const compare = new Intl.Collator(undefined, { numeric: true }).compare;
				const found = rows.filter((row) => words.every((word) => row.name.toLowerCase().includes(word)));
				if (key) found.sort((a, b) => (down ? -1 : 1) * compare(String(a[key]), String(b[key])));
				assert.deepEqual(arrange(rows, wish), found);
				assert.deepEqual(await arrangeSlowly(rows, wish, () => false), found);
			}
		}
	}
	assert.equal(await arrangeSlowly(rows, { words: ["person"], down: false, textOf: (row) => { for (let end = performance.now() + 0.1; performance.now() < end; ); return row.name.toLowerCase(); }, valueOf: null }, () => true), null);
});

test("flows: text and graph are one program", async () => {
	const { parse, print } = await load("console/tree.ts");
	const { graphOf, lead, putStep, rename, VERBS } = await load("console/graph.ts");
	const flows = JSON.parse(readFileSync(join(here, "flows.json"), "utf8"));
	assert.ok(flows.kept.length >= 9 && flows.random.length >= 50, "the suite writes flows.json");
	for (const text of [...flows.kept, ...flows.random]) {
		const tree = parse(text);
		assert.deepEqual(JSON.parse(print(tree)), JSON.parse(text));
		assert.equal(print(parse(print(tree))), print(tree));
		const graph = graphOf(tree);
		if (!graph) continue;
		if (flows.kept.includes(text)) assert.deepEqual(graph.faults, [], text);
		// each way led elsewhere and back, each step renamed and back, taken away and put again: as before
		for (const way of graph.ways) {
			const away = lead(tree, way.from, way.by, graph.start + "x");
			assert.equal(graphOf(away).ways.filter((one) => one.to === graph.start + "x").length, 1);
			assert.equal(print(lead(away, way.from, way.by, way.to)), print(tree));
		}
		for (const step of graph.steps) {
			assert.ok(VERBS.includes(step.verb), step.name);
			assert.equal(print(rename(rename(tree, step.name, "zz9"), "zz9", step.name)), print(tree));
			assert.equal(graphOf(putStep(tree, step.name, null)).steps.length, graph.steps.length - 1);
		}
	}
	for (const [text, why, line, column] of [["{", "a text in quotes is expected", 1, 2], ['{"a": 1,\n "a": 2}', 'the member "a" is there twice', 2, 2], ['{"a": [1, }', "a value is expected", 1, 11], ["[1] x", "nothing more is expected", 1, 5], ["[".repeat(200), "too deep", 1, 102]]) {
		assert.throws(() => parse(text), (fault) => fault.why === why && fault.line === line && fault.column === column, text);
	}
	assert.equal(print(parse('{"n": 1.50e3, "2": 0, "1": []}')), '{\n  "n": 1.50e3,\n  "2": 0,\n  "1": []\n}');
	const damaged = graphOf(parse('{"start": "a", "steps": {"a": {"play": ["x"], "next": "gone"}, "b": {}}}'));
	assert.deepEqual(damaged.faults, [{ step: "b", why: "it has no verb" }, { step: "a", why: 'next leads to "gone", which is no step' }]);
});

test("the button of a headset answers what rings before it hangs up, its lights follow, and mute goes both ways", async () => {
	const { Headset } = await load("client/headset.ts");
	const item = (usages, more) => ({ isArray: false, isAbsolute: true, isRange: false, usages, reportSize: 1, reportCount: usages.length, ...more });
	const made = (mute, range) => {
		const sent = [];
		const device = Object.assign(new EventTarget(), {
			productName: "stand-in",
			opened: true,
			sendReport: async (id, octets) => sent.push([id, ...octets].join()),
			close: async () => undefined,
			collections: [
				{ usagePage: 0x0c, inputReports: [{ reportId: 2, items: [item([0x0b0020])] }], outputReports: [] },
				{
					usagePage: 0x0b,
					inputReports: [{ reportId: 2, items: [item([], { reportCount: 7 }), item([0x0b0021]), range ? item([], { isRange: true, usageMinimum: 0x0b001f, reportCount: 2 }) : item([0x0b0024, 0x0b0020]), item([0x0b002f], mute)] }],
					outputReports: [{ reportId: 3, items: [item([0x080009, 0x080017])] }, { reportId: 4, items: [item([0x080018])] }],
				},
			],
		});
		const done = [];
		const phone = {
			state: { calls: [] },
			answer: (id) => done.push(`answer ${id}`),
			end: (id) => done.push(`end ${id}`),
			mute: (id, on) => done.push(`mute ${id} ${on}`),
		};
		const headset = new Headset(device, phone);
		const said = (hook, muted = 0) => device.dispatchEvent(Object.assign(new Event("inputreport"), { reportId: 2, data: new DataView(new Uint8Array([0, (hook << 1) | (muted << 2)]).buffer) }));
		const calls = (...list) => {
			phone.state.calls = list.map(([id, state, more]) => ({ id, state, incoming: true, held: false, muted: false, ...more }));
			headset.show();
		};
		return { device, sent, done, said, calls, headset, take: () => [done.splice(0), sent.splice(0)] };
	};
	for (const range of [false, true]) {
		const h = made({}, range);
		h.calls();
		assert.deepEqual(h.take(), [[], ["3,0", "4,0"]]);
		h.calls([1, "ringing"]);
		assert.deepEqual(h.take(), [[], ["3,0", "4,1"]]);
		h.said(1);
		assert.deepEqual(h.take(), [["answer 1"], []]);
		h.calls([1, "talking"]);
		assert.deepEqual(h.take(), [[], ["3,2", "4,0"]]);
		h.said(1); // says what its light says
		assert.deepEqual(h.take(), [[], []]);
		h.calls([1, "talking"], [2, "ringing"]);
		h.take();
		h.said(0); // a call rings and one is there
		assert.deepEqual(h.take(), [["answer 2"], []]);
		h.calls([1, "talking", { held: true }], [2, "talking"]);
		assert.deepEqual(h.take(), [[], ["3,2", "4,0"]]);
		h.said(1, 1);
		assert.deepEqual(h.take(), [["mute 2 true"], []]);
		h.calls([1, "talking", { held: true }], [2, "talking", { muted: true }]);
		assert.deepEqual(h.take(), [[], ["3,3", "4,0"]]);
		h.said(0, 1);
		assert.deepEqual(h.take(), [["end 2"], []]);
		h.calls();
		h.take();
		h.said(1); // for no call
		assert.deepEqual(h.take(), [[], ["3,0", "4,0"]]);
		h.device.dispatchEvent(Object.assign(new Event("inputreport"), { reportId: 9, data: new DataView(new ArrayBuffer(0)) }));
		assert.deepEqual(h.take(), [[], []]);
		await h.headset.stop();
		h.said(1);
		assert.deepEqual(h.take()[0], []);
	}
	const presses = made({ isAbsolute: false }, false);
	presses.calls([1, "calling", { incoming: false }]);
	presses.said(1, 1);
	presses.said(1, 0);
	presses.calls([1, "calling", { incoming: false, muted: true }]);
	presses.said(1, 1);
	assert.deepEqual(presses.take()[0], ["mute 1 true", "mute 1 false"]);
});
