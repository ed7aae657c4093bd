// SPDX-License-Identifier: Apache-2.0
// A stand-in for the libraries of Salesforce's Open CTI, by their documents: in the frame it asks the page around it, and each
// answer comes later. Tried against nothing of Salesforce's.
(() => {
	const query = new URLSearchParams(location.search);
	const host = new URL(document.currentScript.src).origin;
	const waiting = new Map();
	const listeners = {};
	const own = Math.random(); // an answer to what this document was before is none to what it asks
	let last = 0;
	addEventListener("message", (event) => {
		if (event.origin !== host || event.source !== parent) return;
		const { answer, id, of, call, payload } = event.data;
		if (call) listeners[call]?.(payload);
		else if (of === own && waiting.has(id)) {
			waiting.get(id)(answer);
			waiting.delete(id);
		}
	});
	const ask = (method, given, callback) => {
		if (query.get("mode") === null) throw new Error("no mode");
		waiting.set(++last, callback ?? (() => undefined));
		parent.postMessage({ method, given, id: last, of: own }, host);
	};
	const plain = ({ callback, ...given } = {}) => [given, callback];
	const opencti = {
		CALL_TYPE: { INBOUND: "Inbound", OUTBOUND: "Outbound", INTERNAL: "Internal" },
		SCREENPOP_TYPE: { SOBJECT: "sobject", URL: "url", NEW_RECORD_MODAL: "newRecord", SEARCH: "search" },
		onClickToDial: ({ listener }) => (listeners.dial = listener),
	};
	for (const method of ["enableClickToDial", "getCallCenterSettings", "searchAndScreenPop", "screenPop", "saveLog", "runApex", "setSoftphonePanelVisibility", "setSoftphonePanelHeight", "setSoftphonePanelWidth", "getSoftphoneLayout", "notifyInitializationComplete"])
		opencti[method] = (given) => ask(method, ...plain(given));
	const text = (callback) => (answer) => callback({ result: answer.success ? (typeof answer.returnValue === "string" ? answer.returnValue : JSON.stringify(answer.returnValue)) : null, error: answer.success ? null : answer.errors[0].description });
	const form = (fields) => Object.fromEntries(new URLSearchParams(fields));
	const interaction = {
		searchAndGetScreenPopUrl: (value, _, type, callback) => ask("searchAndScreenPop", { searchParams: value, callType: type, deferred: true }, (answer) => text(callback)({ ...answer, returnValue: { screenPopUrl: "/", screenPopObject: answer.returnValue } })),
		screenPop: (url, _, callback) => ask("screenPop", { type: "sobject", params: { recordId: url.slice(1) } }, text(callback)),
		runApex: (apexClass, methodName, methodParams, callback) => ask("runApex", { apexClass, methodName, methodParams }, text(callback)),
		saveLog: (object, fields, callback) => ask("saveLog", { value: { entityApiName: object, ...form(fields) } }, text(callback)),
		setVisible: (visible, callback) => ask("setSoftphonePanelVisibility", { visible }, text(callback)),
		cti: {
			enableClickToDial: (callback) => ask("enableClickToDial", {}, text(callback)),
			getCallCenterSettings: (callback) => ask("getCallCenterSettings", {}, text(callback)),
			onClickToDial: (listener) => (listeners.dial = (payload) => listener({ result: JSON.stringify(payload) })),
		},
	};
	window.sforce = document.currentScript.src.endsWith("interaction.js") ? { interaction } : { opencti };
})();
