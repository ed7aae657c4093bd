// SPDX-License-Identifier: Apache-2.0
// A supervisor monitors a call of an extension: his phone rings, and he listens, coaches, barges in or takes over, as his document permits.
import { useId, useState } from "preact/hooks";
import * as api from "./api";
import { type Row } from "./api";
import { t } from "./i18n";
import { attempt, useAsk } from "./ui";

const MODES = ["listen", "coach", "barge", "take_over"];
const title = (mode: string): string => ({ listen: t("Listen"), coach: t("Coach"), barge: t("Barge in"), take_over: t("Take over") })[mode] ?? mode;

/** What the document of a supervisor permits; null: there is none. */
export const useSupervisor = (number: string) =>
	useAsk(
		(signal) =>
			api.get<Row>(`/v1/supervisors/${encodeURIComponent(number)}`, {}, { signal }).catch((error: unknown) => {
				if (error instanceof api.Problem && error.status === 404) return null;
				throw error;
			}),
		[number],
	);

/** by: the supervisor, "": he is asked for; of: the extension, "": likewise. */
export function Monitor({ by = "", of = "", modes = MODES, onDone }: { by?: string; of?: string; modes?: string[]; onDone?: () => void }) {
	const [given, setGiven] = useState({ by, of });
	const id = useId();
	const act = (mode: string) =>
		void attempt(() => api.ask(`/v1/supervisors/${encodeURIComponent(given.by)}/monitor`, { method: "POST", body: { extension: given.of, mode } }), `${title(mode)}: ${given.by} → ${given.of}`).then((done) => done && onDone?.());
	const field = (name: "by" | "of", label: string) => (
		<div class="field">
			<label for={id + name}>{label}</label>
			<input id={id + name} class={`input monitor-${name}`} inputMode="tel" required value={given[name]} onInput={({ currentTarget: { value } }) => setGiven((before) => ({ ...before, [name]: value }))} />
		</div>
	);
	return (
		<form
			class="stack"
			onSubmit={(event) => {
				event.preventDefault();
				act((event.submitter as HTMLButtonElement | null)?.value ?? modes[0] ?? "");
			}}
		>
			{!of && field("of", t("Extension"))}
			{!by && field("by", t("Supervisor: the extension that rings"))}
			<div class="row">
				{MODES.filter((mode) => modes.includes(mode)).map((mode) => (
					<button class="button slim" key={mode} value={mode}>
						{title(mode)}
					</button>
				))}
			</div>
		</form>
	);
}
