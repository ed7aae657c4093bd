// SPDX-License-Identifier: Apache-2.0
// The phone in the browser: SIP over WebSocket at the node that served the page, by JsSIP. One tab of a browser has it.
// It is loaded when somebody wants it.
import * as JsSIP from "jssip";
import { t } from "../i18n";

export interface PhoneCall {
	id: number;
	number: string;
	name: string;
	state: "calling" | "ringing" | "talking";
	held: boolean;
	muted: boolean;
	since_ms: number;
}

export interface PhoneState {
	registered: boolean;
	wrong: string; // why it is not
	silent: boolean; // the browser plays nothing before somebody has said so
	calls: PhoneCall[];
}

type Session = ReturnType<JsSIP.UA["call"]>;

const MEDIA = { mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] } };

/** Of this browser, whichever tab: the node knows it again behind a reload. */
function instance(): string {
	const kept = localStorage.getItem("tandem-instance");
	const id = kept ?? crypto.randomUUID();
	localStorage.setItem("tandem-instance", id);
	return id;
}

export class Phone {
	state: PhoneState = { registered: false, wrong: "", silent: false, calls: [] };
	private ua: JsSIP.UA | null = null;
	private sessions = new Map<number, Session>();
	private players = new Map<number, HTMLAudioElement>();
	private next = 1;
	private release: (() => void) | null = null;
	private ringer: { context: AudioContext; timer: number } | null = null;

	constructor(private readonly tell: () => void) {}

	private set(changes: Partial<PhoneState>): void {
		this.state = { ...this.state, ...changes };
		const rings = this.state.calls.some((one) => one.state === "ringing");
		if (rings !== (this.ringer !== null)) this.ring(rings);
		this.tell();
	}

	private change(id: number, changes: Partial<PhoneCall>): void {
		this.set({ calls: this.state.calls.map((one) => (one.id === id ? { ...one, ...changes } : one)) });
	}

	/** Whoever has the lock is the phone; it is given back with the tab. */
	private lock(): Promise<boolean> {
		return new Promise((done) => {
			void navigator.locks.request("tandem-phone", { ifAvailable: true }, (lock) => {
				done(lock !== null);
				return lock ? new Promise<void>((free) => (this.release = free)) : undefined;
			});
		});
	}

	async start(number: string, password: string): Promise<void> {
		if (!(await this.lock())) {
			this.set({ wrong: t("Another tab of this browser is the phone.") });
			return;
		}
		const server = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
		this.ua = new JsSIP.UA({
			sockets: [new JsSIP.WebSocketInterface(server)],
			uri: `sip:${number}@${location.hostname}`,
			password,
			instance_id: instance(),
			register_expires: 300,
			session_timers: false,
			user_agent: "tandem web client",
			connection_recovery_min_interval: 1,
			connection_recovery_max_interval: 8,
		});
		this.ua.on("registered", () => this.set({ registered: true, wrong: "" }));
		this.ua.on("unregistered", () => this.set({ registered: false }));
		this.ua.on("disconnected", () => this.set({ registered: false }));
		this.ua.on("registrationFailed", (event: { cause?: string }) => {
			this.set({ registered: false, wrong: event.cause ?? "" });
			if (event.cause === JsSIP.C.causes.AUTHENTICATION_ERROR || event.cause === JsSIP.C.causes.REJECTED) this.stop();
		});
		this.ua.on("newRTCSession", (event: { originator: string; session: Session }) => this.take(event.originator === "remote", event.session));
		this.ua.start();
	}

	stop(): void {
		this.ua?.stop();
		this.ua = null;
		this.release?.();
		this.release = null;
		this.set({ registered: false, calls: [] });
	}

	private take(incoming: boolean, session: Session): void {
		const id = this.next++;
		const call: PhoneCall = { id, number: session.remote_identity.uri.user, name: session.remote_identity.display_name ?? "", state: incoming ? "ringing" : "calling", held: false, muted: false, since_ms: 0 };
		const over = () => {
			this.sessions.delete(id);
			this.players.get(id)?.remove();
			this.players.delete(id);
			this.set({ calls: this.state.calls.filter((one) => one.id !== id) });
		};
		this.sessions.set(id, session);
		session.on("confirmed", () => {
			this.change(id, { state: "talking", since_ms: Date.now() });
			for (const other of this.state.calls) if (other.id !== id && other.state === "talking" && !other.held) this.hold(other.id, true);
		});
		session.on("ended", over);
		session.on("failed", over);
		session.on("hold", () => this.change(id, { held: session.isOnHold().local }));
		session.on("unhold", () => this.change(id, { held: session.isOnHold().local }));
		session.on("muted", () => this.change(id, { muted: true }));
		session.on("unmuted", () => this.change(id, { muted: false }));
		if (session.connection) this.hear(id, session.connection);
		else session.on("peerconnection", (event: { peerconnection: RTCPeerConnection }) => this.hear(id, event.peerconnection));
		this.set({ calls: [...this.state.calls, call] });
	}

	private hear(id: number, connection: RTCPeerConnection): void {
		connection.addEventListener("track", (event) => {
			if (event.track.kind !== "audio") return;
			const player = this.players.get(id) ?? new Audio();
			this.players.set(id, player);
			player.srcObject = new MediaStream([event.track]);
			this.play();
		});
	}

	/** Also what a press of "turn sound on" does. */
	play(): void {
		for (const player of this.players.values()) {
			player.play().then(
				() => this.set({ silent: false }),
				() => this.set({ silent: true }),
			);
		}
	}

	/** Two short tones every three seconds, until somebody answers. */
	private ring(on: boolean): void {
		if (this.ringer) {
			clearInterval(this.ringer.timer);
			void this.ringer.context.close();
			this.ringer = null;
		}
		if (!on) return;
		const context = new AudioContext();
		const beep = () => {
			for (const at of [0, 0.4]) {
				const tone = context.createOscillator();
				const gain = context.createGain();
				tone.frequency.value = 480;
				gain.gain.value = 0.08;
				tone.connect(gain).connect(context.destination);
				tone.start(context.currentTime + at);
				tone.stop(context.currentTime + at + 0.25);
			}
		};
		beep();
		this.ringer = { context, timer: window.setInterval(beep, 3000) };
	}

	call(to: string): void {
		this.ua?.call(`sip:${encodeURIComponent(to)}@${location.hostname}`, MEDIA);
	}

	answer(id: number): void {
		this.sessions.get(id)?.answer(MEDIA);
	}

	end(id: number): void {
		this.sessions.get(id)?.terminate();
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

	key(id: number, digit: string): void {
		this.sessions.get(id)?.sendDTMF(digit, { transportType: JsSIP.C.DTMF_TRANSPORT.RFC2833 });
	}
}
