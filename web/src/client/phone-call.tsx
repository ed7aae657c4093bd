// SPDX-License-Identifier: Apache-2.0
// One call of the phone in the browser: what is known of it, and all that one does with it.
import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { drags } from "../drag";
import { duration } from "../format";
import { t } from "../i18n";
import { Badge, Icon, Notice, attempt, say, useNow } from "../ui";
import { meter } from "./media";
import type { Phone, PhoneCall } from "./phone";

export function Keys({ onKey }: { onKey: (digit: string) => void }) {
	return (
		<div class="row" role="group" aria-label={t("Keys")}>
			{[..."123456789*0#"].map((digit) => (
				<button class="button slim num" key={digit} onClick={() => onKey(digit)}>
					{digit}
				</button>
			))}
		</div>
	);
}

/** How loud the own microphone is. */
export function Level({ track }: { track: MediaStreamTrack | null | undefined }) {
	const [level, setLevel] = useState(0);
	useEffect(() => (track ? meter(track, setLevel) : undefined), [track]);
	return <meter class="level" min={0} max={1} low={0.35} value={level} aria-label={t("Level of the microphone")} />;
}

function Picture({ track, own }: { track: MediaStreamTrack; own?: boolean }) {
	const ref = useRef<HTMLVideoElement>(null);
	useEffect(() => {
		if (!ref.current) return;
		ref.current.srcObject = new MediaStream([track]);
		void ref.current.play().catch(() => undefined);
	}, [track]);
	return <video ref={ref} class={own ? "picture own" : "picture"} muted playsInline aria-label={own ? t("Your camera") : t("Picture of the other party")} />;
}

function Pictures({ of, call }: { of: Phone; call: PhoneCall }) {
	const connection = of.connection(call.id);
	const there = connection?.getReceivers().find((one) => one.track?.kind === "video" && !one.track.muted)?.track;
	const here = connection?.getSenders().find((one) => one.track?.kind === "video")?.track;
	useNow(); // a track that comes later is seen a second after
	return (
		<div class="row pictures">
			{there && <Picture track={there} />}
			{here && <Picture track={here} own />}
		</div>
	);
}

/** A number and what is done with it. */
export function To({ label, act, onGo }: { label: string; act: string; onGo: (to: string) => void }) {
	const [to, setTo] = useState("");
	return (
		<form
			class="row"
			onSubmit={(event) => {
				event.preventDefault();
				onGo(to);
				setTo("");
			}}
		>
			<label class="grow">
				<span class="hidden">{label}</span>
				<input class="input slim" inputMode="tel" required placeholder={label} value={to} onInput={(event) => setTo(event.currentTarget.value)} />
			</label>
			<button class="button slim">{act}</button>
		</form>
	);
}

/** What the node does with a call, whichever phone has it: one more party, an account code, a recording. */
export function Orders({ idOf }: { idOf: () => Promise<string> }) {
	const [records, setRecords] = useState(false);
	const order = async (verb: string, body: object) => api.ask(`/v1/calls/${await idOf()}/${verb}`, { method: "POST", body });
	return (
		<>
			<To label={t("Add to a conference")} act={t("Add")} onGo={(to) => void attempt(async () => api.ask("/v1/conferences", { method: "POST", body: { call: await idOf(), to } }), t("{to} is called", { to }))} />
			<To label={t("Account code")} act={t("Set")} onGo={(code) => void attempt(() => order("account_code", { code }), t("Saved"))} />
			<div>
				<button
					class="button slim"
					aria-pressed={records}
					onClick={() =>
						void attempt(() => order("record", { state: records ? "off" : "on" }), records ? t("It is recorded no more") : t("It is recorded")).then((ok) => {
							if (ok) setRecords(!records);
						})
					}
				>
					<Icon name="record" /> {records ? t("Stop recording") : t("Record")}
				</button>
			</div>
		</>
	);
}

function More({ of, call, others }: { of: Phone; call: PhoneCall; others: PhoneCall[] }) {
	const id = () => of.nodeCall(call.id);
	const park = async () => (await api.ask<api.Row>(`/v1/calls/${await id()}/park`, { method: "POST", body: {} })).value;
	const confer = async (other: PhoneCall) => api.ask("/v1/conferences", { method: "POST", body: { call: await id(), with: await of.nodeCall(other.id) } });
	return (
		<div class="stack more">
			<div class="columns three">
				<To label={t("Transfer to")} act={t("Transfer")} onGo={(to) => void attempt(() => of.transfer(call.id, to), t("Transferred"))} />
				<Orders idOf={id} />
			</div>
			<div class="row">
				{others.map((other) => (
					<>
						<button class="button slim" key={`t${other.id}`} onClick={() => void attempt(() => of.transfer(call.id, other.number, other.id), t("Transferred"))}>
							{t("Connect with {who}", { who: other.number })}
						</button>
						<button class="button slim" key={`c${other.id}`} onClick={() => void attempt(() => confer(other), t("It is a conference"))}>
							{t("Conference with {who}", { who: other.number })}
						</button>
					</>
				))}
				<button class="button slim" onClick={() => void attempt(async () => say(t("It is parked at {slot}", { slot: api.text(await park(), "slot") })))}>
					{t("Park")}
				</button>
			</div>
		</div>
	);
}

const stateOf = (call: PhoneCall): string => (call.taken ? t("Connecting again") : call.held ? t("On hold") : call.state === "talking" ? t("Connected") : call.state === "ringing" ? t("Ringing") : t("Hearing ringback"));

export function OneCall({ of, call, others }: { of: Phone; call: PhoneCall; others: PhoneCall[] }) {
	const [open, setOpen] = useState<"" | "keys" | "more">("");
	const now = useNow();
	const opens = (what: "keys" | "more", words: string) => (
		<button class="button slim" aria-expanded={open === what} onClick={() => setOpen(open === what ? "" : what)}>
			{words}
		</button>
	);
	const speaks = of.connection(call.id)?.getSenders().find((one) => one.track?.kind === "audio")?.track;
	return (
		<div
			class="stack phone-call"
			data-state={call.taken ? "taken" : call.state}
			{...(call.state === "talking" && !call.taken ? drags({ transfer: (to) => void attempt(() => of.transfer(call.id, to), t("Transferred")) }, call.number) : {})}
			{...(call.state === "ringing" ? drags({ answer: () => of.answer(call.id, false) }, call.number) : {})}
		>
			<div class="row">
				<span class="grow">
					<strong class="num">{call.number}</strong> <span class="muted">{call.name}</span> <Badge tone={call.held || call.taken ? "warn" : call.state === "talking" ? "good" : "accent"}>{stateOf(call)}</Badge>{" "}
					{call.muted && <Badge tone="warn">{t("Muted")}</Badge>} {call.since_ms > 0 && <span class="num muted small">{duration(now - call.since_ms)}</span>}
				</span>
				{call.state === "ringing" && (
					<>
						<button class="button slim first" onClick={() => of.answer(call.id, false)}>
							<Icon name="call" /> {t("Answer here")}
						</button>
						{call.video && (
							<button class="button slim" onClick={() => of.answer(call.id, true)}>
								{t("Answer with video")}
							</button>
						)}
					</>
				)}
				{call.state === "talking" && !call.taken && (
					<>
						{!call.held && <Level track={speaks} />}
						<button class="button slim" aria-pressed={call.muted} onClick={() => of.mute(call.id, !call.muted)}>
							{call.muted ? t("Unmute") : t("Mute")}
						</button>
						<button class="button slim" onClick={() => of.hold(call.id, !call.held)}>
							{call.held ? t("Resume") : t("Hold")}
						</button>
						{opens("keys", t("Keys"))}
						{opens("more", t("More"))}
					</>
				)}
				<button class="button slim harm" onClick={() => of.end(call.id)}>
					<Icon name="end" /> {call.state === "ringing" ? t("Reject") : t("Hang up")}
				</button>
			</div>
			{call.note && <Notice tone="warn">{call.note}</Notice>}
			{call.video && call.state === "talking" && <Pictures of={of} call={call} />}
			{open === "keys" && call.state === "talking" && <Keys onKey={(digit) => of.key(call.id, digit)} />}
			{open === "more" && call.state === "talking" && <More of={of} call={call} others={others} />}
		</div>
	);
}
