// SPDX-License-Identifier: Apache-2.0
// The top of each page of a user: the phone of the browser and its volume, settings and help, and who is signed in.
import { useState } from "preact/hooks";
import * as api from "../api";
import { text, type Row } from "../api";
import { t } from "../i18n";
import { Icon, link, useAsk } from "../ui";
import { dot, word } from "../words";
import { setTaste, tastes } from "./media";
import { PhoneDialog, dropPhone, hears, usePhone } from "./phone-bar";
import { Picture, usePicture } from "./picture";

function PhoneSwitch() {
	const phone = usePhone();
	const [asks, setAsks] = useState(false);
	const on = phone?.state.registered === true;
	const name = t("Phone in this browser");
	if (!hears()) return null;
	return (
		<>
			<button class={on ? "button bare on" : "button bare"} aria-label={name} title={name} aria-pressed={on} onClick={() => (on ? dropPhone() : setAsks(true))}>
				<Icon name="call" />
			</button>
			{asks && <PhoneDialog onClose={() => setAsks(false)} />}
		</>
	);
}

function Volume() {
	const phone = usePhone();
	const [volume, setVolume] = useState(() => tastes().volume);
	const set = (next: number) => {
		setTaste({ volume: next });
		setVolume(next);
		phone?.play();
	};
	return (
		<details class="menu">
			<summary class="button bare" aria-label={t("Volume")} title={t("Volume")}>
				<Icon name="sound" />
			</summary>
			<div class="card inside field">
				<label for="volume">{t("How loud the other party is")}</label>
				<input id="volume" type="range" min={0} max={100} value={100 * volume} onInput={(event) => set(event.currentTarget.valueAsNumber / 100)} />
			</div>
		</details>
	);
}

/** own: what watchers are told of the user. */
export function Account({ own }: { own: Row | undefined }) {
	const me = api.signedIn()?.user ?? "";
	const { photo } = usePicture(me);
	const asked = useAsk((signal) => api.get(`/v1/extensions/${encodeURIComponent(me)}`, {}, { signal }), [me]);
	const name = text(asked.value, "display_name") || me;
	const state = text(own, "state");
	return (
		<>
			<PhoneSwitch />
			<Volume />
			<details class="menu">
				<summary class="button bare" aria-label={t("Help and settings")} title={t("Help and settings")}>
					<Icon name="more" />
				</summary>
				<nav class="card inside stack" aria-label={t("Help and settings")} onClick={(event) => event.currentTarget.closest("details")?.removeAttribute("open")}>
					<a href={link("settings")}>{t("Settings")}</a>
					<a href={link("help")}>{t("Help")}</a>
				</nav>
			</details>
			<a class="account" href={link()} title={name}>
				{photo ? <Picture photo={photo} of={me} /> : <span class="initials" aria-hidden="true">{name.charAt(0)}</span>}
				<span class={`dot ${dot(state)}`} />
				<span class="small wide-only cut">{name}</span>
				<span class="hidden">{word(state)}</span>
			</a>
		</>
	);
}
