// SPDX-License-Identifier: Apache-2.0
// The phone in the browser: SIP over WebSocket at the node that served the page, by JsSIP. One tab of a browser has it.
// It is loaded when somebody wants it. A call that is answered outlives a reload and another network: the page takes its
// own leg again, by an INVITE with Replaces (RFC 3891).
import * as JsSIP from "jssip";
import * as api from "../api";
import { text } from "../api";
import { t } from "../i18n";
import { keep } from "../keep";
import { Headsets } from "./headset";
import { type Kept, type KeptCall, keepPhone, keepTold, sameCall, sameParties } from "./kept";
import { logged } from "./sip-log";
import { say } from "../ui";
import { type Sample, beeper, complaint, microphone, play, prioritise, sample, tastes } from "./media";

export interface PhoneCall {
	id: number;
	number: string;
	name: string;
	state: "calling" | "ringing" | "talking";
	incoming: boolean;
	held: boolean;
	muted: boolean;
	video: boolean; // offered, or there
	taken: boolean; // anew, by now: nothing can be done with it before that
	taken_ms: number; // when that was last
	begun_ms: number;
	since_ms: number;
	note: string; // what is wrong with its sound
}

export interface PhoneState {
	registered: boolean;
	wrong: string; // why it is not
	silent: boolean; // the browser plays nothing before somebody has said so
	calls: PhoneCall[];
}

type Session = ReturnType<JsSIP.UA["call"]>;
/** What JsSIP keeps of the dialog, and says nowhere else. */
type Inside = Session & { _dialog: { _id: { call_id: string; local_tag: string; remote_tag: string } } | null };

const LOOK_MS = 1000; // at what comes in
const KEY_MS = 5000; // so long the last digit waits for its call to take it
const QUIET_MS = 600; // nothing came for so long since the connection is back: the way is another one
const SETTLES_MS = 5000; // a call that was taken again is one with the former by then
const SWEEP_MS = 500;
const AGAIN_MS = 500; // a call that is still there, and could not be taken: it is between two legs
const AGAIN_TRIES = 10;
const LOCK_MS = 15000; // the page before this one has left by then, also where the browser has much to do

/** Of this browser, whichever tab: the node knows it again behind a reload. */
function instance(): string {
	const id = keep.get("tandem-instance") ?? crypto.randomUUID();
	keep.set("tandem-instance", id);
	return id;
}

const dialogOf = (session: Session) => (session as Inside)._dialog?._id ?? null;
interface Request {
	body: string;
	getHeader(name: string): string | undefined;
}
/** After how many seconds the node wants it answered; null: it does not. */
export function answerAfter(request: Request | undefined): number | null {
	const alert = request?.getHeader("Alert-Info") ?? "";
	if (/alert-autoanswer|auto-answer/i.test(alert)) return Number(/;\s*delay=(\d{1,3})/i.exec(alert)?.[1] ?? 0);
	return /answer-after=0/i.test(request?.getHeader("Call-Info") ?? "") || /^auto/i.test(request?.getHeader("Answer-Mode") ?? "") ? 0 : null;
}

export class Phone {
	state: PhoneState = { registered: false, wrong: "", silent: false, calls: [] };
	private ua: JsSIP.UA | null = null;
	private number = "";
	private sessions = new Map<number, Session>();
	private players = new Map<number, HTMLAudioElement>();
	private samples = new Map<number, Sample[]>();
	private dialogs = new Map<number, KeptCall["dialog"]>(); // those that the node knows
	private tries = new Map<number, number>(); // to take a call again
	private keys = new Map<number, { digits: string; until_ms: number }>(); // that wait, of each call
	private next = 1;
	private adopts = 0; // the call that the session begun now takes the place of
	private release: (() => void) | null = null;
	private ringer: { context: AudioContext; timer: number } | null = null;
	private watcher = 0;
	private headsets: Headsets | null = null;
	private readonly left = () => this.release?.(); // the next page may have it at once
	private readonly moved = () => this.sessions.forEach((_, id) => this.retake(id));

	constructor(private readonly tell: () => void) {}

	private set(changes: Partial<PhoneState>): void {
		this.state = { ...this.state, ...changes };
		const rings = this.state.calls.some((one) => one.state === "ringing");
		if (rings !== (this.ringer !== null)) this.ring(rings);
		this.keep();
		this.headsets?.show();
		this.tell();
	}

	private change(id: number, changes: Partial<PhoneCall>): void {
		this.set({ calls: this.state.calls.map((one) => (one.id === id ? { ...one, ...changes } : one)) });
	}

	private of(id: number): PhoneCall | undefined {
		return this.state.calls.find((one) => one.id === id);
	}

	told = ""; // the secret that the worker's cache has

	/** What a reload needs: the digest's secret, not the password, and the dialogs of calls. It is of this tab alone. */
	keep(): void {
		const ha1 = this.ua?.get("ha1") as string | null;
		if (!this.ua || !ha1) return;
		const calls = this.state.calls.flatMap((call) => {
			const dialog = this.dialogs.get(call.id);
			return call.state === "talking" && dialog ? [{ ...call, dialog }] : [];
		});
		const kept = { number: this.number, realm: String(this.ua.get("realm")), ha1 };
		keepPhone({ ...kept, calls });
		if (ha1 === this.told) return;
		this.told = ha1;
		void keepTold(kept).catch(() => undefined);
	}

	/** Whoever has the lock is the phone; it is given back with the tab. wait_ms: for the page that was here before. */
	private lock(wait_ms: number): Promise<boolean> {
		return new Promise((done) => {
			const options = wait_ms ? { signal: AbortSignal.timeout(wait_ms) } : { ifAvailable: true };
			navigator.locks
				.request("tandem-phone", options, (lock) => {
					done(lock !== null);
					return lock ? new Promise<void>((free) => (this.release = free)) : undefined;
				})
				.catch(() => done(false));
		});
	}

	async start(number: string, password: string): Promise<void> {
		if (await this.lock(0)) this.begin(number, { password });
		else this.set({ wrong: t("Another tab of this browser is the phone.") });
	}

	/** The page was loaded anew: the phone is there again, and so are its calls. */
	async resume(kept: Kept): Promise<void> {
		if (!(await this.lock(LOCK_MS))) return keepPhone(null);
		this.number = kept.number;
		this.state = { ...this.state, calls: kept.calls.map((call) => ({ ...call, id: this.next++, taken: true, taken_ms: Date.now(), note: "" })) };
		this.tell();
		const calls = [...this.state.calls];
		calls.forEach((call, i) => this.dialogs.set(call.id, (kept.calls[i] as KeptCall).dialog));
		this.begin(kept.number, { realm: kept.realm, ha1: kept.ha1 }, () => calls.forEach((call) => this.replace(call.id)));
	}

	private begin(number: string, secret: { password?: string; realm?: string; ha1?: string }, ready = () => {}): void {
		const server = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
		this.number = number;
		this.ua = new JsSIP.UA({
			sockets: [logged(new JsSIP.WebSocketInterface(server))],
			uri: `sip:${number}@${location.hostname}`,
			...secret,
			instance_id: instance(),
			register_expires: 300,
			session_timers: false,
			user_agent: "tandem web client",
			connection_recovery_min_interval: 1,
			connection_recovery_max_interval: 4,
		});
		let before = false;
		this.ua.on("connected", () => {
			if (before) this.sessions.forEach((_, id) => void this.check(id));
			else ready();
			before = true;
		});
		this.ua.on("registered", () => this.set({ registered: true, wrong: "" }));
		this.ua.on("unregistered", () => this.set({ registered: false }));
		this.ua.on("disconnected", () => this.set({ registered: false }));
		this.ua.on("registrationFailed", (event: { cause?: string }) => {
			this.set({ registered: false, wrong: event.cause ?? "" });
			if (event.cause === JsSIP.C.causes.AUTHENTICATION_ERROR || event.cause === JsSIP.C.causes.REJECTED) this.stop();
		});
		this.ua.on("newRTCSession", (event: { originator: string; session: Session; request?: Request }) => this.take(event.originator === "remote", event.session, event.request));
		this.ua.start();
		addEventListener("online", this.moved);
		addEventListener("pagehide", this.left);
		this.watcher = window.setInterval(() => void this.watch(), LOOK_MS);
		this.headsets = new Headsets(this);
	}

	stop(): void {
		removeEventListener("online", this.moved);
		removeEventListener("pagehide", this.left);
		clearInterval(this.watcher);
		this.headsets?.stop();
		this.headsets = null;
		keepPhone(null);
		void keepTold(null).catch(() => undefined);
		this.ua?.stop();
		this.ua = null;
		this.release?.();
		this.release = null;
		this.set({ registered: false, calls: [] });
	}

	/* ---- a call that is taken again ---- */

	/** In place of the leg that this browser had: the other party hears a gap, and no more. */
	private replace(id: number): void {
		const call = this.of(id);
		const dialog = this.dialogs.get(id);
		if (!call || !dialog || !this.ua) return;
		this.adopts = id;
		this.change(id, { taken: true, taken_ms: Date.now() });
		try {
			this.ua.call(`sip:${encodeURIComponent(call.number || this.number)}@${location.hostname}`, {
				...microphone(call.video),
				extraHeaders: [`Replaces: ${dialog.call_id};to-tag=${dialog.remote_tag};from-tag=${dialog.local_tag}`],
			});
		} finally {
			this.adopts = 0;
		}
	}

	/** It could not be taken: once more, while the node has it. False: it is over. */
	private async again(id: number): Promise<boolean> {
		const call = this.of(id);
		const tries = (this.tries.get(id) ?? 0) + 1;
		if (!call || tries > AGAIN_TRIES) return false;
		this.tries.set(id, tries);
		const rows = await api.get<api.Row[]>("/v1/calls").catch(() => null);
		if (rows && !rows.some((row) => sameParties(row, this.number, call))) return false;
		setTimeout(() => this.replace(id), AGAIN_MS);
		return true;
	}

	private retake(id: number): void {
		if (this.sessions.get(id)?.isEstablished() && this.ua?.isConnected()) this.replace(id);
	}

	/** The connection is back, of this node or its successor: where sound came before and comes no more, the call is taken again. */
	private async check(id: number): Promise<void> {
		const session = this.sessions.get(id);
		const came = (this.samples.get(id) ?? []).slice(-8);
		const had = came.length > 1 && (came[came.length - 1]?.packets ?? 0) > (came[0]?.packets ?? 0);
		if (!session?.connection || !had) return;
		const before = await sample(session.connection);
		await new Promise((done) => setTimeout(done, QUIET_MS));
		if (this.sessions.get(id) !== session) return;
		const now = await sample(session.connection);
		if (now.packets === before.packets) this.retake(id);
	}

	private take(incoming: boolean, session: Session, request?: Request): void {
		const kept = this.adopts;
		const id = kept || this.next++;
		const former = this.sessions.get(id);
		const mine = () => this.sessions.get(id) === session;
		const before = this.of(id);
		this.sessions.set(id, session);
		this.samples.delete(id);
		// JsSIP ends a session whose hold was refused, and throws where it is over by then
		const terminate = session.terminate.bind(session);
		session.terminate = (options) => (session.isEnded() ? undefined : terminate(options));
		// the node finds where the browser is by the browser's own checks (ICE-lite): none but the first address is waited for
		session.on("icecandidate", (event: { ready: () => void }) => event.ready());
		session.on("confirmed", () => {
			if (!mine()) return;
			const dialog = dialogOf(session);
			if (dialog) this.dialogs.set(id, { call_id: dialog.call_id, local_tag: dialog.local_tag, remote_tag: dialog.remote_tag });
			this.tries.delete(id);
			if (before?.muted) session.mute({ audio: true });
			if (before?.held) session.hold();
			this.change(id, { state: "talking", taken: false, since_ms: before?.since_ms || Date.now() });
			for (const other of this.state.calls) if (!kept && other.id !== id && other.state === "talking" && !other.held) this.hold(other.id, true);
		});
		const over = async (event: { cause?: string; originator?: string }) => {
			if (!mine()) return;
			const call = this.of(id) ?? { number: "" };
			if (kept && former && !former.isEnded()) {
				this.sessions.set(id, former); // it was not given up for this one
				this.change(id, { taken: false });
				return;
			}
			const at = this.of(id);
			if (at?.taken && event.originator === "remote") {
				this.sessions.delete(id);
				if (await this.again(id)) return;
			}
			const settled = event.cause === JsSIP.C.causes.BYE && (event.originator !== "remote" || Date.now() - (at?.taken_ms ?? 0) > SETTLES_MS);
			if (kept && at?.state === "talking" && !settled) say(t("The call with {who} has ended meanwhile.", { who: call.number }));
			this.drop(id);
		};
		session.on("ended", over);
		session.on("failed", over);
		session.on("hold", () => mine() && this.change(id, { held: session.isOnHold().local }));
		session.on("unhold", () => mine() && this.change(id, { held: session.isOnHold().local }));
		session.on("muted", () => mine() && this.change(id, { muted: true }));
		session.on("unmuted", () => mine() && this.change(id, { muted: false }));
		if (session.connection) this.hear(id, session, session.connection);
		else session.on("peerconnection", (event: { peerconnection: RTCPeerConnection }) => this.hear(id, session, event.peerconnection));
		if (kept) return;
		const call: PhoneCall = {
			id,
			number: session.remote_identity.uri.user,
			name: session.remote_identity.display_name ?? "",
			state: incoming ? "ringing" : "calling",
			incoming,
			held: false,
			muted: false,
			video: incoming ? /^m=video [1-9]/m.test(request?.body ?? "") : this.wantsVideo,
			taken: false,
			taken_ms: 0,
			begun_ms: Date.now(),
			since_ms: 0,
			note: "",
		};
		this.set({ calls: [...this.state.calls, call] });
		const wanted_s = answerAfter(request);
		const answers = wanted_s !== null || tastes().answers;
		if (incoming && answers) setTimeout(() => void this.answersItself(id, wanted_s === null && tastes().answers_groups), (wanted_s ?? tastes().answer_s) * 1000);
	}

	/** groups: a call that comes by a group or a queue alone, as the node says; what it does not say rings on. */
	private async answersItself(id: number, groups: boolean): Promise<void> {
		const row = groups && this.of(id)?.state === "ringing" ? await this.nodeCall(id).then((call) => api.get(`/v1/calls/${call}`)).catch(() => null) : null;
		if (groups && !text(row, "group") && !text(row, "queue")) return;
		if (this.of(id)?.state === "ringing") this.answer(id, false);
	}

	private drop(id: number): void {
		this.sessions.delete(id);
		this.dialogs.delete(id);
		this.tries.delete(id);
		this.players.get(id)?.remove();
		this.players.delete(id);
		this.set({ calls: this.state.calls.filter((one) => one.id !== id) });
	}

	private wantsVideo = false;

	private hear(id: number, session: Session, connection: RTCPeerConnection): void {
		connection.addEventListener("track", (event) => {
			if (event.track.kind !== "audio") {
				this.change(id, { video: true });
				return;
			}
			const player = this.players.get(id) ?? new Audio();
			this.players.set(id, player);
			player.srcObject = new MediaStream([event.track]);
			this.play();
		});
		connection.addEventListener("iceconnectionstatechange", () => {
			if (connection.iceConnectionState === "connected") void prioritise(connection);
			if (connection.iceConnectionState === "disconnected" && this.sessions.get(id) === session) this.retake(id);
		});
	}

	/** Once a second: what comes in, and what a person should be told of it. */
	private async watch(): Promise<void> {
		for (const call of this.state.calls) {
			const connection = this.sessions.get(call.id)?.connection;
			if (!connection || call.state !== "talking") continue;
			const all = [...(this.samples.get(call.id) ?? []), await sample(connection)].slice(-10);
			this.samples.set(call.id, all);
			const note = complaint(all);
			if (note !== this.of(call.id)?.note) this.change(call.id, { note });
		}
	}

	/** Also what a press of "turn sound on" does. */
	play(): void {
		for (const player of this.players.values()) {
			play(player).then(
				() => this.set({ silent: false }),
				() => this.set({ silent: true }),
			);
		}
	}

	/** The ringtone every three seconds, until somebody answers. */
	private ring(on: boolean): void {
		if (this.ringer) {
			clearInterval(this.ringer.timer);
			void this.ringer.context.close();
			this.ringer = null;
		}
		if (!on) return;
		const { context, beep } = beeper(this.headsets?.output());
		beep();
		this.ringer = { context, timer: window.setInterval(beep, 3000) };
	}

	/* ---- what a person does ---- */

	/** line: the number as which it calls (RFC 3325 9.2); empty: that of its extension. */
	call(to: string, video = false, line = ""): void {
		this.wantsVideo = video;
		this.ua?.call(`sip:${encodeURIComponent(to)}@${location.hostname}`, {
			...microphone(video),
			...(line ? { extraHeaders: [`P-Preferred-Identity: <sip:${encodeURIComponent(line)}@${location.hostname}>`] } : {}),
		});
	}

	answer(id: number, video: boolean): void {
		this.sessions.get(id)?.answer(microphone(video));
		if (!video) this.change(id, { video: false });
	}

	end(id: number): void {
		const call = this.of(id);
		const session = this.sessions.get(id);
		if (session) session.terminate();
		else this.drop(id);
		if (call && Date.now() - call.taken_ms < SETTLES_MS) setTimeout(() => void this.sweep(call), SWEEP_MS);
	}

	/** Hung up in the moment in which it was taken again, the node may still have the leg of before: that ends, too. */
	private async sweep(call: PhoneCall): Promise<void> {
		const rows = await api.get<api.Row[]>("/v1/calls").catch(() => []);
		for (const row of rows) {
			if (!sameParties(row, this.number, call) || api.number(row, "setup_utc_ms") > call.taken_ms) continue;
			await api.ask(`/v1/calls/${api.text(row, "id")}/hangup`, { method: "POST" }).catch(() => null);
		}
	}

	hold(id: number, on: boolean): void {
		const session = this.sessions.get(id);
		if (on) session?.hold();
		else session?.unhold();
	}

	mute(id: number, on: boolean): void {
		const session = this.sessions.get(id);
		if (on) session?.mute({ audio: true });
		else session?.unmute({ audio: true });
	}

	/** A call that was just answered takes it as soon as its media are there, behind digits that wait. */
	key(id: number, digit: string): void {
		const waits = this.keys.get(id);
		this.keys.set(id, { digits: (waits?.digits ?? "") + digit, until_ms: Date.now() + KEY_MS });
		if (!waits) this.press(id);
	}

	private press(id: number): void {
		const session = this.sessions.get(id);
		const { digits = "", until_ms = 0 } = this.keys.get(id) ?? {};
		const ready = session?.connection?.getSenders().some((one) => one.dtmf?.canInsertDTMF);
		if (!ready && session && Date.now() < until_ms) return void setTimeout(() => this.press(id), LOOK_MS / 10);
		this.keys.delete(id);
		if (ready) session?.sendDTMF(digits, { transportType: JsSIP.C.DTMF_TRANSPORT.RFC2833 });
	}

	/** By REFER: to a number; or to the other party of another call of this phone, which both leave. Resolves when it is done. */
	transfer(id: number, to: string, withCall = 0): Promise<void> {
		return new Promise((done, failed) => {
			const dialog = this.dialogs.get(withCall);
			const wrong = (event: { status_line?: { reason_phrase?: string }; cause?: string }) => failed(new Error(event.status_line?.reason_phrase || event.cause || t("It was refused.")));
			// JsSIP names the tags of the one who answered and the one who called; the node is asked about its own, and that of here
			const replaces = dialog ? ({ _request: { call_id: dialog.call_id }, _to_tag: dialog.remote_tag, _from_tag: dialog.local_tag } as unknown as Session) : undefined;
			this.sessions.get(id)?.refer(`sip:${encodeURIComponent(to)}@${location.hostname}`, { replaces, eventHandlers: { accepted: () => done(), failed: wrong, requestFailed: wrong } });
		});
	}

	/** As it was chosen, of the calls that are there, too. */
	prioritise(): void {
		for (const session of this.sessions.values()) void prioritise(session.connection);
	}

	/** Another microphone, in the calls that are there, too. */
	async speakBy(): Promise<void> {
		for (const session of this.sessions.values()) {
			const sender = session.connection?.getSenders().find((one) => one.track?.kind === "audio");
			const made = await navigator.mediaDevices.getUserMedia({ audio: microphone(false).mediaConstraints.audio });
			const track = made.getAudioTracks()[0];
			if (!sender || !track) continue;
			track.enabled = sender.track?.enabled ?? true;
			sender.track?.stop();
			await sender.replaceTrack(track);
		}
		this.play();
	}

	connection(id: number): RTCPeerConnection | null {
		return this.sessions.get(id)?.connection ?? null;
	}

	/** What was measured of the calls that are there, each second of the last ten. */
	quality(): { number: string; samples: Sample[] }[] {
		return this.state.calls.map((call) => ({ number: call.number, samples: this.samples.get(call.id) ?? [] }));
	}

	/** The node's name for a call of this phone. */
	async nodeCall(id: number): Promise<string> {
		const call = this.of(id);
		return call ? sameCall(await api.get<api.Row[]>("/v1/calls"), this.number, call) : "";
	}
}
