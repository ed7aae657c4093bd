// SPDX-License-Identifier: Apache-2.0
// The page of the CRM around the softphone: its records, layout and settings, and what it was asked. A record that is shown loads
// the frame anew, as navigation does where there is no console (with `stays` there is one).
const query = new URLSearchParams(location.search);
const adapter = query.get("adapter");
const frame = document.createElement("iframe");
// The fields that the softphone's layout shows of each object, by the type of a call: what is not there is not found.
const each = { Contact: ["Name", "Phone"], Account: ["Name", "Phone"], Lead: ["Name", "Phone"] };
const layout = JSON.parse(query.get("layout") ?? JSON.stringify({ Inbound: each, Outbound: each, Internal: each }));
const db = JSON.parse(query.get("records") ?? "[]");
const pops = [], logs = {}, asked = [], searched = [], saved = [], strange = [];
let ready = false, dials = false, patience = 0, shown = "", failures = 0;
const seconds = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const later = () => seconds(20 + Math.random() * 180);
// With `spelling` answers are as examples of the documents have them: error and result, id and name.
const spelling = query.get("spelling") !== null;
const settings = { "/reqGeneralInfo/reqInternalName": "MaxCSCallCenter", "/reqDialingOptions/reqOutsidePrefix": "9", "/reqDialingOptions/reqOutsidePrefix/label": "Outside Prefix", "/reqDialingOptions/reqLongDistPrefix": "1", "/reqDialingOptions/reqInternationalPrefix": "01", ...JSON.parse(query.get("settings") ?? "{}") };
const wrong = (code, description) => ({ success: false, returnValue: null, errors: [{ code, description, details: null }] });
const right = (returnValue) => ({ success: true, returnValue, errors: null });

// As reqStandbyUrl and reqTimeout of a call centre have it: a page that does not say in time that it is there is asked for at the other address.
function open(address = adapter) {
	const url = new URL(address);
	ready = false;
	clearTimeout(patience);
	if ((query.get("mode") ?? "").toLowerCase() === "lightning") patience = setTimeout(() => ready || open(query.get("standby") ?? adapter), 5000);
	if (query.get("mode")) url.searchParams.set("mode", query.get("mode"));
	if ((query.get("mode") ?? "").toLowerCase() === "lightning") for (const [name, value] of Object.entries({ ltn_app_id: "06m000000000001", isdtp: "vw", clc: "1", nonce: "0123456789abcdef" })) url.searchParams.set(name, value);
	if (query.get("microphone") !== null) frame.allow = "microphone";
	shown = url.origin;
	url.searchParams.set("sfdcIframeOrigin", location.origin);
	frame.src = url.href;
}

const methods = {
	notifyInitializationComplete: () => ((ready = true), right(null)),
	enableClickToDial: () => ((dials = true), right(null)),
	setSoftphonePanelVisibility: ({ visible }) => (typeof visible === "boolean" ? right(null) : wrong("INVALID_PARAM", "visible")),
	setSoftphonePanelWidth: ({ widthPX }) => (widthPX >= 200 && widthPX <= 1920 ? right(null) : wrong("INVALID_PARAM", "widthPX")),
	setSoftphonePanelHeight: ({ heightPX }) => (heightPX >= 240 && heightPX <= 2560 ? right(null) : wrong("INVALID_PARAM", "heightPX")),
	getCallCenterSettings: () => right(settings),
	getSoftphoneLayout: () => right(Object.fromEntries(Object.entries(layout).map(([type, objects]) => [type, { callRelatedFields: ["Caller ID"], objects }]))),
	searchAndScreenPop: ({ searchParams, callType, deferred }) => {
		const type = Object.keys(layout).find((one) => one.toLowerCase() === String(callType).toLowerCase());
		if (!type) return wrong("INVALID_PARAM", "callType");
		if (failures > 0 && failures--) return wrong("SERVER_ERROR", "searchAndScreenPop");
		const found = db.filter((row) => layout[type][row.RecordType]?.length && Object.values(row).includes(searchParams));
		if (!deferred && type === "Inbound") pops.push(...found.map((row) => row.Id));
		const shown = (row) => Object.fromEntries(["Id", "RecordType", ...layout[type][row.RecordType]].map((field) => [spelling && /^(Id|Name)$/.test(field) ? field.toLowerCase() : field, row[field]]));
		return right({ ...Object.fromEntries(found.map((row) => [row.Id, shown(row)])), ...(deferred ? { SCREEN_POP_DATA: { type: "deferred" } } : {}) });
	},
	screenPop: ({ type, params }) => {
		if (type === "newRecord") pops.push(`new ${params.entityName} ${params.defaultFieldValues.Phone}`);
		else pops.push(params.recordId);
		if (query.get("stays") === null) setTimeout(open, 300);
		return right(null);
	},
	runApex: ({ apexClass, methodName, methodParams }) => {
		if (query.get("apex") === null || apexClass !== "SoftphoneSearchController" || methodName !== "find") return wrong("GENERIC_ERROR", apexClass);
		const { field, value } = Object.fromEntries(new URLSearchParams(methodParams));
		const [object, name] = field.split(".");
		const tasks = Object.entries(logs).map(([Id, log]) => ({ Id, Name: log.Subject, RecordType: "Task", ...log }));
		return right({ runApex: JSON.stringify([...db, ...tasks].filter((row) => row.RecordType === object && String(row[name] ?? "").startsWith(value)).map(({ Id, Name, RecordType }) => ({ Id, Name, RecordType }))) });
	},
	saveLog: ({ value }) => {
		const { entityApiName, Id, ...fields } = value;
		if (!Id && entityApiName !== "Task") return wrong("INVALID_PARAM", "entityApiName");
		if (Id && !logs[Id]) return wrong("SERVER_ERROR", "no such record");
		const id = Id ?? `00T${String(Object.keys(logs).length).padStart(12, "0")}`;
		logs[id] = { ...logs[id], ...fields };
		saved.push([id, fields.CallObject, new Date().toISOString()]);
		if (query.get("anew") === "log" && !Id && Object.keys(logs).length === 1) open();
		return right(id);
	},
};

addEventListener("message", async (event) => {
	if (event.source !== frame.contentWindow || event.origin !== shown) return void strange.push(event.origin);
	const { method, given, id, of } = event.data;
	asked.push(method);
	if (method === "searchAndScreenPop") searched.push([given.searchParams, Date.now(), given.callType]);
	await later();
	const answer = methods[method]?.(given ?? {}) ?? wrong("GENERIC_ERROR", method);
	await later();
	const { success, returnValue, errors } = answer;
	frame.contentWindow.postMessage({ id, of, answer: spelling ? { success, result: returnValue, error: errors } : answer }, shown);
});
const dial = (number) => dials && frame.contentWindow.postMessage({ call: "dial", payload: { number, recordId: "003000000000001", objectType: "Contact" } }, shown);
frame.style.cssText = "width:200px;height:300px";
document.body.append(frame);
open();
