// SPDX-License-Identifier: Apache-2.0
// What this browser is told of its microphone and speakers, when its phone answers by itself, and when a notice appears.
import { useEffect, useState } from "preact/hooks";
import * as api from "../api";
import { list, text, type Row } from "../api";
import { t } from "../i18n";
import { Card, attempt, link, useAsk } from "../ui";
import { askHeadset, headsets, takesHeadsets } from "./headset";
import { RINGS, type Ring, type Tastes, beeper, chooseLine, lineOf, linesOf, microphone, setTaste, tastes, tells } from "./media";
import { Level } from "./phone-call";
import { usePhone } from "./phone-bar";
import { PushSwitch } from "./push";

type Place = "microphone" | "speaker" | "ringer" | "player" | "camera";
const KINDS: [Place, MediaDeviceKind][] = [
	["microphone", "audioinput"],
	["speaker", "audiooutput"],
	["ringer", "audiooutput"],
	["player", "audiooutput"],
	["camera", "videoinput"],
];

const rings = (): { [name in Ring]: string } => ({ usual: t("Two tones"), deep: t("Deep"), bright: t("Bright"), bell: t("Bell") });

const words = (place: Place): string => ({ microphone: t("Microphone"), speaker: t("Speaker"), ringer: t("Ring through"), player: t("Messages through"), camera: t("Camera") })[place];

export function MediaCard() {
	const phone = usePhone();
	const own = useAsk((signal) => api.get(`/v1/extensions/${encodeURIComponent(api.signedIn()?.user ?? "")}`, {}, { signal }), []);
	const lines = linesOf(own.value);
	const line = lineOf(own.value);
	const [of, setOf] = useState<Tastes>(tastes);
	const [devices, setDevices] = useState<MediaDeviceInfo[]>([]);
	const [heard, setHeard] = useState<MediaStreamTrack | null>(null);
	const [buttons, setButtons] = useState<string[]>([]);
	const look = () => {
		void navigator.mediaDevices?.enumerateDevices().then(setDevices);
		void headsets().then(setButtons);
	};
	useEffect(() => {
		look();
		navigator.mediaDevices?.addEventListener("devicechange", look);
		return () => navigator.mediaDevices?.removeEventListener("devicechange", look);
	}, []);
	useEffect(() => () => heard?.stop(), [heard]);
	const set = (changes: Partial<Tastes>) => {
		setTaste(changes);
		setOf(tastes());
		if ("priority" in changes) phone?.prioritise();
		if ("microphone" in changes || "speaker" in changes) void attempt(async () => phone?.speakBy());
	};
	const test = () =>
		attempt(async () => {
			if (heard) return setHeard(null);
			const made = await navigator.mediaDevices.getUserMedia({ audio: microphone(false).mediaConstraints.audio });
			setHeard(made.getAudioTracks()[0] ?? null);
			look(); // names are told once it may listen
		});
	const alert = async (on: boolean) => {
		const may = on && "Notification" in window ? await Notification.requestPermission() : "denied";
		set({ alerts: on && may === "granted" });
	};
	return (
		<Card title={t("This browser")}>
			<div class="stack">
				<div class="fields">
					{KINDS.map(([place, kind]) => {
						const found = devices.filter((one) => one.kind === kind && one.deviceId);
						return (
							<div class="field" key={place}>
								<label for={`device-${place}`}>{words(place)}</label>
								<select id={`device-${place}`} class="input" value={of[place]} onChange={(event) => set({ [place]: event.currentTarget.value })}>
									<option value="">{t("the browser's choice")}</option>
									{found.map((one, i) => (
										<option key={one.deviceId} value={one.deviceId}>
											{one.label || `${words(place)} ${i + 1}`}
										</option>
									))}
								</select>
							</div>
						);
					})}
				</div>
				{lines.length > 0 && (
					<div class="field">
						<label for="line">{t("Call outside as")}</label>
						<select id="line" class="input" value={line} onChange={(event) => setOf((chooseLine(event.currentTarget.value), tastes()))}>
							<option value="">{t("the number of your extension")}</option>
							{lines.map((one) => (
								<option key={one}>{one}</option>
							))}
						</select>
					</div>
				)}
				<div class="field">
					<label for="priority">{t("Priority of what you say")}</label>
					<select id="priority" class="input" value={of.priority} onChange={(event) => set({ priority: event.currentTarget.value as RTCPriorityType })} aria-describedby="priority-hint">
						<option value="low">{t("as all else")}</option>
						<option value="medium">{t("before other traffic of this browser")}</option>
						<option value="high">{t("before all else")}</option>
					</select>
					<span class="hint" id="priority-hint">
						{t("A browser that can marks its packets, too, so that a network may let them pass first.")}
					</span>
				</div>
				<div class="row">
					<label for="ringtone">{t("Ringtone")}</label>
					<select id="ringtone" class="input slim" value={of.ring} onChange={(event) => set({ ring: event.currentTarget.value as Ring })}>
						{(Object.keys(RINGS) as Ring[]).map((name) => (
							<option key={name} value={name}>
								{rings()[name]}
							</option>
						))}
					</select>
					<button class="button slim" onClick={once}>
						{t("Hear it")}
					</button>
				</div>
				<div class="row">
					<button class="button slim" aria-pressed={heard !== null} onClick={() => void test()}>
						{heard ? t("Stop the test") : t("Test the microphone")}
					</button>
					{heard && <Level track={heard} />}
				</div>
				{takesHeadsets() && (
					<div class="row">
						<button class="button slim" onClick={() => void attempt(askHeadset).then(look)}>
							{t("Use the call button of a headset")}
						</button>
						<span class="muted">{buttons.join(", ")}</span>
					</div>
				)}
				<label class="switch">
					<input type="checkbox" role="switch" checked={of.answers} onChange={(event) => set({ answers: event.currentTarget.checked })} />
					<span>{t("The phone in this browser answers by itself")}</span>
				</label>
				{of.answers && (
					<label class="switch">
						<input type="checkbox" role="switch" checked={of.answers_groups} onChange={(event) => set({ answers_groups: event.currentTarget.checked })} />
						<span>{t("… calls of groups and queues alone")}</span>
					</label>
				)}
				{of.answers && (
					<div class="field">
						<label for="answer-s">{t("… after so many seconds")}</label>
						<input id="answer-s" class="input num" type="number" min={0} max={60} value={of.answer_s} onInput={(event) => set({ answer_s: Math.min(60, Math.max(0, event.currentTarget.valueAsNumber || 0)) })} />
					</div>
				)}
				<label class="switch">
					<input type="checkbox" role="switch" checked={of.beeps} onChange={(event) => set({ beeps: event.currentTarget.checked })} />
					<span>{t("A tone when a call comes to another phone of yours")}</span>
				</label>
				<label class="switch">
					<input type="checkbox" role="switch" checked={of.alerts} onChange={(event) => void alert(event.currentTarget.checked)} />
					<span>{t("A notice when a call comes while another window is in front")}</span>
				</label>
				<PushSwitch />
				<div>
					<a class="button slim" href={link("diagnosis")}>
						{t("Diagnosis")}
					</a>
				</div>
			</div>
		</Card>
	);
}

const told = new Set<string>();
const TONE_MS = 1500;

function once(): void {
	const { context, beep } = beeper();
	beep();
	setTimeout(() => void context.close(), TONE_MS);
}

/** A call that rings somewhere of one's own: by a tone, where the phone of this browser does not ring; and outside of the page, only if it is behind, wanted, and allowed. */
export function useAlerts(own: Row | undefined): void {
	const rings = list(own, "calls").filter((one) => text(one, "direction") === "in" && text(one, "state") !== "confirmed");
	const rung = usePhone()?.state.registered === true;
	const key = rings.map((one) => text(one, "call")).join();
	useEffect(() => {
		for (const one of rings) {
			const id = text(one, "call");
			if (told.has(id)) continue;
			told.add(id);
			if (tastes().beeps && !rung) once();
			if (!tells({ behind: document.hidden, wanted: tastes().alerts, allowed: "Notification" in window && Notification.permission === "granted" })) continue;
			try {
				const notice = new Notification(t("Call from {who}", { who: text(one, "remote_name") || text(one, "remote") || t("unknown") }), { tag: id, body: api.signedIn()?.user });
				notice.onclick = () => {
					focus();
					location.href = link();
				};
			} catch {
				// browsers of phones have none without a worker
			}
		}
	}, [key]);
}
