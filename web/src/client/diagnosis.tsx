// SPDX-License-Identifier: Apache-2.0
// What this browser knows where something is wrong: its phone, devices and network, how its calls sound, and its SIP messages. It is
// shown, and handed over as a file; nothing is sent anywhere.
import { useEffect, useState } from "preact/hooks";
import { signedIn } from "../api";
import { language, t } from "../i18n";
import { Card, type Column, Empty, Facts, Head, Icon, Table, saveFile, useNow } from "../ui";
import { tastes } from "./media";
import { usePhone } from "./phone-bar";
import { type Logged, log } from "./sip-log";

const clock = (utc_ms: number): string => new Date(utc_ms).toLocaleTimeString(language(), { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23" } as Intl.DateTimeFormatOptions);
const first = (one: Logged): string => (one.message.split("\r\n", 1)[0] ?? "").replace(/ SIP\/2\.0$/, "").replace(/^SIP\/2\.0 /, "");
const header = (one: Logged, name: string): string => new RegExp(`^${name}: *(.*)$`, "im").exec(one.message)?.[1]?.trim() ?? "";

export function DiagnosisPage() {
	const phone = usePhone();
	const [devices, setDevices] = useState<MediaDeviceInfo[]>([]);
	useNow(); // what comes later is seen a second after
	useEffect(() => void navigator.mediaDevices?.enumerateDevices().then(setDevices), []);
	const network = (navigator as Navigator & { connection?: { effectiveType?: string; rtt?: number } }).connection;
	const kinds = (kind: MediaDeviceKind) => devices.filter((one) => one.kind === kind).map((one) => one.label || t("no name before it is used")).join(", ");
	const quality = phone?.quality() ?? [];
	const columns: Column[] = [
		{ key: "utc_ms", title: t("When"), track: "130px", phone: "112px", cell: (row) => <span class="num">{clock(Number(row.utc_ms))}</span> },
		{ key: "what", title: t("Message"), track: "minmax(160px, 1fr)", cell: (row) => `${row.sent ? "→" : "←"} ${row.what}` },
		{ key: "cseq", title: "CSeq", track: "130px", wide: true },
		{ key: "call", title: "Call-ID", track: "minmax(120px, 1fr)", wide: true },
	];
	const rows = log.map((one, i) => ({ id: i, utc_ms: one.utc_ms, sent: one.sent, what: first(one), cseq: header(one, "CSeq"), call: header(one, "Call-ID") })).reverse();
	const all = () => ({ utc_ms: Date.now(), user: signedIn()?.user, page: location.origin, browser: navigator.userAgent, language: navigator.language, online: navigator.onLine, network: network?.effectiveType, rtt_ms: network?.rtt, settings: tastes(), devices, phone: phone?.state ?? null, quality, messages: log });
	return (
		<>
			<Head title={t("Diagnosis")} lead={t("For whoever looks why a call was bad. Nothing of it leaves this browser, unless you hand over the file.")}>
				<button class="button first" onClick={() => saveFile("diagnosis.json", JSON.stringify(all(), null, 2), "application/json")}>
					<Icon name="down" /> {t("Save as a file")}
				</button>
			</Head>
			<div class="stack">
				<Card title={t("This browser")}>
					<Facts
						of={[
							[t("Browser"), navigator.userAgent],
							[t("Phone in this browser"), phone?.state.registered ? t("on") : t("off")],
							[t("What is wrong"), phone?.state.wrong ?? ""],
							[t("Network"), `${navigator.onLine ? t("there") : t("not there")} ${network?.effectiveType ?? ""} ${network?.rtt ? `${network.rtt} ms` : ""}`],
							[t("Microphone"), kinds("audioinput")],
							[t("Speaker"), kinds("audiooutput")],
							[t("Camera"), kinds("videoinput")],
							...quality.map((one): [string, string] => {
								const last = one.samples[one.samples.length - 1];
								return [one.number, last ? t("{packets} packets came, {lost} were lost, {jitter} ms jitter", { packets: last.packets, lost: last.lost, jitter: Math.round(last.jitter_ms) }) : ""];
							}),
						]}
					/>
				</Card>
				<Table label={t("SIP messages")} file="messages" columns={columns} rows={rows} id={(row) => String(row.id)} empty={<Empty icon="phone" title={t("The phone of this browser has said nothing yet")} />} />
			</div>
		</>
	);
}
