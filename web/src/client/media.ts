// SPDX-License-Identifier: Apache-2.0
// Microphones, speakers and cameras of a browser, which of them somebody wants, and how a call sounds by now.
import * as api from "../api";
import { t } from "../i18n";

/** Ringtones: of each tone its pitch, when it begins, and how long it is, in Hz and seconds. */
export const RINGS = {
	usual: [[480, 0, 0.25], [480, 0.4, 0.25]],
	deep: [[280, 0, 0.35], [220, 0.35, 0.45]],
	bright: [[880, 0, 0.15], [1109, 0.18, 0.15], [1319, 0.36, 0.3]],
	bell: Array.from({ length: 12 }, (_, i): [number, number, number] => [i % 2 ? 660 : 830, i * 0.07, 0.06]),
} as const satisfies { [name: string]: readonly (readonly [number, number, number])[] };
export type Ring = keyof typeof RINGS;

/** What this browser is told once: the node knows none of it. */
export interface Tastes {
	microphone: string; // a device; "": the browser's choice
	speaker: string;
	ringer: string;
	ring: Ring;
	lines: { [user: string]: string }; // the number as which each calls outside; "": the extension's
	camera: string;
	player: string; // of messages
	volume: number; // of the other party: 0 to 1
	priority: RTCPriorityType; // of what is said, before other traffic of the browser and in the network (RFC 8837)
	answers: boolean; // by itself, after answer_s
	answers_groups: boolean; // ... calls of groups and queues alone
	answer_s: number;
	beeps: boolean; // a call that comes to another phone of the user
	alerts: boolean; // a notice when a call comes while another window is in front
}

const FIRST: Tastes = { microphone: "", speaker: "", ringer: "", ring: "usual", lines: {}, camera: "", player: "", volume: 1, priority: "low", answers: false, answers_groups: false, answer_s: 0, beeps: false, alerts: false };
const PLACE = "tandem-media";

export function tastes(): Tastes {
	try {
		return { ...FIRST, ...(JSON.parse(localStorage.getItem(PLACE) ?? "{}") as Partial<Tastes>) };
	} catch {
		return FIRST;
	}
}

/** Whether a call that rings is told outside of the page (CALL-04): behind another window, where it is wanted, and where the browser lets it. */
export const tells = (of: { behind: boolean; wanted: boolean; allowed: boolean }): boolean => of.behind && of.wanted && of.allowed;

export const setTaste = (changes: Partial<Tastes>): void => localStorage.setItem(PLACE, JSON.stringify({ ...tastes(), ...changes }));

/** Several users may share a browser, also of several tenants. */
const whose = (): string => `${api.signedIn()?.tenant}~${api.signedIn()?.user}`;
export const chosenLine = (): string => tastes().lines[whose()] ?? "";
export const chooseLine = (line: string): void => setTaste({ lines: { ...tastes().lines, [whose()]: line } });
export const linesOf = (extension: api.Row | null): string[] => api.text(extension, "outside_numbers").split(",").filter(Boolean);

/** The line that was chosen, which is forgotten where it is none of the user's numbers any more. extension: his; null: not known. */
export function lineOf(extension: api.Row | null): string {
	const line = chosenLine();
	if (!line || !extension || linesOf(extension).includes(line)) return line;
	chooseLine("");
	return "";
}

/** A device that was pulled out is passed over: `ideal` asks for it, and takes another one. */
const device = (id: string): true | MediaTrackConstraints => (id ? { deviceId: { ideal: id } } : true);

export const microphone = (video: boolean) => ({
	mediaConstraints: { audio: device(tastes().microphone), video: video ? device(tastes().camera) : false },
	pcConfig: { iceServers: [] },
});

export async function play(player: HTMLAudioElement): Promise<void> {
	const speaker = tastes().speaker;
	const able = player as HTMLAudioElement & { setSinkId?: (id: string) => Promise<void>; sinkId?: string };
	if (able.setSinkId && (able.sinkId ?? "") !== speaker) await able.setSinkId(speaker).catch(() => undefined);
	player.volume = tastes().volume;
	await player.play();
}

/** As it was chosen; a browser that knows no priority goes on without. */
export async function prioritise(connection: RTCPeerConnection | null | undefined): Promise<void> {
	for (const sender of connection?.getSenders() ?? []) {
		const terms = sender.getParameters();
		if (sender.track?.kind !== "audio" || !terms.encodings?.length) continue;
		const priority = tastes().priority;
		terms.encodings = terms.encodings.map((one) => ({ ...one, priority, networkPriority: priority }));
		await sender.setParameters(terms).catch(() => undefined);
	}
}

/** The ringtone through what rings, each time that beep is called. headset: the speaker of one, where nothing else is chosen. */
export function beeper(headset: Promise<string> = Promise.resolve("")): { context: AudioContext; beep: () => void } {
	const context = new AudioContext();
	const able = context as AudioContext & { setSinkId?: (id: string) => Promise<void> };
	void headset.then((found) => able.setSinkId?.(tastes().ringer || found)).catch(() => undefined);
	const beep = () => {
		for (const [hertz, at, long] of RINGS[tastes().ring] ?? RINGS.usual) {
			const tone = context.createOscillator();
			const gain = context.createGain();
			tone.frequency.value = hertz;
			gain.gain.value = 0.08;
			tone.connect(gain).connect(context.destination);
			tone.start(context.currentTime + at);
			tone.stop(context.currentTime + at + long);
		}
	};
	return { context, beep };
}

/* ---- how it sounds ---- */

export interface Sample {
	packets: number; // that came
	lost: number;
	jitter_ms: number;
	there_lost: number; // per cent, as the other end reports
}

export async function sample(connection: RTCPeerConnection): Promise<Sample> {
	const found: Sample = { packets: 0, lost: 0, jitter_ms: 0, there_lost: 0 };
	(await connection.getStats()).forEach((row: { type: string; kind?: string; packetsReceived?: number; packetsLost?: number; jitter?: number; fractionLost?: number }) => {
		if (row.kind !== "audio") return;
		if (row.type === "inbound-rtp") {
			found.packets += row.packetsReceived ?? 0;
			found.lost += row.packetsLost ?? 0;
			found.jitter_ms = Math.max(found.jitter_ms, 1000 * (row.jitter ?? 0));
		} else if (row.type === "remote-inbound-rtp") {
			found.there_lost = Math.max(found.there_lost, 100 * (row.fractionLost ?? 0));
		}
	});
	return found;
}

const LOSS_PERCENT = 5; // as the doctor's loss_in, loss_out
const LOSS_PACKETS = 3;
const JITTER_MS = 80; // as its jitter
const STOPPED = 3; // looks: its rtp_stopped is 2 s

/** What a person is told of the last seconds, by the doctor's limits and in its words; "": nothing. */
export function complaint(all: Sample[]): string {
	const first = all[0];
	const last = all[all.length - 1];
	if (!first || !last || all.length < STOPPED) return "";
	const came = last.packets - first.packets;
	const lost = Math.max(0, last.lost - first.lost);
	const lately = all.slice(-STOPPED);
	if (last.packets > 0 && lately.every((one) => one.packets === last.packets) && came > 0) return t("Nothing comes any more from the other party.");
	if (lost >= LOSS_PACKETS && (100 * lost) / (lost + came) >= LOSS_PERCENT) return t("{n} % of what comes to you is lost on the way: look at your network.", { n: Math.round((100 * lost) / (lost + came)) });
	if (last.there_lost >= LOSS_PERCENT) return t("{n} % of what you say is lost on the way: look at your network.", { n: Math.round(last.there_lost) });
	if (last.jitter_ms >= JITTER_MS) return t("What comes to you is uneven ({n} ms jitter): words may be cut.", { n: Math.round(last.jitter_ms) });
	return "";
}

/** How loud it is, 0 to 1, ten times a second, until the returned function is called. */
export function meter(track: MediaStreamTrack, tell: (level: number) => void): () => void {
	const context = new AudioContext();
	const look = context.createAnalyser();
	look.fftSize = 1024;
	context.createMediaStreamSource(new MediaStream([track])).connect(look);
	const wave = new Float32Array(look.fftSize);
	const timer = setInterval(() => {
		look.getFloatTimeDomainData(wave);
		const power = wave.reduce((sum, one) => sum + one * one, 0) / wave.length;
		tell(Math.min(1, Math.max(0, 1 + Math.log10(power + 1e-6) / 6))); // 60 dB
	}, 100);
	return () => {
		clearInterval(timer);
		void context.close();
	};
}
